import { expect, test } from 'vitest'
import { findNearest } from './nearest.ts'

const keys = ['spines', 'racks', 'pods', 'superSpines', 'borderLeaves']

test.each([
  ['spine', 'spines'],
  ['rakcs', 'racks'],
  ['borderLeafs', 'borderLeaves'],
  ['superspines', 'superSpines'],
  ['pod', 'pods'],
])('%s was meant to be %s', (word, meant) => expect(findNearest(word, keys)).toBe(meant))

test.each(['leaves', 'x', '', 'quantum'])('%j resembles none', (word) =>
  expect(findNearest(word, keys)).toBeNull(),
)
