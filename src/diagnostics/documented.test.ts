import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** These look like codes and are environment variables. */
const variables = new Set(['WEFT_LAB', 'WEFT_DEBUG'])

/** Codes as they stand in sources: in quotes, or as the key of a table. */
function codesInSources(): string[] {
  const files = globSync('src/**/*.ts').filter((file) => !/\.(test|fixture)\.ts$|\/testing\//.test(file))
  const found = files.flatMap((file) => [
    ...readFileSync(file, 'utf8').matchAll(/'(WEFT_[A-Z0-9_]+)'|^\s*(WEFT_[A-Z0-9_]+):/gm),
  ])
  const codes = new Set(found.map(([, quoted, key]) => quoted ?? key ?? ''))
  return [...codes].filter((code) => !variables.has(code)).toSorted()
}

test('errors.md explains every code, and no other', () => {
  const page = readFileSync('docs/reference/errors.md', 'utf8')
  const documented = [...page.matchAll(/^### (WEFT_\w+)\n\n(.+)/gm)].map(([, code]) => code)

  expect(documented.toSorted()).toEqual(codesInSources())
})
