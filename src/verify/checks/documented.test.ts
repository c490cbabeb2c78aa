import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { verifyPlan } from '../verdict.ts'
import type { Check } from './check.ts'
import type { VerifyInput } from './context.ts'
import { baseIntent, examplesIn, inputOf, inputOfIntent, readDocumentedChecks } from './examples.fixture.ts'
import { checks } from './registry.ts'

const page = readFileSync('docs/reference/checks.md', 'utf8')
const documented = readDocumentedChecks(page)
const byId = new Map(documented.map((entry) => [entry.id, entry]))

function findingsIn(input: VerifyInput, wanted: readonly Check[] = checks) {
  const options = { checks: wanted, expectations: false }
  return verifyPlan(input, options).report!.findings
}

test('checks.md explains every check, and no other, in the order in which they run', () => {
  expect(documented.map(({ id }) => id)).toEqual(checks.map(({ id }) => id))
})

test.each(checks)(
  'checks.md says of $id what the check itself says',
  ({ id, title, severity, why, mend }) => {
    const { text } = byId.get(id)!

    expect(text.toLowerCase()).toContain(`*${severity}.* ${title}.`.toLowerCase())
    expect(text).toContain(why)
    expect(text).toContain(`Mend: ${mend}.`)
  },
)

test('nothing is found in the intent that the examples are laid over', () => {
  expect(parse(examplesIn(page)[0]!.source)).toEqual(baseIntent)
  expect(findingsIn(inputOfIntent(baseIntent))).toEqual([])
})

test.each(documented)('the example of $id triggers it', ({ id, examples }) => {
  expect(examples.length).toBeGreaterThan(0)
  for (const example of examples) {
    const found = findingsIn(
      inputOf(example),
      checks.filter((check) => check.id === id),
    )
    expect(found.length).toBeGreaterThan(0)
    for (const { message, mend, at, path } of found) {
      expect(message.length).toBeGreaterThan(20)
      expect(mend).not.toBe('')
      expect(at, path).not.toBeNull()
    }
  }
})
