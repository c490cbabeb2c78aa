import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { reasonCodes } from '../desired/decision.ts'
import { deliveryMends, holdMends, nodeMends, reasonMends, subjectMends } from './mends.ts'

const page = readFileSync('docs/reference/reasons.md', 'utf8')
const entries = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((entry) => [entry.slice(0, entry.indexOf('\n')), entry]),
)
const held = Object.fromEntries(Object.entries(holdMends).map(([code, mend]) => [`held-${code}`, mend]))
const mends = { ...reasonMends, ...held, ...deliveryMends, ...subjectMends, ...nodeMends }

test('reasons.md explains every reason, and no other', () => {
  expect([...entries.keys()].toSorted()).toEqual(Object.keys(mends).toSorted())
})

test('reasons.md says the same sentence about what to do as weft why', () => {
  const different = Object.entries(mends).filter(
    ([code, mend]) => !entries.get(code)?.includes(`\n${mend}\n`),
  )
  expect(different).toEqual([])
})

test('reasons.md keeps the order in which reasons are checked', () => {
  const documented = [...entries.keys()].filter((code) => reasonCodes.some((known) => known === code))
  expect(documented).toEqual([...reasonCodes])
})
