import { expect, test } from 'vitest'
import { buildRouter } from '../configs/build-router.ts'
import { readConfig } from '../configs/read-config.ts'
import { type BgpRoute, localRoute } from './bgp-route.ts'
import { type Candidate, decide } from './decide.ts'

const limits = { ebgp: 64, ibgp: 64 }

function router(...lines: string[]) {
  return buildRouter(
    readConfig(
      'r.conf',
      ['frr version 8.4', 'frr defaults datacenter', 'router bgp 65001', ...lines].join('\n'),
    ),
  )
}

const relaxed = router('bgp bestpath as-path multipath-relax')

function path(order: string, changes: Partial<BgpRoute> = {}, other: Partial<Candidate> = {}): Candidate {
  const route = { ...localRoute, weight: 0, asPath: [65_100], ...changes }
  return {
    source: 'ebgp',
    order,
    neighborAsn: route.asPath[0] ?? 65_001,
    neighborId: '10.0.0.1',
    neighborAddress: null,
    route,
    ...other,
  }
}

test.each([
  ['weight', { weight: 5 }, {}],
  ['local preference', { localPreference: 200 }, { asPath: [1] }],
  ['AS path length', { asPath: [1] }, { asPath: [1, 2] }],
  ['origin', {}, { origin: 'incomplete' as const }],
  ['MED', { med: 3 }, { med: 7 }],
])('%s decides, and is named', (step, better, worse) => {
  const decision = decide(relaxed, limits, [path('b', worse), path('c', better)])!

  expect(decision.best.order).toBe('c')
  expect(decision.multipath).toHaveLength(1)
  expect(decision.eliminated.map((entry) => [entry.candidate.order, entry.step])).toEqual([['b', step]])
})

test('MED of different neighbours’ AS is not compared, unless always', () => {
  const paths = [path('a', { asPath: [1], med: 9 }), path('b', { asPath: [2], med: 3 })]

  expect(decide(relaxed, limits, paths)!.multipath).toHaveLength(2)
  const always = router('bgp bestpath as-path multipath-relax', 'bgp always-compare-med')
  expect(decide(always, limits, paths)!.multipath.map(({ order }) => order)).toEqual(['b'])
})

test('own routes first, external before internal, and no multipath beside an own one', () => {
  const own = path('', { asPath: [] }, { source: 'network' })
  const internal = path('i', {}, { source: 'ibgp' })
  const external = path('e')

  expect(decide(relaxed, limits, [external, own, internal])!.multipath).toEqual([own])
  const decision = decide(relaxed, limits, [internal, external])!
  expect(decision.best).toBe(external)
  expect(decision.eliminated[0]!.step).toBe('external over internal')
})

test('without multipath-relax only paths through the same neighbour AS share traffic', () => {
  const paths = [path('a', { asPath: [1, 9] }), path('b', { asPath: [1, 8] }), path('c', { asPath: [2, 9] })]
  const decision = decide(router(), limits, paths)!

  expect(decision.multipath.map(({ order }) => order)).toEqual(['a', 'b'])
  expect(decision.dependsOnOrder).toBe(true)
})

test('internal paths without multipath-relax share traffic only with the very same AS path; the lowest router ID is best', () => {
  const internal = (order: string, id: string, asPath: number[]) =>
    path(order, { asPath }, { source: 'ibgp', neighborId: id })
  const decision = decide(router(), limits, [
    internal('a', '10.0.0.9', [1, 9]),
    internal('b', '10.0.0.2', [1, 9]),
    internal('c', '10.0.0.5', [1, 8]),
  ])!

  expect(decision.best.order).toBe('b')
  expect(decision.multipath.map(({ order }) => order)).toEqual(['b', 'a'])
  expect(decision.dependsOnOrder).toBe(false)
})

test('where equal external paths differ in what others are told, the order of arrival decides; same paths do not matter', () => {
  expect(decide(relaxed, limits, [path('a'), path('b')])!.dependsOnOrder).toBe(false)
  expect(
    decide(relaxed, limits, [path('a', { asPath: [1] }), path('b', { asPath: [2] })])!.dependsOnOrder,
  ).toBe(true)
  expect(decide(relaxed, limits, [path('a', { bandwidth: 1 }), path('b')])!.dependsOnOrder).toBe(true)
  const byRouterId = router('bgp bestpath as-path multipath-relax', 'bgp bestpath compare-routerid')
  expect(
    decide(byRouterId, limits, [path('a', { asPath: [1] }), path('b', { asPath: [2] })])!.dependsOnOrder,
  ).toBe(false)
})

test('maximum-paths cuts, and which are cut depends on order', () => {
  const decision = decide(relaxed, { ebgp: 2, ibgp: 64 }, [path('a'), path('b'), path('c')])!

  expect(decision.multipath).toHaveLength(2)
  expect(decision.eliminated[0]).toMatchObject({ step: 'maximum-paths', candidate: { order: 'c' } })
  expect(decision.dependsOnOrder).toBe(true)
})
