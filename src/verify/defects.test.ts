/** Mutation testing of the checks: each defect is planted into a plan that has none, and must be found. */
import { expect, test } from 'vitest'
import type { Device, Plan, Session } from '../plan/model.ts'
import { baseIntent, inputOfIntent } from './checks/examples.fixture.ts'
import { verifyPlan } from './verdict.ts'

const base = inputOfIntent(baseIntent)

function device(plan: Plan, name: string): Device {
  return plan.devices.find((candidate) => candidate.name === name)!
}

function session(plan: Plan, a: string, b: string): Session {
  return plan.sessions.find(({ link }) => link === `${a}--${b}`)!
}

function permits(plan: Plan, policy: string) {
  return plan.policies[policy]!.terms
}

const defects: [defect: string, check: string, plant: (plan: Plan) => void][] = [
  [
    'an AS number of one end changes in an iBGP session',
    'session-cannot-form',
    (plan) => {
      session(plan, 'dc1-compute1-leaf1', 'dc1-compute1-n1').type = 'ibgp'
    },
  ],
  [
    'an interface is renamed on one side',
    'session-cannot-form',
    (plan) => {
      session(plan, 'dc1-spine1', 'dc1-compute1-leaf1').a.interface = 'eth99'
    },
  ],
  [
    'a cable is plugged into another port',
    'session-cannot-form',
    (plan) => {
      device(plan, 'dc1-spine1').interfaces[0]!.peerDevice = 'dc1-spine2'
    },
  ],
  [
    'the address of a numbered peer is off the link',
    'session-cannot-form',
    (plan) => {
      session(plan, 'dc1-edge1', 'isp').a.neighborAddress = '192.0.2.7'
    },
  ],
  [
    'a numbered peer has no address',
    'session-cannot-form',
    (plan) => {
      session(plan, 'dc1-edge1', 'isp').a.neighborAddress = null
    },
  ],
  [
    'a session carries no family',
    'session-cannot-form',
    (plan) => {
      session(plan, 'dc1-edge1', 'isp').families = []
    },
  ],
  [
    'a hold time that RFC 4271 forbids',
    'session-cannot-form',
    (plan) => {
      session(plan, 'dc1-edge1', 'isp').timers = { keepaliveSeconds: 1, holdSeconds: 2 }
    },
  ],
  [
    'two neighbours have one router ID',
    'session-cannot-form',
    (plan) => {
      device(plan, 'dc1-spine1').routerId = device(plan, 'dc1-compute1-leaf1').routerId
    },
  ],
  [
    'a router ID is used twice far apart',
    'address-duplicate',
    (plan) => {
      device(plan, 'dc2-spine1').routerId = device(plan, 'dc1-compute1-leaf1').routerId
    },
  ],
  [
    'pod prefixes overlap',
    'address-duplicate',
    (plan) => {
      device(plan, 'dc1-compute1-n1').podCidrs = ['10.10.20.0/27']
    },
  ],
  [
    'a pool is overfull',
    'capacity-exhausted',
    (plan) => {
      plan.capacity[0]!.used = plan.capacity[0]!.total + 1
    },
  ],
  [
    'a session names a policy that does not exist',
    'policy-missing',
    (plan) => {
      session(plan, 'dc1-spine1', 'dc1-compute1-leaf1').a.import = 'dc1.GONE'
    },
  ],
  [
    'a policy loses its terms',
    'policy-missing',
    (plan) => {
      plan.policies['dc1.TO-ABOVE'] = { terms: [] }
    },
  ],
  [
    'an export is opened',
    'policy-open',
    (plan) => {
      plan.policies['dc1.TO-BELOW'] = { terms: [{ action: 'permit', match: {}, set: {} }] }
    },
  ],
  [
    'a prefix set shrinks at the receiver',
    'filters-disagree',
    (plan) => {
      const { policies, prefixSets } = plan
      prefixSets['dc1.SMALL'] = { entries: [{ prefix: '10.10.19.0/25', ge: 32 }] }
      for (const term of policies['dc1.FROM-LEAF']!.terms) term.match = { prefixSet: 'dc1.SMALL' }
    },
  ],
  [
    'the AS-path filter of a node holds another number',
    'filters-disagree',
    (plan) => {
      session(plan, 'dc1-compute1-leaf1', 'dc1-compute1-n1').a.acceptAsPath = '^65000$'
    },
  ],
  [
    'DCI routers of two sites do not agree on aggregates',
    'filters-disagree',
    (plan) => {
      const terms = permits(plan, 'dc2.DCI-FROM-SITES')
      plan.policies['dc2.DCI-FROM-SITES'] = {
        terms: terms.filter(({ match }) => match.prefixSet !== 'dc2.REMOTE-AGGREGATES'),
      }
    },
  ],
  [
    'a loopback lies outside the segment',
    'prefix-unaccepted',
    (plan) => {
      const node = device(plan, 'dc1-compute1-n1')
      node.loopbacks = ['10.99.0.1/32']
      node.originates[0]!.prefix = '10.99.0.1/32'
    },
  ],
  [
    'a service address lies outside the pools',
    'prefix-unaccepted',
    (plan) => {
      const node = device(plan, 'dc1-compute1-n1')
      node.vips = ['10.99.0.7/32']
      node.originates.push({ prefix: '10.99.0.7/32', via: 'network', policy: 'dc1.VIP-edge' })
    },
  ],
  [
    'a spine filters node prefixes of half the segment',
    'aggregate-blackhole',
    (plan) => {
      for (const set of ['dc1.NODES', 'dc1.FABRIC']) {
        for (const entry of plan.prefixSets[set]!.entries) {
          if (entry.prefix === '10.10.19.0/24') Object.assign(entry, { prefix: '10.10.19.2/31', ge: 32 })
        }
      }
    },
  ],
  [
    'leaves pass on what came from above',
    'scope-leak',
    (plan) => {
      // Without the deny for scope rack.
      const terms = permits(plan, 'dc1.TO-ABOVE')
      plan.policies['dc1.TO-ABOVE'] = {
        terms: terms.filter(({ match }) => !match.anyCommunity?.includes('SCOPE-rack')),
      }
    },
  ],
  [
    'border leaves tell DCI routers every service',
    'scope-leak',
    (plan) => {
      for (const policy of ['dc1.BORDER-TO-DCI', 'dc1.DCI-FROM-BORDER']) {
        permits(plan, policy).unshift({ action: 'permit', match: { prefixSet: 'dc1.OWN-SERVICES' }, set: {} })
      }
    },
  ],
  [
    'edge routers are told host routes of nodes',
    'scope-leak',
    (plan) => {
      for (const policy of ['dc1.BORDER-TO-EDGE', 'dc1.EDGE-FROM-BORDER']) {
        permits(plan, policy).unshift({ action: 'permit', match: { prefixSet: 'dc1.NODES' }, set: {} })
      }
    },
  ],
  [
    'a peer is told our communities',
    'scope-leak',
    (plan) => {
      for (const term of permits(plan, 'dc1.TO-isp')) delete term.set.replaceCommunities
    },
  ],
  [
    'a peer is told what it was not promised',
    'scope-leak',
    (plan) => {
      permits(plan, 'dc1.TO-isp').unshift({
        action: 'permit',
        match: { prefixSet: 'dc1.AGGREGATES' },
        set: { replaceCommunities: [] },
      })
    },
  ],
  [
    'two racks share an AS number',
    'as-loop',
    (plan) => {
      for (const rack of ['compute1', 'compute2']) {
        for (const number of [1, 2]) device(plan, `dc1-${rack}-leaf${number}`).asn = 65010 + number
      }
      device(plan, 'dc1-compute1-leaf2').asn = 65011
      device(plan, 'dc1-compute2-leaf2').asn = 65011
    },
  ],
  [
    'an AS number is AS_TRANS',
    'as-reserved',
    (plan) => {
      device(plan, 'dc1-compute1-n1').asn = 23456
    },
  ],
  [
    'a leaf has a public number',
    'as-public-inside',
    (plan) => {
      device(plan, 'dc1-compute1-leaf1').asn = 3356
    },
  ],
  [
    'a node announces more than its leaf lets it',
    'maximum-prefix-small',
    (plan) => {
      session(plan, 'dc1-compute1-leaf1', 'dc1-compute1-n1').a.maximumPrefixes = 1
    },
  ],
  [
    'a node may announce more addresses than its leaf lets it',
    'maximum-prefix-small',
    (plan) => {
      session(plan, 'dc1-compute1-leaf1', 'dc1-compute1-n1').a.maximumPrefixes = 50
    },
  ],
  [
    'a default route stops at the border',
    'site-without-default',
    (plan) => {
      const terms = permits(plan, 'dc2.BORDER-FROM-DCI')
      plan.policies['dc2.BORDER-FROM-DCI'] = {
        terms: terms.filter(({ match }) => match.prefixSet !== 'dc2.EXTERNAL'),
      }
    },
  ],
  [
    'one router may use one path',
    'ecmp-narrow',
    (plan) => {
      device(plan, 'dc1-compute1-leaf1').maximumPaths = 1
    },
  ],
  [
    'more paths than any build takes',
    'multipath-build',
    (plan) => {
      device(plan, 'dc1-spine1').maximumPaths = 512
    },
  ],
  [
    'a seed is left to the kernel',
    'hash-polarisation',
    (plan) => {
      device(plan, 'dc1-spine1').hashSeed = 0
    },
  ],
  [
    'one session loses its BFD',
    'bfd-missing',
    (plan) => {
      session(plan, 'dc1-spine1', 'dc1-compute1-leaf1').bfd = null
    },
  ],
  [
    'BFD slower than the hold time',
    'timer-conflict',
    (plan) => {
      plan.bfdProfiles.node!.multiplier = 100
    },
  ],
  [
    'a hold time of two keepalives',
    'timer-conflict',
    (plan) => {
      session(plan, 'dc1-spine1', 'dc1-compute1-leaf1').timers = { keepaliveSeconds: 5, holdSeconds: 9 }
    },
  ],
  [
    'neither hold time nor BFD',
    'timer-conflict',
    (plan) => {
      Object.assign(session(plan, 'dc1-edge1', 'isp'), {
        bfd: null,
        timers: { keepaliveSeconds: 0, holdSeconds: 0 },
      })
    },
  ],
  [
    'a cable is missing',
    'single-homed',
    (plan) => {
      plan.sessions = plan.sessions.filter(({ link }) => link !== 'dc1-spine1--dc1-compute1-leaf1')
    },
  ],
  [
    'a route is marked as drained for good',
    'drain-saved',
    (plan) => {
      permits(plan, 'dc1.ORIGIN-SWITCH')[0]!.set.gracefulShutdown = 'add'
    },
  ],
]

test('there is nothing to find before a defect is planted', () => {
  expect(verifyPlan(base).report).toMatchObject({
    verdict: 'ok',
    findings: [],
  })
})

test.each(defects)('%s: %s', (_defect, check, plant) => {
  const plan = structuredClone(base.plan)
  plant(plan)
  const { report } = verifyPlan({ ...base, plan })

  const found = report!.findings.map((finding) => finding.check)
  expect(found).toContain(check)
  const { message, devices } = report!.findings.find((finding) => finding.check === check)!
  if (check !== 'capacity-exhausted') for (const name of devices.slice(0, 1)) expect(message).toContain(name)
})

test.each(defects)('%s: %s, with one prefix of each kind as in large plans', (_defect, check, plant) => {
  const plan = structuredClone(base.plan)
  plant(plan)
  const found = (exactLimit: number) =>
    verifyPlan({ ...base, plan, exactLimit }).report!.findings.map(
      (finding) => `${finding.check} ${finding.severity}`,
    )

  expect(found(0).some((text) => text.startsWith(check))).toBe(true)
  expect(new Set(found(0))).toEqual(new Set(found(300)))
})

test('what is found in an edited plan is found in its report without an intent as well', () => {
  const plan = structuredClone(base.plan)
  session(plan, 'dc1-spine1', 'dc1-compute1-leaf1').bfd = null
  const { report } = verifyPlan({ plan })

  expect(report!.findings).toMatchObject([{ check: 'bfd-missing', others: 0, at: null, path: 'bfd.fabric' }])
})

test('a leaf that does not reflect leaves the nodes of its rack without each other', () => {
  const ibgp = inputOfIntent({ ...baseIntent, bgp: { attachment: 'ibgp' } })
  const plan = structuredClone(ibgp.plan)
  for (const { type, a } of plan.sessions) if (type === 'ibgp') a.routeReflectorClient = false

  expect(verifyPlan(ibgp).report!.findings).toEqual([])
  expect(verifyPlan({ ...ibgp, plan }).report!.findings[0]).toMatchObject({
    check: 'route-missing',
    message: expect.stringMatching(/^dc1-compute1-n2 has no route to 10\.10\.19\.1\/32 .* dc1-compute1-n1/),
  })
})
