import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Plan } from '../../plan/model.ts'
import { anyShape, intentOf, planOf } from '../failures/intents.fixture.ts'
import { compactNetwork } from './compact-network.ts'
import { prefixUniverse } from './prefix-universe.ts'
import { SwapProver } from './proof.ts'
import { findSymmetry, Orbits } from './symmetry.ts'

const intent = intentOf({
  racks: [{ leaves: 2, nodes: 2, attachment: 'ebgp' }],
  sites: 2,
  spines: 2,
  superSpines: undefined,
  borderLeaves: 2,
  nodeRoutes: 'full',
  peers: 0,
  vips: 0,
})

/** Does exchanging these devices leave the plan as it is? */
function isSymmetry(plan: Plan, ...names: string[]): boolean {
  const network = compactNetwork(plan)
  const pairs = Int32Array.from(names, (name) => network.indexOf.get(name)!)
  return new SwapProver(network, prefixUniverse(network)).prove({ pairs })
}

/** A plan with one thing changed. */
function planWith(edit: (plan: Plan) => void): Plan {
  const plan = structuredClone(planOf(intent))
  edit(plan)
  return plan
}

const rack = ['leaf1', 'leaf2', 'n1', 'n2'].flatMap((end) => [`dc1-t01-${end}`, `dc1-t02-${end}`])

test('two nodes, two leaves, two spines and two racks may change places', () => {
  const plan = planOf(intent)

  expect(isSymmetry(plan, 'dc1-t01-n1', 'dc1-t01-n2')).toBe(true)
  expect(isSymmetry(plan, 'dc1-t01-leaf1', 'dc1-t01-leaf2')).toBe(true)
  expect(isSymmetry(plan, 'dc1-spine1', 'dc1-spine2')).toBe(true)
  expect(isSymmetry(plan, ...rack)).toBe(true)
})

test('half a rack, devices of different tiers, and a device twice may not', () => {
  const plan = planOf(intent)

  expect(isSymmetry(plan, ...rack.slice(0, 6))).toBe(false)
  expect(isSymmetry(plan, 'dc1-t01-n1', 'dc1-t02-n1')).toBe(false)
  expect(isSymmetry(plan, 'dc1-spine1', 'dc1-border1')).toBe(false)
  expect(isSymmetry(plan, 'dc1-spine1', 'dc2-spine1')).toBe(false)
  expect(isSymmetry(plan, 'dc1-spine1', 'dc1-spine2', 'dc1-spine1', 'dc1-spine2')).toBe(false)
})

const session = (plan: Plan, link: string) => plan.sessions.find((entry) => entry.link === link)!
const link = 'dc1-t02-leaf1--dc1-t02-n1'
const setOf = (plan: Plan, prefix: string) => plan.prefixSets[prefix]!.entries

test.each<[string, (plan: Plan) => void]>([
  ['another import policy', (plan) => Object.assign(session(plan, link).a, { import: 'dc1.TO-LEAF' })],
  [
    'an exact filter with one prefix more',
    (plan) => session(plan, link).a.accept!.push({ prefix: '10.0.9.9/32' }),
  ],
  [
    'an exact filter with another prefix',
    (plan) => session(plan, link).a.accept!.splice(0, 1, { prefix: '10.0.9.9/32' }),
  ],
  [
    'another AS-path filter',
    (plan) => Object.assign(session(plan, link).a, { acceptAsPath: '^(4201000001_?)+$' }),
  ],
  ['another BFD profile', (plan) => Object.assign(session(plan, link), { bfd: null })],
  [
    'another timer',
    (plan) => Object.assign(session(plan, link), { timers: { keepaliveSeconds: 1, holdSeconds: 3 } }),
  ],
  ['another maximum of prefixes', (plan) => Object.assign(session(plan, link).a, { maximumPrefixes: 5 })],
  ['one family less', (plan) => Object.assign(session(plan, link), { families: [] })],
  [
    'a default route',
    (plan) => Object.assign(session(plan, link).a, { defaultOriginate: 'dc1.UPLINK-ALIVE' }),
  ],
  [
    'a narrower device',
    (plan) => Object.assign(plan.devices.find(({ name }) => name === 'dc1-t02-leaf2')!, { maximumPaths: 1 }),
  ],
  ['one session less', (plan) => void plan.sessions.splice(plan.sessions.indexOf(session(plan, link)), 1)],
  [
    'one announcement more',
    (plan) =>
      plan.devices
        .find(({ name }) => name === 'dc1-t02-n1')!
        .originates.push({ prefix: '10.0.2.7/32', via: 'network', policy: null }),
  ],
  [
    'an AS number that somebody else has too',
    (plan) => {
      const asn = plan.devices.find(({ name }) => name === 'dc1-border1')!.asn
      plan.devices.find(({ name }) => name === 'dc1-t02-leaf1')!.asn = asn
    },
  ],
  [
    'a filter that names one of its prefixes',
    (plan) => {
      const [loopback] = plan.devices.find(({ name }) => name === 'dc1-t02-n1')!.loopbacks
      setOf(plan, 'dc1.DEFAULT').push({ prefix: loopback! })
    },
  ],
])('a rack is not like another when one of them has %s', (_, edit) => {
  expect(isSymmetry(planOf(intent), ...rack)).toBe(true)
  expect(isSymmetry(planWith(edit), ...rack)).toBe(false)
})

test('two sites are alike, filters, communities and all, and not when one filter of one of them differs', () => {
  const sites = (plan: Plan) => {
    const network = compactNetwork(plan)
    const orbits = new Orbits(network.devices.length)
    for (const { devices } of findSymmetry(network, prefixUniverse(network)).swaps) orbits.joinPairs(devices)
    const [one, other] = ['dc1-border1', 'dc2-border1'].map((name) => orbits.find(network.indexOf.get(name)!))
    return one === other
  }

  expect(sites(planOf(intent))).toBe(true)
  expect(sites(planWith((plan) => plan.policies['dc2.BORDER-TO-DCI']!.terms.pop()))).toBe(false)
  expect(sites(planWith((plan) => setOf(plan, 'dc2.SWITCHES').pop()))).toBe(false)
})

test('in any fabric nothing is joined that differs in role, width or number of sessions', () => {
  fc.assert(
    fc.property(anyShape, (shape) => {
      const network = compactNetwork(planOf(intentOf(shape)))
      const orbits = new Orbits(network.devices.length)
      for (const { devices } of findSymmetry(network, prefixUniverse(network)).swaps)
        orbits.joinPairs(devices)
      for (const [device, { role, maximumPaths }] of network.devices.entries()) {
        const other = network.devices[orbits.find(device)]!
        const degree = (index: number) => network.inStart[index + 1]! - network.inStart[index]!
        expect([role, maximumPaths, degree(device)]).toEqual([
          other.role,
          other.maximumPaths,
          degree(orbits.find(device)),
        ])
      }
    }),
    { numRuns: 20 },
  )
})
