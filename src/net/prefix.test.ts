import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addressAt,
  contains,
  formatPrefix,
  hostPrefix,
  overlaps,
  parsePrefix,
  prefixOf,
  readPrefix,
  subnetAt,
  subnetCount,
} from './prefix.ts'

const prefix = fc
  .record({ value: fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }), length: fc.integer({ min: 0, max: 32 }) })
  .map(({ value, length }) => prefixOf({ family: 4, value }, length))

test('a prefix survives printing and parsing', () => {
  fc.assert(
    fc.property(prefix, (p) => {
      expect(parsePrefix(formatPrefix(p))).toEqual(p)
    }),
  )
})

test('two prefixes overlap exactly when one contains the other’s network address', () => {
  fc.assert(
    fc.property(prefix, prefix, (a, b) => {
      const expected =
        contains(a, { family: 4, value: b.value }) || contains(b, { family: 4, value: a.value })
      expect(overlaps(a, b)).toBe(expected)
    }),
  )
})

test('subnets of a prefix are disjoint and inside it', () => {
  const pool = parsePrefix('10.10.20.0/24')
  const subnets = Array.from({ length: Number(subnetCount(pool, 28)) }, (_, i) => subnetAt(pool, 28, i))
  expect(subnets.map(formatPrefix).slice(0, 2)).toEqual(['10.10.20.0/28', '10.10.20.16/28'])
  expect(subnets).toHaveLength(16)
  for (const [i, a] of subnets.entries()) {
    expect(contains(pool, a)).toBe(true)
    for (const b of subnets.slice(i + 1)) expect(overlaps(a, b)).toBe(false)
  }
})

test.each([
  ['10.0.0.1/24', 'host-bits-set'],
  ['10.0.0.0', 'no-length'],
  ['10.0.0.0/33', 'bad-length'],
  ['10.0.0.0/08', 'bad-length'],
  ['fd00::/129', 'bad-length'],
  ['10.0.0/24', 'not-an-address'],
])('says why %s is no prefix: %s', (text, reason) => expect(readPrefix(text)).toBe(reason))

test('counting past the end of a prefix is an error, never another prefix', () => {
  const pool = parsePrefix('10.0.0.0/30')
  expect(() => addressAt(pool, 4)).toThrow(RangeError)
  expect(() => subnetAt(pool, 31, 2)).toThrow(RangeError)
  expect(hostPrefix(addressAt(pool, 3))).toEqual(parsePrefix('10.0.0.3/32'))
})
