import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildRouter } from './build-router.ts'
import { judgeConfigs } from './judge-configs.ts'
import { readConfig } from './read-config.ts'

function routerOf(text: string) {
  const raw = readConfig('r1.conf', text)
  return { ...buildRouter(raw), unsupported: raw.unsupported }
}

/** The well-known shape of a node: both families of settings stand on a group, statements without indentation or exit. */
const node = `
frr version 8.1
frr defaults traditional
hostname cp1
no ipv6 forwarding
service integrated-vtysh-config
interface eno5
 ipv6 nd ra-interval 6
 no ipv6 nd suppress-ra
exit
interface lo
 ip address 10.10.19.10/32
 ip address 10.10.21.66/32
exit
router bgp 65496
 bgp router-id 10.10.19.10
 bgp bestpath as-path multipath-relax
 neighbor TOR peer-group
 neighbor TOR remote-as internal
 neighbor TOR bfd
 neighbor TOR timers 1 3
 neighbor eno5 interface peer-group TOR
 bgp fast-convergence
 address-family ipv4 unicast
  network 10.10.21.66/32
  redistribute connected
 exit-address-family
exit
`

test('a node of a rack is read with its group’s settings and the traditional profile’s defaults', () => {
  const router = routerOf(node)

  expect(router.unsupported).toEqual([])
  expect(router).toMatchObject({
    name: 'cp1',
    asn: 65_496,
    bgp: { requiresPolicy: true, importCheck: true, deterministicMed: false, multipathRelax: true },
    families: {
      ipv4: {
        networks: [{ prefix: '10.10.21.66/32' }],
        redistribute: [{ source: 'connected' }],
        maximumPaths: 256,
      },
    },
    neighbors: [
      {
        id: 'eno5',
        interface: 'eno5',
        remoteAs: 'internal',
        bfd: 'default',
        keepaliveSeconds: 1,
        holdSeconds: 3,
        enforcesFirstAs: false,
        families: { ipv4: { routeMapIn: null }, ipv6: null },
      },
    ],
  })
})

test.each([
  [
    'frr version 8.4\nfrr defaults datacenter',
    { requiresPolicy: false, deterministicMed: true, importCheck: true },
  ],
  [
    'frr version 8.4\nfrr defaults traditional',
    { requiresPolicy: true, deterministicMed: false, importCheck: true },
  ],
  ['frr version 7.3\nfrr defaults traditional', { requiresPolicy: false, importCheck: false }],
])('%s chooses the defaults', (header, bgp) => {
  expect(routerOf(`${header}\nrouter bgp 65001\n`).bgp).toMatchObject(bgp)
})

test.each([
  ['8.4', false],
  ['9.1', true],
  ['10.3', true],
])('frr version %s: first AS number checked by default: %s', (version, enforces) => {
  const router = routerOf(`frr version ${version}\nrouter bgp 1\nneighbor 192.0.2.1 remote-as 2\n`)
  expect(router.neighbors[0]!.enforcesFirstAs).toBe(enforces)
})

test('a line is read in the section around when its own does not know it, as FRR does', () => {
  const router = routerOf(
    [
      'router bgp 65001',
      'address-family ipv4 unicast',
      'network 10.0.0.0/24',
      'route-map A permit 10',
      'set local-preference 50',
      'router bgp 65001',
      'neighbor 192.0.2.1 remote-as 65002',
    ].join('\n'),
  )

  expect(router.unsupported).toEqual([])
  expect(router.routeMaps.A![0]!.sets).toEqual([{ set: 'local-preference', value: 50 }])
  expect(router.neighbors).toHaveLength(1)
})

test('a second condition of the same kind takes the place of the first; other kinds add up', () => {
  const router = routerOf(
    [
      'route-map A permit 10',
      'match ip address prefix-list ONE',
      'match ip address prefix-list TWO',
      'match metric 5',
    ].join('\n'),
  )
  expect(router.routeMaps.A![0]!.matches).toEqual([
    { on: 'prefix-list', family: 'ipv4', list: 'TWO' },
    { on: 'metric', value: 5 },
  ])
})

test('list entries without a number count on in fives, and take their place by number', () => {
  const router = routerOf(
    [
      'ip prefix-list P permit 10.0.0.0/8',
      'ip prefix-list P seq 3 deny 10.1.0.0/16 le 24',
      'ip prefix-list P permit any',
    ].join('\n'),
  )
  expect(router.prefixLists['ipv4 P']!.map(({ sequence, prefix }) => [sequence, prefix])).toEqual([
    [3, '10.1.0.0/16'],
    [5, '10.0.0.0/8'],
    [10, 'any'],
  ])
})

test.each([
  ['router ospf', 'this section is not modelled'],
  ['router bgp 65001 vrf red', 'this section is not modelled'],
  ['frobnicate everything', 'this statement is not modelled'],
  ['ip prefix-list P permit 10.0.0.0/33', 'is no ipv4 prefix'],
  ['ip prefix-list P permit 10.0.0.0/8 ge 24 le 16', 'nothing has a length'],
  ['bgp as-path access-list A permit ^(65001', '"(" without ")"'],
  ['bgp community-list standard C permit 70000:1', 'is no community'],
  ['route-map A permit 10\nmatch evpn vni 5', 'this match is not modelled'],
  ['route-map A permit 10\nset tag 5', 'this set is not modelled'],
  ['router bgp 65001\nneighbor 192.0.2.1 route-map A in', 'does not exist at this line'],
  [
    'router bgp 65001\nneighbor 192.0.2.1 remote-as 1\nneighbor 192.0.2.1 addpath-tx-all-paths',
    'not modelled',
  ],
])('%j is listed, not guessed at', (text, why) => {
  const { unsupported } = routerOf(text)
  expect(unsupported).toHaveLength(1)
  expect(unsupported[0]).toMatchObject({ file: 'r1.conf', line: text.split('\n').length })
  expect(unsupported[0]!.why).toContain(why)
})

test('what stands inside a section that is not modelled says nothing more', () => {
  const { unsupported, neighbors } = routerOf(
    'router ospf\n network 10.0.0.0/8 area 0\n passive-interface lo\nexit\nrouter bgp 1\nneighbor 192.0.2.1 remote-as 2',
  )
  expect(unsupported.map(({ text }) => text)).toEqual(['router ospf'])
  expect(neighbors).toHaveLength(1)
})

const words = fc.constantFrom(
  ...'frr version defaults datacenter router bgp 65001 neighbor eth1 interface peer-group remote-as external address-family ipv4 unicast route-map A permit deny 10 match set ip prefix-list seq 5 10.0.0.0/8 le 32 any community large-community 1:2 1:2:3 as-path access-list ^1$ ( [ call on-match next exit ! no activate network aggregate-address constructor __proto__ toString 999999999999 -1'.split(
    ' ',
  ),
)
const hostileLine = fc.oneof(
  { weight: 5, arbitrary: fc.array(words, { maxLength: 8 }).map((parts) => parts.join(' ')) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
)

test('no text makes the reader or the judge fail', () => {
  fc.assert(
    fc.property(
      fc.array(hostileLine, { maxLength: 30 }),
      fc.array(hostileLine, { maxLength: 10 }),
      (lines, links) => {
        const judgement = judgeConfigs([
          { path: 'r1.conf', text: lines.join('\n') },
          { path: 'r2.conf', text: `hostname r2\n${lines.toReversed().join('\n')}` },
          { path: 'links', text: links.join('\n') },
        ])
        expect(['ok', 'violated', 'undecided']).toContain(judgement.verdict)
      },
    ),
    { numRuns: 300 },
  )
})

test('a partial reading is never green', () => {
  const { verdict, unsupported } = judgeConfigs([{ path: 'r1.conf', text: `${node}\nrouter ospf\n` }])
  expect(unsupported).toHaveLength(1)
  expect(verdict).not.toBe('ok')
})

test('a file of a million lines, or of none, is refused or read', () => {
  expect(readConfig('big.conf', 'a\n'.repeat(1_000_000)).unsupported[0]!.why).toContain('1000001 lines')
  expect(readConfig('binary.conf', 'a\0b').unsupported[0]!.why).toContain('not text')
  expect(readConfig('empty.conf', '').statements).toBe(0)
})
