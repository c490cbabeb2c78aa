import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { watchFiles } from './watch-files.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-watch-'))
  writeFileSync(join(folder, 'weft.yaml'), 'a')
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

class Enough extends Error {}

test.each([
  ['written to', (file: string) => writeFileSync(file, 'b')],
  [
    'put in the place of the old one, as editors do',
    (file: string) => {
      writeFileSync(`${file}~`, 'b')
      renameSync(`${file}~`, file)
    },
  ],
])('acts at once, and again when the file is %s', async (_how, change) => {
  const file = join(folder, 'weft.yaml')
  let runs = 0
  const watching = watchFiles([file], async () => {
    runs++
    if (runs === 2) throw new Enough()
    change(file)
  })

  await expect(watching).rejects.toThrow(Enough)
})
