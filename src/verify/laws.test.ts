/** Laws of verification over random intents: a plan that Weft made has no errors, and verifying changes nothing. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contains, parsePrefix } from '../net/prefix.ts'
import type { Plan } from '../plan/model.ts'
import { inputOfIntent } from './checks/examples.fixture.ts'
import { type ExpectedTables, expectedRoutes } from './simulate/expected-routes.ts'
import { verifyPlan } from './verdict.ts'

const site = fc.record({
  spines: fc.integer({ min: 1, max: 3 }),
  racks: fc.integer({ min: 1, max: 3 }),
  leaves: fc.integer({ min: 1, max: 3 }),
  nodes: fc.integer({ min: 1, max: 3 }),
  pods: fc.integer({ min: 1, max: 2 }),
  attachment: fc.constantFrom('ebgp', 'ibgp'),
  borderLeaves: fc.integer({ min: 1, max: 3 }),
  scope: fc.constantFrom('rack', 'site', 'global', 'edge'),
  peers: fc.array(
    fc.record({
      send: fc.subarray(['services', 'service-pools', 'nodes', 'pods', 'default'], { minLength: 1 }),
      receive: fc.subarray(['default', '198.51.100.0/24', '203.0.113.0/24'], { minLength: 1 }),
      link: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
})

const fabric = fc.record({
  sites: fc.array(site, { minLength: 1, maxLength: 3 }),
  isDual: fc.boolean(),
  frr: fc.constantFrom('8.4', '9.1', '10.3'),
  nodeRoutes: fc.constantFrom('auto', 'full', 'default'),
  hasGlobal: fc.boolean(),
  carry: fc.subarray(['nodes', 'pods', 'services']),
})

type Fabric = typeof fabric extends fc.Arbitrary<infer T> ? T : never

function intentOf({ sites, isDual, frr, nodeRoutes, hasGlobal, carry }: Fabric): object {
  const pair = (v4: string, v6: string) => (isDual ? [v4, v6] : v4)
  const racks: Record<string, object> = {}
  const peers: Record<string, object> = {}
  const planned = sites.map((entry, index) => {
    const block = 10 * (index + 1)
    const pods = entry.spines % 2 === 0 ? entry.pods : 1
    racks[`t${index}`] = { leaves: entry.leaves, nodes: entry.nodes, attachment: entry.attachment }
    for (const [number, { send, receive, link }] of entry.peers.entries()) {
      peers[`isp${index}${number}`] = {
        site: `dc${index}`,
        asn: 64900 + 10 * index + number,
        link: link ? `192.0.2.${32 * index + 8 * number}/29` : 'unnumbered',
        send,
        receive,
      }
    }
    return [
      `dc${index}`,
      {
        addresses: {
          switches: pair(`10.${block}.0.0/24`, `fd00:${block}:1::/64`),
          nodes: pair(`10.${block}.1.0/24`, `fd00:${block}:2::/64`),
          pods: { pool: pair(`10.${block}.64.0/18`, `fd00:${block}:3::/64`) },
          services: { pool: pair(`10.${block}.2.0/24`, `fd00:${block}:4::/112`), scope: entry.scope },
        },
        fabric: {
          spines: entry.spines,
          racks: { [`t${index}`]: entry.racks },
          borderLeaves: entry.borderLeaves,
          ...(pods > 1 && { pods, superSpines: { planes: entry.spines, perPlane: 1 } }),
        },
        ...(sites.length > 1 && { dci: { routers: 1 + (index % 2) } }),
        ...(entry.peers.length > 0 && { edge: { routers: 2 } }),
      },
    ]
  })
  return {
    frr,
    racks,
    peers,
    bgp: { nodeRoutes },
    ...(hasGlobal && { services: { global: { pool: pair('10.250.0.0/24', 'fd00:250::/112') } } }),
    ...(sites.length > 1 && { dci: { carry } }),
    sites: Object.fromEntries(planned),
  }
}

test('no check finds an error in a plan that Weft made', () => {
  fc.assert(
    fc.property(fabric, (sketch) => {
      const input = inputOfIntent(intentOf(sketch))
      const before = JSON.stringify(input.plan)
      const { report } = verifyPlan(input)

      const errors = report!.findings.filter(({ severity }) => severity === 'error')
      expect(errors).toEqual([])
      expect(report!.coverage!.carried).toBe(report!.coverage!.prefixes)
      expect(JSON.stringify(input.plan)).toBe(before)
    }),
    { numRuns: 15, interruptAfterTimeLimit: 6_000 },
  )
})

test('a verdict does not depend on the order of devices and sessions', () => {
  fc.assert(
    fc.property(fabric, (sketch) => {
      const input = inputOfIntent(intentOf(sketch))
      const turned = {
        ...input,
        plan: {
          ...input.plan,
          devices: input.plan.devices.toReversed(),
          sessions: input.plan.sessions.toReversed(),
        },
      }
      const count = (from: typeof input) => {
        const { report } = verifyPlan(from)
        return report!.findings.map(({ check, severity, others }) => `${check} ${severity} ${others}`).sort()
      }
      expect(count(turned)).toEqual(count(input))
    }),
    { numRuns: 6, interruptAfterTimeLimit: 4_000 },
  )
})

const endpoint = fc.constantFrom('dc0.nodes', 'dc0.pods', 'dc0.services', 'dc0.switches', 'services')
const statement = fc.oneof(
  fc
    .record({ from: endpoint, to: endpoint, minimumWidth: fc.integer({ min: 1, max: 3 }) })
    .map((reach) => ({ reach })),
  fc.record({ from: endpoint, to: endpoint }).map((isolate) => ({ isolate })),
)

test('one prefix of each kind finds and judges what every prefix does', () => {
  fc.assert(
    fc.property(fabric, statement, (sketch, expectation) => {
      const input = inputOfIntent({ ...intentOf(sketch), expect: [expectation] })
      const answer = (exactLimit: number) => {
        const { findings, judgements } = verifyPlan({ ...input, exactLimit }).report!
        return {
          checks: new Set(findings.map(({ check, severity }) => `${check} ${severity}`)),
          verdicts: judgements.map(({ verdict }) => verdict),
        }
      }
      expect(answer(0)).toEqual(answer(1000))
    }),
    { numRuns: 10, interruptAfterTimeLimit: 5_000 },
  )
})

/** Does a packet arrive over every choice of next hops? By the whole tables, in the plainest way. */
function arrives(tables: ExpectedTables, from: string, address: string, hops = 0): boolean {
  const inner = parsePrefix(address)
  const [best] = [...tables.get(from)!]
    .filter(([prefix]) => contains(parsePrefix(prefix), inner))
    .toSorted(([a], [b]) => parsePrefix(b).length - parsePrefix(a).length)
  if (best === undefined || hops > 20) return false
  const [prefix, route] = best
  if (route.local) return prefix === address
  return route.nextHops.every(({ device }) => arrives(tables, device, address, hops + 1))
}

function reachesEverywhere(plan: Plan, tables: ExpectedTables, from: string, to: string): boolean {
  const isV6 = (text: string) => text.includes(':')
  return plan.devices
    .filter((device) => device.role === 'node' && device.site === from)
    .every((source) =>
      plan.devices
        .filter(
          (device) =>
            (to === 'nodes') === (device.role === 'node') && device.site === 'dc0' && device !== source,
        )
        .flatMap((device) => device.loopbacks)
        .filter((address) => source.loopbacks.some((own) => isV6(own) === isV6(address)))
        .every((address) => arrives(tables, source.name, address)),
    )
}

test('who reaches whom is what the tables of all routers say', () => {
  fc.assert(
    fc.property(fabric, fc.constantFrom('nodes', 'switches'), (sketch, segment) => {
      const from = `dc${sketch.sites.length - 1}`
      const reach = { from: `${from}.nodes`, to: `dc0.${segment}` }
      const input = inputOfIntent({ ...intentOf(sketch), expect: [{ reach }] })
      const [judgement] = verifyPlan(input, { checks: [] }).report!.judgements
      fc.pre(judgement!.verdict !== 'undecided')

      const holds = reachesEverywhere(input.plan, expectedRoutes(input.plan), from, segment)
      expect(judgement!.verdict).toBe(holds ? 'ok' : 'violated')
    }),
    { numRuns: 10, interruptAfterTimeLimit: 5_000 },
  )
})
