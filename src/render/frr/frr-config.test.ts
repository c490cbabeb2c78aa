import { expect, test } from 'vitest'
import type { Plan } from '../../plan/model.ts'
import { addDevice, connect, emptyPlan, fabricPlan, findDevice, seedPlan } from '../fixture.ts'
import { renderFrr } from './frr-config.ts'

function integrated(plan: Plan, name: string): string {
  return renderFrr(plan, findDevice(plan, name)).integrated
}

/** The section that a header opens, without its header. */
function section(text: string, header: string): string[] {
  const lines = text.split('\n')
  const start = lines.indexOf(header)
  const indent = header.length - header.trimStart().length
  const rest = lines.slice(start + 1)
  const end = rest.findIndex((line) => line !== '' && line.length - line.trimStart().length <= indent)
  return start < 0 ? [] : rest.slice(0, end).map((line) => line.trim())
}

test('the seed sample comes out statement by statement, made safe', () => {
  const text = integrated(seedPlan(), 'cp1')

  expect(section(text, 'interface lo')).toEqual([
    'ip address 10.10.19.10/32',
    'ip address 10.10.21.66/32',
    'ip address 10.10.21.227/32',
  ])
  expect(section(text, 'interface eno5')).toEqual([
    'description leaf1 swp1',
    'ipv6 nd ra-interval 6',
    'ipv6 nd ra-lifetime 0',
    'no ipv6 nd suppress-ra',
  ])
  expect(text.slice(text.indexOf('router bgp'))).toMatchInlineSnapshot(`
    "router bgp 65496
     bgp router-id 10.10.19.10
     bgp graceful-restart
     bgp graceful-restart preserve-fw-state
     bgp graceful-restart restart-time 30
     bgp graceful-restart select-defer-time 10
     bgp graceful-restart rib-stale-time 60
     no bgp graceful-restart notification
     bgp log-neighbor-changes
     bgp ebgp-requires-policy
     no bgp default ipv4-unicast
     bgp deterministic-med
     bgp bestpath as-path multipath-relax
     no bgp network import-check
     coalesce-time 50
     neighbor TOR peer-group
     neighbor TOR remote-as internal
     neighbor TOR bfd
     neighbor TOR bfd profile node
     neighbor TOR ttl-security hops 1
     neighbor TOR advertisement-interval 0
     neighbor TOR timers 1 3
     neighbor TOR timers connect 1
     neighbor TOR capability extended-nexthop
     neighbor eno5 interface peer-group TOR
     neighbor eno5 description leaf1 swp1
     neighbor eno7 interface peer-group TOR
     neighbor eno7 description leaf2 swp1
     bgp fast-convergence
     !
     address-family ipv4 unicast
      network 10.10.19.10/32
      network 10.10.21.66/32
      network 10.10.21.227/32
      redistribute kernel route-map REDISTRIBUTE
      redistribute connected route-map REDISTRIBUTE
      neighbor TOR activate
      neighbor TOR route-map FROM-LEAF in
      neighbor TOR route-map TO-LEAF out
      neighbor TOR filter-list OWN out
      maximum-paths 64
      maximum-paths ibgp 64
     exit-address-family
    exit
    "
  `)
})

test("the seed's leaf reflects and puts itself as next hop", () => {
  const text = integrated(seedPlan(), 'leaf1')

  expect(section(text, ' address-family ipv4 unicast')).toEqual([
    'network 10.10.2.1/32',
    'neighbor NODES activate',
    'neighbor NODES route-reflector-client',
    'neighbor NODES next-hop-self force',
    'neighbor NODES route-map FROM-NODE in',
    'neighbor NODES route-map TO-NODE out',
    'neighbor swp1 maximum-prefix 264',
    'neighbor swp1 prefix-list ACCEPT-cp1 in',
    'neighbor swp1 filter-list ACCEPT-cp1 in',
    'maximum-paths 64',
    'maximum-paths ibgp 64',
  ])
})

test('redistribution lets the planned prefixes pass and nothing else, as origin IGP', () => {
  const text = integrated(seedPlan(), 'cp1')

  expect(text).toContain('ip prefix-list REDISTRIBUTE seq 5 permit 10.10.20.0/26\n')
  expect(section(text, 'route-map REDISTRIBUTE permit 10')).toEqual([
    'match ip address prefix-list REDISTRIBUTE',
    'set origin igp',
  ])
  expect(text).not.toMatch(/redistribute \w+$/m)
})

test('a dual-homed node announces only what it originates, so that it is no transit', () => {
  const plan = fabricPlan()

  expect(integrated(plan, 'dc1-a-n1')).toContain(
    'bgp as-path access-list OWN seq 5 permit ^(4200000101_?)*$\n',
  )
  expect(integrated(plan, 'dc1-a-n1')).toContain('  neighbor TOR filter-list OWN out\n')
  expect(integrated(plan, 'dc1-leaf1')).not.toContain(' OWN ')
})

test('a leaf checks each node against exactly what it may announce', () => {
  const text = integrated(fabricPlan(), 'dc1-leaf1')

  expect(text.match(/^(ip prefix-list|bgp as-path access-list) ACCEPT-dc1-a-n1 .*$/gm)).toEqual([
    'ip prefix-list ACCEPT-dc1-a-n1 seq 5 permit 10.10.19.1/32',
    'ip prefix-list ACCEPT-dc1-a-n1 seq 10 permit 10.10.20.0/24',
    'ip prefix-list ACCEPT-dc1-a-n1 seq 15 permit 10.10.64.0/24 ge 32 le 32',
    'bgp as-path access-list ACCEPT-dc1-a-n1 seq 5 permit ^4200000101$',
  ])
})

test('each daemon gets a file without blocks that it does not know', () => {
  const plan = fabricPlan()
  for (const device of plan.devices) {
    const { zebra, bgpd, bfdd } = renderFrr(plan, device).daemons

    expect(zebra).not.toMatch(/^(router|route-map|bfd|ip prefix-list|bgp)/m)
    expect(bgpd).not.toMatch(/^(interface|bfd|zebra|no zebra|service)/m)
    expect(bfdd).not.toMatch(/^(interface|router|route-map|zebra|no zebra|ip |bgp)/m)
    for (const text of [zebra, bgpd, bfdd]) expect(text).toContain('frr defaults datacenter\n')
  }
})

test('what the profile or the release would decide is written out', () => {
  const text = integrated(fabricPlan(), 'dc1-spine1')

  for (const written of [
    'bgp ebgp-requires-policy',
    'no bgp network import-check',
    'bgp bestpath as-path multipath-relax',
    'neighbor LEAVES advertisement-interval 0',
    'neighbor LEAVES timers connect 1',
  ])
    expect(text).toContain(` ${written}\n`)
  expect(text).toContain('bgp route-map delay-timer 1\n')
})

test("grace is for nodes only: leaves keep their routes for a while, and nobody keeps a switch's", () => {
  const plan = fabricPlan()
  const graceOf = (name: string) =>
    integrated(plan, name)
      .split('\n')
      .map((text) => text.trim())
      .filter((text) => text.includes('graceful-restart'))

  expect(graceOf('dc1-a-n1')).toContain('bgp graceful-restart')
  expect(graceOf('dc1-a-n1')).toContain('no bgp graceful-restart notification')
  expect(graceOf('dc1-leaf1')).toEqual(['bgp graceful-restart stalepath-time 60'])
  expect(graceOf('dc1-spine1')).toEqual([])
})

test("a node's stale routes outlive its restart, and what it may defer ends before", () => {
  const secondsOf = (name: string, timer: string) =>
    Number(new RegExp(`graceful-restart ${timer} (\\d+)`).exec(integrated(fabricPlan(), name))?.[1])
  const restart = secondsOf('dc1-a-n1', 'restart-time')

  expect(secondsOf('dc1-a-n1', 'select-defer-time')).toBeLessThan(restart)
  expect(secondsOf('dc1-leaf1', 'stalepath-time')).toBeGreaterThan(restart)
  expect(secondsOf('dc1-a-n1', 'rib-stale-time')).toBeGreaterThan(restart)
})

test('the release decides on the next-hop-group work-around and on what its bgpd knows', () => {
  const old = integrated({ ...fabricPlan(), frr: { major: 9, minor: 1 } }, 'dc1-leaf1')
  const recent = integrated({ ...fabricPlan(), frr: { major: 10, minor: 0 } }, 'dc1-leaf1')

  expect(old).toContain('frr version 9.1\n')
  expect(old).toContain('no zebra nexthop kernel enable\n')
  expect(old).toContain(' neighbor NODES enforce-first-as\n')
  expect(old).not.toContain('default-originate timer')
  expect(recent).toContain('frr version 10.0\n')
  expect(recent).not.toMatch(/nexthop kernel enable|enforce-first-as/)
  expect(recent).toContain(' bgp default-originate timer 1\n')
})

test('a neighbour beyond the edge is held to its AS number, password and limits', () => {
  const text = integrated(fabricPlan(), 'dc1-edge1')

  expect(text).toContain(' neighbor PEER-isp-a remote-as 64500\n')
  expect(text).toContain(' neighbor PEER-isp-a password letmein\n')
  expect(text).toContain(' neighbor 192.0.2.1 peer-group PEER-isp-a\n')
  expect(text).toContain('  neighbor PEER-isp-a remove-private-AS all\n')
  expect(text).toContain('  neighbor 192.0.2.1 maximum-prefix 100\n')
  expect(text).not.toContain('PEER-isp-a capability extended-nexthop')
  expect(section(text, 'interface eth2')).toEqual(['description isp-a eth1', 'ip address 192.0.2.0/31'])
})

test('a setting in which members of a group differ stands on each of them', () => {
  const plan = fabricPlan()
  const slow = plan.sessions.find(({ link }) => link === 'dc1-leaf1--dc1-a-n2')!
  slow.timers = { keepaliveSeconds: 10, holdSeconds: 30 }
  slow.bfd = null

  const text = integrated(plan, 'dc1-leaf1')

  expect(text).not.toMatch(/neighbor NODES (timers \d+ \d+|bfd)/)
  expect(text).toContain(' neighbor eth3 bfd profile node\n neighbor eth3 timers 1 3\n')
  expect(text).toContain(' neighbor eth4 timers 10 30\n')
  expect(text).not.toContain('eth4 bfd')
})

test('an aggregate and the default route towards nodes go through their policies', () => {
  const plan = fabricPlan()

  expect(integrated(plan, 'dc1-border1')).toContain(
    '  aggregate-address 10.10.20.0/22 route-map AGGREGATE-PODS\n',
  )
  expect(integrated(plan, 'dc1-leaf1')).toContain(
    '  neighbor NODES default-originate route-map UPLINK-ALIVE\n',
  )
})

test('policies that only the agent refers to are there when it comes', () => {
  expect(section(integrated(fabricPlan(), 'dc1-a-n1'), 'route-map VIP-edge permit 10')).toEqual([
    'set large-community 4200000000:3:4 additive',
  ])
})

test('a session without IPv6 leaves its group out of that family, and a member takes its settings itself', () => {
  const plan = emptyPlan()
  const spine = addDevice(plan, 'spine', 'spine', 65_001, '10.0.0.1')
  const ends = {
    a: { group: 'LEAVES', import: 'dc1.FROM-LEAF', export: 'dc1.TO-NODE' },
    b: { group: 'SPINES', import: 'dc1.FROM-LEAF', export: 'dc1.TO-NODE' },
  }
  connect(plan, spine, addDevice(plan, 'leaf1', 'leaf', 65_011, '10.0.0.11'), {
    ...ends,
    families: ['ipv4', 'ipv6'],
  })
  connect(plan, spine, addDevice(plan, 'leaf2', 'leaf', 65_012, '10.0.0.12'), ends)

  const text = integrated(plan, 'spine')

  expect(section(text, ' address-family ipv4 unicast')).toContain('neighbor LEAVES activate')
  expect(section(text, ' address-family ipv6 unicast')).toEqual([
    'neighbor eth1 activate',
    'neighbor eth1 route-map FROM-LEAF in',
    'neighbor eth1 route-map TO-NODE out',
    'maximum-paths 64',
  ])
})

test('names that the plan does not define are a bug, not a configuration', () => {
  const plan = fabricPlan()
  delete plan.policies['dc1.FROM-NODE']

  expect(() => integrated(plan, 'dc1-leaf1')).toThrow('dc1-leaf1 uses the unknown policy "dc1.FROM-NODE"')
})
