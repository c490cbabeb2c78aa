import { beforeAll, expect, test } from 'vitest'
import { loadIntent } from '../../intent/load.ts'
import { sketchIntent } from '../../plan/fixture.ts'
import { emptyLock } from '../../plan/lock.ts'
import type { Plan } from '../../plan/model.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { type ExpectedRoute, type ExpectedTables, expectedRoutes } from './expected-routes.ts'
import { bareRoute } from './policy.ts'
import { buildNetwork, propagate } from './propagate.ts'

const site = (block: number, extra: object = {}) => ({
  addresses: {
    switches: `10.${block}.0.0/24`,
    nodes: `10.${block}.1.0/24`,
    pods: { pool: `10.${block}.64.0/18`, perNode: 26 },
    services: `10.${block}.2.0/24`,
  },
  fabric: { spines: 2, racks: { compute: 2 }, borderLeaves: 2 },
  dci: { routers: 2 },
  edge: { routers: 2 },
  ...extra,
})

const twoSites = {
  weft: 'v1',
  name: 'two',
  racks: { compute: { leaves: 2, nodes: 2 } },
  sites: { dc1: site(10), dc2: site(20) },
  peers: { isp: { site: 'dc1', asn: 64999, link: '192.0.2.0/29', send: ['services'], receive: ['default'] } },
  overrides: [{ select: { device: 'dc2-compute1-n1' }, set: { vips: ['10.20.2.7'] } }],
}

function plan(intent: object): Plan {
  const loaded = loadIntent(JSON.stringify(intent), { file: 'weft.yaml' })
  expect(loaded.diagnostics).toEqual([])
  const planned = planFabric(loaded.intent!, emptyLock)
  expect(planned.diagnostics).toEqual([])
  return planned.plan!
}

const neighbours = (route: ExpectedRoute | undefined) => route?.nextHops.map((hop) => hop.device)

let tables: ExpectedTables
beforeAll(() => {
  tables = expectedRoutes(plan(twoSites))
})

test('a leaf reaches another rack over every spine, and its own node directly', () => {
  const leaf = tables.get('dc1-compute1-leaf1')!

  expect(neighbours(leaf.get('10.10.1.3/32'))).toEqual(['dc1-spine1', 'dc1-spine2'])
  expect(neighbours(leaf.get('10.10.1.1/32'))).toEqual(['dc1-compute1-n1'])
})

test('a node is never transit: nobody’s next hop for what it does not own is a node', () => {
  for (const [device, table] of tables) {
    for (const [prefix, route] of table) {
      for (const hop of route.nextHops.filter((entry) => /-n\d$/.test(entry.device))) {
        const owns = tables.get(hop.device)!.get(prefix)!.local
        expect([device, prefix, hop.device, owns]).toEqual([device, prefix, hop.device, true])
      }
    }
  }
})

test('a route that came down is not sent up again: no leaf is between two spines', () => {
  for (const [device, table] of tables) {
    if (!/spine\d$/.test(device)) continue
    for (const route of table.values()) {
      const viaLeaf = route.nextHops.some((hop) => hop.device.includes('leaf'))
      if (viaLeaf) expect(route.asPath.length).toBeLessThanOrEqual(2)
    }
  }
})

test('another site is seen as two aggregates and its announced service addresses, over both DCI routers', () => {
  const border = tables.get('dc1-border1')!
  const fromDc2 = [...border].filter(([, route]) => route.communities.includes('SITE-dc2'))

  expect(fromDc2.map(([prefix, route]) => [prefix, neighbours(route)])).toEqual([
    ['10.20.2.7/32', ['dc1-dci1', 'dc1-dci2']],
    ['10.20.1.0/24', ['dc1-dci1', 'dc1-dci2']],
    ['10.20.64.0/18', ['dc1-dci1', 'dc1-dci2']],
  ])
})

test('a peer beyond the edge learns service addresses and nothing else; those of the other site are stepped back', () => {
  const isp = tables.get('isp')!

  expect([...isp.keys()].sort()).toEqual(['0.0.0.0/0', '10.20.2.7/32'])
  expect(neighbours(isp.get('10.20.2.7/32'))).toEqual(['dc1-edge1', 'dc1-edge2'])
  expect(isp.get('10.20.2.7/32')).toMatchObject({ asPath: { length: 3 }, communities: [] })
})

test('between two peers private AS numbers are taken off the path, public ones and the receiver’s own stay', () => {
  const peers = {
    isp: { site: 'dc1', asn: 3356, receive: ['default', '198.51.100.0/24'] },
    corp: { site: 'dc1', asn: 64999, receive: ['172.16.0.0/16'], send: ['default', 'services'] },
    lab: { site: 'dc1', asn: 64998, receive: ['default'], send: ['default'] },
  }
  const edge = expectedRoutes(plan({ ...twoSites, peers }))

  // Two providers are equally near; FRR keeps the older one, the model the first by name.
  expect(edge.get('corp')!.get('0.0.0.0/0')!.asPath.slice(1)).toEqual([3356])
  expect(edge.get('lab')!.get('0.0.0.0/0')!.local).toBe(true)
  expect(edge.get('corp')!.get('10.20.2.7/32')!.asPath).toHaveLength(3)
})

test('the default route of the only edge reaches the nodes of both sites', () => {
  expect(neighbours(tables.get('dc1-compute1-n1')!.get('0.0.0.0/0'))).toHaveLength(2)
  expect(neighbours(tables.get('dc2-compute1-n1')!.get('0.0.0.0/0'))).toHaveLength(2)
})

test('border leaves hold the aggregates of their site as discard routes', () => {
  expect(tables.get('dc1-border1')!.get('10.10.1.0/24')).toMatchObject({ local: true, discard: true })
})

test('in an ibgp rack leaves reflect between nodes, and nodes use both leaves', () => {
  const intent = {
    weft: 'v1',
    name: 'seed',
    racks: { rack: { leaves: 2, nodes: 2, attachment: 'ibgp' } },
    sites: {
      dc1: { ...site(10), fabric: { spines: 2, racks: { rack: 2 } }, dci: undefined, edge: undefined },
    },
  }
  const seed = expectedRoutes(plan(JSON.parse(JSON.stringify(intent))))

  expect(neighbours(seed.get('dc1-rack1-n1')!.get('10.10.1.2/32'))).toEqual([
    'dc1-rack1-leaf1',
    'dc1-rack1-leaf2',
  ])
  expect(neighbours(seed.get('dc1-rack1-n1')!.get('10.10.1.3/32'))).toEqual([
    'dc1-rack1-leaf1',
    'dc1-rack1-leaf2',
  ])
  expect(seed.get('dc1-rack1-leaf1')!.has(seedLoopbackOf(seed, 'dc1-rack1-leaf2'))).toBe(false)
})

function seedLoopbackOf(seed: ExpectedTables, device: string): string {
  return [...seed.get(device)!].find(([, route]) => route.local)![0]
}

test('with nodeRoutes default a node holds its own prefixes and a default route over both leaves', () => {
  const racks = [
    { name: 'r1', nodes: ['n1'] },
    { name: 'r2', nodes: ['n2'] },
  ]
  const intent = sketchIntent([{ name: 'dc1', block: 10, racks }], { bgp: { nodeRoutes: 'default' } })

  const node = expectedRoutes(planFabric(intent, emptyLock).plan!).get('n1')!

  expect([...node.keys()].sort()).toEqual(['0.0.0.0/0', '10.10.1.1/32', '10.10.64.0/26'])
  expect(neighbours(node.get('0.0.0.0/0'))).toEqual(['dc1-r1-leaf1', 'dc1-r1-leaf2'])
})

test('without pods the nodes announce no pod prefix', () => {
  const withoutPods = expectedRoutes(plan(twoSites), { pods: false })

  expect(
    [...withoutPods.get('dc1-spine1')!.keys()].filter((prefix) => prefix.startsWith('10.10.64')),
  ).toEqual([])
})

test('without a link traffic takes the other one, and the device behind it is known over that alone', () => {
  const without = { links: new Set(['dc1-compute1-leaf1--dc1-compute1-n1']) }
  const failed = expectedRoutes(plan(twoSites), { without })

  expect(neighbours(failed.get('dc1-compute1-n1')!.get('10.10.1.3/32'))).toEqual(['dc1-compute1-leaf2'])
  expect(neighbours(failed.get('dc1-spine1')!.get('10.10.1.1/32'))).toEqual(['dc1-compute1-leaf2'])
  // The leaf that lost it goes over the spines to the other leaf of its own rack.
  expect(neighbours(failed.get('dc1-compute1-leaf1')!.get('10.10.1.1/32'))).toEqual([
    'dc1-spine1',
    'dc1-spine2',
  ])
})

test('a dead device has an empty table, and nobody knows its prefixes or goes through it', () => {
  const failed = expectedRoutes(plan(twoSites), { without: { devices: new Set(['dc1-spine1']) } })

  expect(failed.get('dc1-spine1')!.size).toBe(0)
  expect(neighbours(failed.get('dc1-compute1-leaf1')!.get('10.10.1.3/32'))).toEqual(['dc1-spine2'])
  for (const table of failed.values())
    for (const route of table.values()) expect(neighbours(route)).not.toContain('dc1-spine1')
})

test('a drained announcer is given up above the leaf and kept below, so that no two routers point at each other', () => {
  const network = buildNetwork(plan(twoSites))
  const own = { ...bareRoute, communities: new Set(['SCOPE-edge']) }
  const selections = propagate(
    network,
    '10.10.2.9/32',
    new Map([
      ['dc1-compute1-n1', { ...own, gracefulShutdown: true }],
      ['dc1-compute2-n1', own],
    ]),
  )

  const via = (device: string) => selections.get(device)!.paths.map((path) => path.via.remote.device)
  expect(via('dc1-compute1-leaf1')).toEqual(['dc1-compute1-n1'])
  expect(via('dc1-spine1')).toEqual(['dc1-compute2-leaf1', 'dc1-compute2-leaf2'])
})

test('beside an undrained node of the same rack the leaf itself gives up the drained one', () => {
  const selections = propagate(
    buildNetwork(plan(twoSites)),
    '10.10.2.9/32',
    new Map([
      ['dc1-compute1-n1', { ...bareRoute, gracefulShutdown: true }],
      ['dc1-compute1-n2', bareRoute],
    ]),
  )

  const paths = selections.get('dc1-compute1-leaf1')!.paths
  expect(paths.map((path) => path.via.remote.device)).toEqual(['dc1-compute1-n2'])
})
