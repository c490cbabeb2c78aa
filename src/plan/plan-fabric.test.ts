import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type SiteSketch, sketchIntent } from './fixture.ts'
import { emptyLock, type Lock } from './lock.ts'
import type { Plan } from './model.ts'
import { planFabric } from './plan-fabric.ts'

const rackNames = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6']
const nodeNames = ['a', 'b', 'c', 'd']

/** One to three sites of one to six racks of up to four nodes, each in any order. */
const sketches: fc.Arbitrary<SiteSketch[]> = fc
  .shuffledSubarray(['dc1', 'dc2', 'dc3'], { minLength: 1 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .shuffledSubarray(rackNames, { minLength: 1 })
          .chain((racks) =>
            fc.tuple(
              ...racks.map((rack) =>
                fc
                  .shuffledSubarray(nodeNames, { minLength: 1 })
                  .map((nodes) => ({ name: rack, nodes: nodes.map((node) => `${name}-${rack}-${node}`) })),
              ),
            ),
          )
          .map((racks): SiteSketch => ({ name, block: Number(name.slice(2)) * 10, racks, borderLeaves: 2 })),
      ),
    ),
  )

function planOf(sites: SiteSketch[], lock: Lock): { plan: Plan; lock: Lock } {
  const planned = planFabric(sketchIntent(sites), lock)
  expect(planned.diagnostics).toEqual([])
  return { plan: planned.plan!, lock: planned.lock }
}

/** Everything that was handed out, by whom it belongs to. */
function numbersOf(plan: Plan): Map<string, string> {
  const devices = plan.devices.map((device): [string, string] => [
    device.name,
    [device.asn, device.routerId, ...device.loopbacks, ...device.podCidrs].join(' '),
  ])
  const links = plan.links.map((link): [string, string] => [
    link.id,
    `${link.a.interface} ${link.b.interface}`,
  ])
  const sites = plan.sites.map((site): [string, string] => [site.name, String(site.id)])
  return new Map([...devices, ...links, ...sites])
}

test('adding, removing and reordering sites, racks and nodes never renumbers what stays', () => {
  fc.assert(
    fc.property(sketches, sketches, (before, after) => {
      const first = planOf(before, emptyLock)
      const second = planOf(after, first.lock)

      const old = numbersOf(first.plan)
      for (const [name, numbers] of numbersOf(second.plan)) {
        if (old.has(name)) expect([name, numbers]).toEqual([name, old.get(name)])
      }
    }),
    { numRuns: 60 },
  )
})

test('what went away and comes back gets its old numbers', () => {
  fc.assert(
    fc.property(sketches, sketches, (before, between) => {
      const first = planOf(before, emptyLock)
      const second = planOf(between, first.lock)
      const third = planOf(before, second.lock)

      expect(numbersOf(third.plan)).toEqual(numbersOf(first.plan))
    }),
    { numRuns: 30 },
  )
})

test('planning with its own lock changes nothing', () => {
  fc.assert(
    fc.property(sketches, (sites) => {
      const first = planOf(sites, emptyLock)
      const second = planOf(sites, first.lock)

      expect(second).toEqual(first)
    }),
    { numRuns: 30 },
  )
})

test('no two devices share an address, a pod prefix or a port, and only intended groups share an AS number', () => {
  fc.assert(
    fc.property(sketches, sketches, (before, after) => {
      const { plan } = planOf(after, planOf(before, emptyLock).lock)

      const unique = (values: string[]) => expect(new Set(values).size).toBe(values.length)
      unique(plan.devices.flatMap((device) => [...device.loopbacks, ...device.podCidrs]))
      unique(plan.links.flatMap((link) => [link.a, link.b].map((end) => `${end.device}/${end.interface}`)))
      const spines = plan.devices.filter((device) => device.role === 'spine')
      const others = plan.devices.filter((device) => device.role !== 'spine')
      unique([
        ...others.map((device) => String(device.asn)),
        ...new Set(spines.map((device) => String(device.asn))),
      ])
    }),
    { numRuns: 40 },
  )
})

test('every session names policies and prefix sets that the plan has', () => {
  const { plan } = planOf(
    [
      { name: 'dc1', block: 10, racks: [{ name: 'r1', nodes: ['n1'] }] },
      { name: 'dc2', block: 20, racks: [{ name: 'r1', nodes: ['n2'] }] },
    ],
    emptyLock,
  )

  for (const session of plan.sessions) {
    for (const end of [session.a, session.b]) {
      expect(plan.policies).toHaveProperty([end.import])
      expect(plan.policies).toHaveProperty([end.export])
    }
  }
  for (const { terms } of Object.values(plan.policies)) {
    for (const { match, set } of terms) {
      if (match.prefixSet) expect(plan.prefixSets).toHaveProperty([match.prefixSet])
      for (const name of [
        ...(match.anyCommunity ?? []),
        ...(set.addCommunities ?? []),
        ...(set.replaceCommunities ?? []),
      ]) {
        expect(plan.communities).toHaveProperty([name])
      }
    }
  }
})

test('a pool that is too small is one problem with the numbers and a way out', () => {
  const racks = [{ name: 'r1', nodes: ['n1', 'n2', 'n3'] }]
  const intent = sketchIntent([{ name: 'dc1', block: 10, racks }])
  intent.sites[0]!.addresses.nodes.v4 = { ...intent.sites[0]!.addresses.nodes.v4, length: 30 }

  const { plan, diagnostics } = planFabric(intent, emptyLock)

  expect(plan).toBeNull()
  expect(diagnostics).toMatchInlineSnapshot(`
    [
      {
        "code": "WEFT_PLAN_POOL_EXHAUSTED",
        "expected": "room for 3",
        "found": "room for 2",
        "hint": "use a shorter prefix; a pool that grows keeps everybody’s address when its first address stays",
        "message": "10.10.1.0/30 of site dc1 has room for 2, but 3 are needed",
        "path": "sites.dc1.addresses.nodes",
        "severity": "error",
      },
    ]
  `)
})

test('numbers of removed nodes are kept until prune frees them', () => {
  const withNodes = (nodes: string[]) =>
    sketchIntent([{ name: 'dc1', block: 10, racks: [{ name: 'r1', nodes }] }])
  const first = planFabric(withNodes(['n1', 'n2']), emptyLock)
  const kept = planFabric(withNodes(['n2', 'n3']), first.lock)
  const pruned = planFabric(withNodes(['n2']), first.lock, { prune: true })
  const reused = planFabric(withNodes(['n2', 'n3']), pruned.lock)

  const loopbackOf = (planned: typeof first, name: string) =>
    planned.plan!.devices.find((device) => device.name === name)!.routerId
  expect(loopbackOf(kept, 'n3')).toBe('10.10.1.3')
  expect(loopbackOf(reused, 'n3')).toBe('10.10.1.1')
  expect(loopbackOf(reused, 'n2')).toBe('10.10.1.2')
})

test('an address pinned by override goes to that device, and nobody else gets it', () => {
  const racks = [{ name: 'r1', nodes: ['n1', 'n2', 'n3'] }]
  const intent = sketchIntent([{ name: 'dc1', block: 10, racks }], {
    overrides: [{ select: { device: 'n3' }, set: { loopback: '10.10.1.1' } }],
  })

  const { plan } = planFabric(intent, emptyLock)

  const loopbacks = plan!.devices.filter((device) => device.role === 'node').map((device) => device.routerId)
  expect(loopbacks).toEqual(['10.10.1.2', '10.10.1.3', '10.10.1.1'])
})

test('two devices pinned to one address, pins outside the pool and empty selectors are refused where they stand', () => {
  const racks = [{ name: 'r1', nodes: ['n1', 'n2', 'n3'] }]
  const intent = sketchIntent([{ name: 'dc1', block: 10, racks }], {
    overrides: [
      { select: { device: 'n*', role: 'node' }, set: { loopback: '10.10.1.9' } },
      { select: { device: 'nobody-*' }, set: { maximumPaths: 8 } },
      { select: { device: 'n1' }, set: { loopback: '10.99.1.9' } },
    ],
  })

  const { diagnostics } = planFabric(intent, emptyLock)

  expect(diagnostics.map(({ code, path }) => [code, path])).toEqual([
    ['WEFT_PLAN_SELECTOR_EMPTY', 'overrides.1.select'],
    ['WEFT_PLAN_PIN_OUTSIDE', 'overrides.2'],
    ['WEFT_PLAN_PIN_CONFLICT', 'overrides.0'],
  ])
})

test('a width that is too small is said once for the place that set it, with the device that needs most', () => {
  const racks = ['r1', 'r2', 'r3'].map((name) => ({ name, nodes: [`${name}-n1`] }))
  const intent = sketchIntent([{ name: 'dc1', block: 10, racks }], {
    bgp: { maximumPaths: 1 },
    overrides: [{ select: 'r3-n1', set: { maximumPaths: 2 } }],
  })

  const { diagnostics } = planFabric(intent, emptyLock)

  expect(diagnostics).toMatchObject([
    {
      code: 'WEFT_PLAN_WIDTH',
      path: 'bgp.maximumPaths',
      message: 'dc1-spine1 has 2 equal neighbours but may use 1 at once, and 9 more devices like it',
    },
  ])
})

test('asking for default routes where nodes need every route is answered with a warning', () => {
  const site = { name: 'dc1', block: 10, racks: [{ name: 'r1', nodes: ['n1'] }] }

  const ibgp = planFabric(
    sketchIntent([site], { bgp: { nodeRoutes: 'default', attachment: 'ibgp' } }),
    emptyLock,
  )
  const ebgp = planFabric(sketchIntent([site], { bgp: { nodeRoutes: 'default' } }), emptyLock)

  expect(ibgp.diagnostics).toMatchObject([{ code: 'WEFT_PLAN_NODE_ROUTES', severity: 'warning' }])
  expect(ebgp.diagnostics).toEqual([])
})

test('a service address that two nodes announce is counted once, and only in the pool it is from', () => {
  const racks = [{ name: 'r1', nodes: ['n1', 'n2'] }]
  const intent = sketchIntent([{ name: 'dc1', block: 10, racks }], {
    services: { global: '10.99.0.0/24' },
    overrides: [{ select: { role: 'node' }, set: { vips: ['10.10.2.5', '10.99.0.1'] } }],
  })

  const rows = planFabric(intent, emptyLock).plan!.capacity

  expect(rows.find((row) => row.resource === 'service addresses')).toMatchObject({ used: 1, total: 256 })
})
