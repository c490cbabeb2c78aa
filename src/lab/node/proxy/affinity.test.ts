import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assignBuckets, bucketCount } from './affinity.ts'

const targets = fc.uniqueArray(
  fc.integer({ min: 1, max: 250 }).map((last) => `10.1.0.${last} . 8080`),
  { minLength: 2, maxLength: 12 },
)

test('an endpoint that leaves moves its own clients only', () => {
  fc.assert(
    fc.property(targets, (all) => {
      const [gone, ...rest] = all
      const before = assignBuckets(all)
      const after = assignBuckets(rest)

      for (let bucket = 0; bucket < bucketCount; bucket++) {
        if (before[bucket] !== gone) expect(after[bucket]).toBe(before[bucket])
      }
    }),
    { numRuns: 50 },
  )
})

test('the order in which endpoints are listed does not matter', () => {
  fc.assert(
    fc.property(targets, (all) => {
      expect(assignBuckets([...all].reverse())).toEqual(assignBuckets(all))
    }),
    { numRuns: 50 },
  )
})

test('four neighbouring endpoints get a fair share each', () => {
  const shares = Map.groupBy(
    assignBuckets([1, 2, 3, 4].map((last) => `10.1.0.${last} . 8080`)),
    (target) => target,
  )

  expect(shares.size).toBe(4)
  for (const buckets of shares.values()) expect(buckets.length).toBeGreaterThan(bucketCount / 8)
})
