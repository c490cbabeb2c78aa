import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countNeedlessMoves, hashNoiseBound, judgeBalance, sharesOf } from './balance.ts'

const counts = fc
  .array(fc.nat(10_000), { minLength: 1, maxLength: 64 })
  .filter((all) => all.some((n) => n > 0))

test('equal shares are perfect, one that has everything is the worst', () => {
  expect(judgeBalance([5, 5, 5, 5])).toEqual({ jain: 1, variation: 0, maxToMean: 1 })
  expect(judgeBalance([20, 0, 0, 0])).toMatchObject({ jain: 0.25, maxToMean: 4 })
})

test('Jain’s index lies between 1/n and 1 and says the same as the variation', () => {
  fc.assert(
    fc.property(counts, (all) => {
      const { jain, variation, maxToMean } = judgeBalance(all)
      expect(jain).toBeGreaterThanOrEqual(1 / all.length - 1e-9)
      expect(jain).toBeLessThanOrEqual(1 + 1e-9)
      expect(jain).toBeCloseTo(1 / (1 + variation ** 2), 6)
      expect(maxToMean).toBeGreaterThanOrEqual(1 - 1e-9)
      expect(maxToMean).toBeLessThanOrEqual(all.length + 1e-9)
    }),
  )
})

test('neither order nor scale of the shares matters', () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 2, max: 9 }), (all, factor) => {
      const other = judgeBalance(all.toReversed().map((count) => count * factor))
      const { jain, variation, maxToMean } = judgeBalance(all)
      expect(other.jain).toBeCloseTo(jain, 9)
      expect(other.variation).toBeCloseTo(variation, 6)
      expect(other.maxToMean).toBeCloseTo(maxToMean, 9)
    }),
  )
})

test('the bound of chance is what the multinomial distribution gives', () => {
  // 1,000 flows over 8 paths: p99 of the largest share by mean is 1.28; over 64 paths 1.98.
  expect(hashNoiseBound(1000, 8)).toBeCloseTo(1.28, 1)
  expect(Math.abs(hashNoiseBound(1000, 64) - 1.98)).toBeLessThan(0.1)
})

test('the bound falls towards 1 with more flows, and is the same each time', () => {
  expect(hashNoiseBound(64, 4)).toBeGreaterThan(hashNoiseBound(4096, 4))
  expect(hashNoiseBound(64, 4)).toBe(hashNoiseBound(64, 4))
  expect([hashNoiseBound(10, 1), hashNoiseBound(0, 4)]).toEqual([1, 1])
})

test('shares add up to one', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.integer({ min: 1, max: 1000 }), { minKeys: 1 }), (rows) => {
      const shares = sharesOf(new Map(Object.entries(rows)))
      expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
      expect(shares.reduce((sum, { ideal }) => sum + ideal, 0)).toBeCloseTo(1, 9)
    }),
  )
})

test('flows of a host that is gone had to move, the others moved for nothing', () => {
  const moves = [
    { before: 'n1', after: 'n2' }, // n1 is gone
    { before: 'n2', after: 'n3' }, // n2 still answers the flow above
    { before: 'n3', after: 'n3' },
    { before: null, after: 'n3' },
    { before: 'n3', after: null },
  ]
  expect(countNeedlessMoves(moves)).toBe(1)
})
