import { expect, test } from 'vitest'
import { unweightedNeighbors, unweightedPaths } from './weighting.ts'

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

test('a node with a weight finds the neighbors that pass the route on without one', () => {
  const weight = ['LB:65201:375000', '(3.000', 'Mbps)']
  const from = (peer: string, extendedCommunities: string[], isValid = true) => ({
    peer,
    isValid,
    extendedCommunities,
    ...(peer === '' ? {} : { interface: `to-${peer}` }),
  })

  expect(unweightedNeighbors([from('l1', []), from('', weight), from('l2', weight)])).toEqual(['to-l1'])
  expect(unweightedNeighbors([from('l1', [], false), from('', weight)])).toEqual([])
  expect(unweightedNeighbors([from('l1', []), from('', [])])).toEqual([])
  expect(unweightedNeighbors([from('l1', [])])).toEqual([])
})
