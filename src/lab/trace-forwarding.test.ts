import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { loadIntent } from '../intent/load.ts'
import { emptyLock } from '../plan/lock.ts'
import type { Plan } from '../plan/model.ts'
import { planFabric } from '../plan/plan-fabric.ts'
import { type ExpectedTables, expectedRoutes } from '../verify/simulate/expected-routes.ts'
import { type MeshPair, pairsOfIntent, pairsOfPlan } from './ping-mesh-pairs.ts'
import { findDifferences } from './trace.ts'
import { type Forwarding, isPlaced, listPaths, plannedForwarding } from './trace-forwarding.ts'

let plan: Plan
let tables: ExpectedTables
beforeAll(() => {
  const file = new URL('../../examples/two-sites/weft.yaml', import.meta.url)
  plan = planFabric(loadIntent(readFileSync(file, 'utf8'), { file: 'weft.yaml' }).intent!, emptyLock).plan!
  tables = expectedRoutes(plan)
})

test('the plan’s ways between sites are all equal, and end at the node', () => {
  const paths = listPaths(plannedForwarding(tables, 'dc1-compute1-n1', '10.20.19.1'), 'dc1-compute1-n1')

  // Leaf, spine, border, DCI, DCI, border, spine, leaf: two of each.
  expect(paths).toHaveLength(256)
  expect(paths.every(({ isDelivered, ideal }) => isDelivered && ideal === 1 / 256)).toBe(true)
  expect(new Set(paths.map(({ devices }) => devices.at(-1)))).toEqual(new Set(['dc2-dense1-n1']))
})

test('what nobody announces is dropped where the aggregate is made', () => {
  const forwarding = plannedForwarding(tables, 'dc2-dense1-n1', '10.10.19.99')
  expect([...forwarding].filter(([, hop]) => hop.kind === 'drops').map(([device]) => device)).toEqual(
    expect.arrayContaining(['dc1-border1', 'dc1-border2']),
  )
})

test('a service address has no place in the plan, everything else has', () => {
  expect([isPlaced(plan, '10.30.31.10'), isPlaced(plan, '10.10.21.5'), isPlaced(plan, '10.10.19.1')]).toEqual(
    [false, false, true],
  )
})

test('weights divide, and a loop is cut where it closes', () => {
  const forwarding: Forwarding = new Map([
    [
      'a',
      {
        kind: 'forwards',
        next: [
          { device: 'b', weight: 3 },
          { device: 'c', weight: 1 },
        ],
      },
    ],
    ['b', { kind: 'delivers' }],
    ['c', { kind: 'forwards', next: [{ device: 'a', weight: 1 }] }],
  ])
  expect(listPaths(forwarding, 'a')).toEqual([
    { devices: ['a', 'b'], ideal: 0.75, isDelivered: true },
    { devices: ['a', 'c', 'a'], ideal: 0.25, isDelivered: false },
  ])
})

test('a difference is named at the device that makes it, not at those that come after', () => {
  const planned: Forwarding = new Map([
    [
      'a',
      {
        kind: 'forwards',
        next: [
          { device: 'c', weight: 1 },
          { device: 'b', weight: 1 },
        ],
      },
    ],
    ['b', { kind: 'delivers' }],
    ['c', { kind: 'delivers' }],
  ])
  const kernel: Forwarding = new Map([
    ['a', { kind: 'forwards', next: [{ device: 'b', weight: 1 }] }],
    ['b', { kind: 'drops' }],
  ])
  expect(findDifferences(kernel, planned)).toEqual([
    'a: planned via b, c, kernel via b',
    'b: planned delivers, kernel drops',
  ])
  expect(findDifferences(kernel, null)).toEqual([])
})

test('the mesh of an intent has its statements, in live addresses, and says what it leaves out', () => {
  const live = new Map([['10.30.31.10', ['dc1-compute1-n2', 'dc2-dense1-n2']]])
  const [between, services, isolated] = pairsOfIntent(plan, live, { pods: true })

  expect(between).toMatchObject({ text: 'reach dc1.nodes → dc2.nodes', path: 'expect.0', untried: null })
  expect(between?.pairs).toHaveLength(4 * 3)
  expect(services?.pairs).toEqual(
    ['isp-a', 'isp-b'].map(
      (from): MeshPair => ({
        from,
        address: '10.30.31.10',
        owners: ['dc1-compute1-n2', 'dc2-dense1-n2'],
        wanted: 'arrives',
      }),
    ),
  )
  expect(isolated?.pairs.every(({ wanted }) => wanted === 'stays away')).toBe(true)

  const [, nothing, withoutPods] = pairsOfIntent(plan, new Map(), { pods: false })
  expect(nothing).toMatchObject({ pairs: [], untried: 'no service address is announced now' })
  expect(withoutPods).toMatchObject({ untried: 'the lab runs without pods' })
})

test('the mesh of a plan is every node to every other, and to services whatever becomes of it', () => {
  const [nodes, pods, services] = pairsOfPlan(plan, new Map([['10.10.21.5', ['dc1-compute1-n1']]]), {
    pods: true,
  })

  expect(nodes?.pairs).toHaveLength(7 * 6)
  expect(nodes?.pairs.every(({ wanted }) => wanted === 'arrives')).toBe(true)
  expect(pods?.pairs).toHaveLength(7 * 6)
  expect(services?.pairs.map(({ wanted }) => wanted)).toEqual(Array.from({ length: 6 }, () => 'whatever'))
})
