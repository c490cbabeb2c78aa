import { expect, test } from 'vitest'
import { unweightedPaths } from './weighting.ts'

const path = (isMultipath: boolean, ...extendedCommunities: string[]) => ({
  isMultipath,
  extendedCommunities,
})

test('a path in use without a weight beside one with a weight is found', () => {
  const weighted = path(true, 'LB:65201:375000', '(3.000', 'Mbps)')
  const without = path(true)

  expect(unweightedPaths([weighted, without, path(false)])).toEqual([without])
  expect(unweightedPaths([without, without])).toEqual([])
  expect(unweightedPaths([weighted, weighted])).toEqual([])
})
