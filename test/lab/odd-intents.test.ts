import { afterEach, expect, test } from 'vitest'
import { loadIntent } from '../../src/intent/load.ts'
import { LabReader } from '../../src/lab/actual.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import type { Plan } from '../../src/plan/model.ts'
import { expectedRoutes } from '../../src/verify/simulate/expected-routes.ts'
import { planOf } from './lab-fixture.ts'

/*
 * Designs off the beaten track, each as small as it can be: what the examples do not show, real routers must do as the
 * simulator says too. `bringUp` compares sessions, widths and interfaces; the AS paths are compared here.
 */

let lab = ''
afterEach(() => takeDown(lab))

const oneNode = { leaves: 1, nodes: 1 }

test('peers that hear of each other, MD5 without addresses, and three sites of which one has no edge', async () => {
  await bootAndCompare('odd-peers', {
    racks: { r: oneNode },
    sites: {
      dc1: site(10, { edge: { routers: 2, asn: 64512 } }),
      dc2: site(20, { edge: { routers: 1 } }),
      dc3: site(30),
    },
    services: { global: '10.99.0.0/24' },
    peers: {
      isp: { site: 'dc1', asn: 3356, receive: ['default', '198.51.100.0/24'], send: ['services', 'nodes'] },
      corp: {
        site: 'dc1',
        asn: 64999,
        password: 's3cret',
        receive: ['172.16.0.0/16'],
        send: ['service-pools', 'default', 'pods'],
      },
      isp2: { site: 'dc2', asn: 3356, link: '192.0.2.8/29', password: 'x-y!z', gtsm: true },
    },
    overrides: [
      { select: 'dc1-r1-n1', set: { vips: ['10.10.21.5', '10.99.0.1'] } },
      { select: 'dc2-r1-n1', set: { vips: ['10.99.0.1'] } },
    ],
  })
})

test('a five-stage fabric with ibgp and ebgp racks and IPv6, joined to a small site without', async () => {
  await bootAndCompare('odd-five', {
    racks: { i: { leaves: 2, nodes: 1, attachment: 'ibgp' }, e: oneNode },
    sites: {
      dc1: site(10, {
        addresses: {
          switches: ['10.10.18.0/24', 'fd00:10:18::/64'],
          nodes: ['10.10.19.0/24', 'fd00:10:19::/64'],
          pods: { pool: ['10.10.20.0/24', 'fd00:10:20::/64'], perNode: [28, 80] },
          services: ['10.10.21.0/24', 'fd00:10:21::/112'],
        },
        fabric: {
          pods: { p1: { racks: { i: 1 } }, p2: { racks: { e: 1 } } },
          superSpines: { planes: 2, perPlane: 1 },
          borderLeaves: 2,
        },
        edge: { routers: 1 },
      }),
      dc2: site(20, { fabric: { spines: 1, racks: { e: 1 }, borderLeaves: 1 } }),
    },
    peers: { isp: { site: 'dc1', asn: 64999, link: ['192.0.2.0/29', '2001:db8::/64'] } },
    overrides: [{ select: { role: 'node', site: 'dc1' }, set: { vips: ['10.10.21.5', 'fd00:10:21::5'] } }],
  })
})

test('nodes with a default route only, hold time 3 s, no BFD, and one path at a time', async () => {
  await bootAndCompare('odd-lean', {
    bgp: { nodeRoutes: 'default', maximumPaths: 1, timers: { keepalive: 1, hold: 3 } },
    bfd: 'off',
    racks: { r: { leaves: 2, nodes: 1 } },
    sites: { dc1: site(10, { fabric: { spines: 2, racks: { r: 2 } }, dci: undefined }) },
  })
})

function site(block: number, settings: object = {}) {
  return {
    addresses: {
      switches: `10.${block}.18.0/24`,
      nodes: `10.${block}.19.0/24`,
      pods: { pool: `10.${block}.20.0/24`, perNode: 28 },
      services: `10.${block}.21.0/24`,
    },
    fabric: { spines: 1, racks: { r: 1 }, borderLeaves: 1 },
    dci: { routers: 1 },
    ...settings,
  }
}

async function bootAndCompare(name: string, design: object): Promise<void> {
  lab = name
  const { intent, diagnostics } = loadIntent(JSON.stringify({ weft: 'v1', name, ...design }), { file: name })
  if (intent === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  const plan = planOf(intent)

  await bringUp(plan, { name: lab })

  expect(await actualPathLengths(plan)).toEqual(plannedPathLengths(plan))
}

/** `device prefix` → AS numbers on the best path. Which of several equal paths is best depends on their age. */
function plannedPathLengths(plan: Plan): Record<string, number> {
  return Object.fromEntries(
    [...expectedRoutes(plan, { pods: false })].flatMap(([device, table]) =>
      [...table].map(([prefix, { asPath }]) => [`${device} ${prefix}`, asPath.length]),
    ),
  )
}

async function actualPathLengths(plan: Plan): Promise<Record<string, number>> {
  const reader = new LabReader(lab)
  try {
    const lengths: Record<string, number> = {}
    for (const { name } of plan.devices)
      for (const [prefix, { asPath }] of (await reader.routes(name, ['ipv4', 'ipv6'])) ?? [])
        lengths[`${name} ${prefix}`] = asPath.split(' ').filter(Boolean).length
    return lengths
  } finally {
    reader.close()
  }
}
