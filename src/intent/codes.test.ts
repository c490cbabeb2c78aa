import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { intentCodes } from './codes.ts'

const codes = Object.keys(intentCodes).toSorted()

test('errors.md explains each code of reading an intent, and no other', () => {
  const page = readFileSync('docs/reference/errors.md', 'utf8')
  const entries = [...page.matchAll(/^### (WEFT_INTENT_\w+)\n\n(.+)/gm)]

  expect(entries.map(([, code]) => code).toSorted()).toEqual(codes)
})

test('each code is reported by some test', () => {
  const tests = globSync('src/intent/**/*.test.ts').map((file) => readFileSync(file, 'utf8'))
  const seen = new Set(tests.join('\n').match(/WEFT_INTENT_[A-Z_]+/g))

  expect(codes.filter((code) => !seen.has(code))).toEqual([])
})
