import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { oneSite } from './one-site.fixture.ts'
import { spawnWeft } from './spawn-weft.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-cli-'))
  writeFileSync(join(folder, 'weft.yaml'), oneSite)
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('every file that a container is given is there, and a second export changes nothing else', async () => {
  const first = await spawnWeft(folder, 'lab', 'export', '--containerlab', 'clab', '-o', 'json')
  const { topology } = JSON.parse(first.stdout) as { topology: string }
  const text = readFileSync(join(folder, topology), 'utf8')
  const { nodes } = (parse(text) as { topology: { nodes: Record<string, { binds: string[] }> } }).topology
  const again = await spawnWeft(folder, 'lab', 'export', '--containerlab', 'clab')

  for (const bind of Object.values(nodes).flatMap(({ binds }) => binds))
    expect([bind, existsSync(join(folder, 'clab', bind.split(':')[0]!))]).toEqual([bind, true])
  expect(again.code).toBe(0)
  expect(readFileSync(join(folder, topology), 'utf8')).toBe(text)
})

test('a folder with other things in it is left alone', async () => {
  const result = await spawnWeft(folder, 'lab', 'export', '--containerlab', '.')

  expect(result.code).toBe(2)
  expect(result.stderr).toContain('WEFT_RENDER_FOLDER_FOREIGN')
})
