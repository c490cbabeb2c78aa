import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadIntent } from '../../intent/load.ts'
import { emptyLock } from '../../plan/lock.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { renderFrr } from '../../render/frr/frr-config.ts'
import { orderEffects } from '../simulate/order-effects.ts'
import { judgeConfigs } from './judge-configs.ts'

const messages = (files: { path: string; text: string }[]) =>
  judgeConfigs(files).findings.map(({ kind, router, message }) => `${kind} ${router}: ${message}`)

/** Two routers over eth0, without policies to think about. */
function pair(a: string, b: string): { path: string; text: string }[] {
  const header = 'frr version 8.4\nfrr defaults datacenter\n'
  return [
    { path: 'a.conf', text: `${header}hostname a\n${a}` },
    { path: 'b.conf', text: `${header}hostname b\n${b}` },
    { path: 'links', text: 'a eth0 -- b eth0' },
  ]
}

const unnumbered = (asn: number, extra = '') =>
  `router bgp ${asn}\n neighbor eth0 interface remote-as external\n${extra}`

test('a rendered example is understood line by line and holds, cabled by its descriptions alone', () => {
  const file = new URL('../../../examples/two-sites/weft.yaml', import.meta.url)
  const plan = planFabric(loadIntent(readFileSync(file, 'utf8'), { file: 'two' }).intent!, emptyLock).plan!

  const judgement = judgeConfigs(
    plan.devices.map((device) => ({
      path: `${device.name}/frr.conf`,
      text: renderFrr(plan, device).integrated,
    })),
  )

  expect(judgement).toMatchObject({
    verdict: 'ok',
    routers: 31,
    sessions: { configured: 116, up: 116 },
    findings: [],
    unsupported: [],
    missing: [],
  })
})

test('two plain routers hold; what one announces the other has', () => {
  const judgement = judgeConfigs(
    pair(unnumbered(65_001, 'no bgp network import-check\nnetwork 10.0.0.0/24\n'), unnumbered(65_002)),
  )
  expect(judgement.verdict).toBe('ok')
  expect([...judgement.plane.table('10.0.0.0/24').entries.keys()]).toEqual(['a', 'b'])
})

test('without a word about cables the verdict is open, and says what to write', () => {
  const files = pair(unnumbered(65_001), unnumbered(65_002)).slice(0, 2)
  const judgement = judgeConfigs(files)

  expect(judgement.verdict).toBe('undecided')
  expect(judgement.missing).toEqual(['a eth0', 'b eth0'])
  expect(judgement.findings[0]!.mend).toContain('leaf1 eth1 spine1 eth3')
})

test.each([
  [
    'wrong AS',
    unnumbered(65_001),
    'router bgp 65002\n neighbor eth0 interface remote-as 65009\n',
    'AS numbers differ',
  ],
  ['passwords', unnumbered(65_001, 'neighbor eth0 password x\n'), unnumbered(65_002), 'passwords differ'],
  [
    'one-sided GTSM',
    unnumbered(65_001, 'neighbor eth0 ttl-security hops 1\n'),
    unnumbered(65_002),
    'GTSM on one end',
  ],
  ['one end only', unnumbered(65_001), 'router bgp 65002\n', 'other end not configured'],
  [
    'no family in common',
    unnumbered(65_001, 'no bgp default ipv4-unicast\n'),
    unnumbered(65_002),
    'no common address family',
  ],
])('a session that cannot form is named with its reason: %s', (_, a, b, reason) => {
  const found = messages(pair(a, b))
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(/^violated/)
  expect(found[0]).toContain(reason)
})

test('the traditional profile passes nothing without policies, and the summary would not show it', () => {
  const files = pair(unnumbered(65_001), unnumbered(65_002)).map((file) => ({
    ...file,
    text: file.text.replace('datacenter', 'traditional'),
  }))
  const found = messages(files)
  expect(found).toHaveLength(2)
  expect(found[0]).toContain('comes up and passes nothing')
  expect(found[0]).toContain('default of the traditional profile')
})

test('a filter that is not defined is found, with the line that wants it', () => {
  const { findings } = judgeConfigs(
    pair(
      unnumbered(65_001, 'neighbor eth0 route-map GONE out\nroute-map IN permit 10\nmatch as-path NONE\n'),
      unnumbered(65_002),
    ),
  )
  expect(findings.map(({ line, message }) => [line, message.split(' is used')[0]])).toEqual([
    [6, 'route-map GONE'],
    [7, 'as-path access-list NONE'],
  ])
})

test('a neighbour that will announce more than it may is found before it does', () => {
  const networks = [1, 2, 3].map((n) => `network 10.0.${n}.0/24\n`).join('')
  const judgement = judgeConfigs(
    pair(
      unnumbered(65_001, `no bgp network import-check\n${networks}`),
      unnumbered(65_002, 'neighbor eth0 maximum-prefix 2\n'),
    ),
  )
  expect(judgement.findings[0]!.message).toContain('announces 3 prefixes and may announce 2')
  expect([...judgement.plane.table('10.0.1.0/24').entries.keys()]).toEqual(['a'])
})

test('a route that chases its own tail never settles, and is called that', () => {
  // Each of three routers around a fourth likes the way over its right-hand neighbour better than the direct one.
  const names = ['x', 'y', 'z']
  const files = names.map((name, index) => {
    const right = names[(index + 1) % 3]!
    const left = names[(index + 2) % 3]!
    return {
      path: `${name}.conf`,
      text: [
        'frr version 8.4',
        'frr defaults datacenter',
        `hostname ${name}`,
        'bgp as-path access-list DIRECT permit ^[0-9]+_65000$',
        'route-map RIGHT permit 10',
        'match as-path DIRECT',
        'set local-preference 200',
        'route-map RIGHT deny 20',
        'route-map NONE deny 10',
        `router bgp ${65_001 + index}`,
        'neighbor mid interface remote-as external',
        `neighbor ${right} interface remote-as external`,
        `neighbor ${left} interface remote-as external`,
        `neighbor ${right} route-map RIGHT in`,
        `neighbor ${left} route-map NONE in`,
      ].join('\n'),
    }
  })
  const mid = `frr version 8.4\nfrr defaults datacenter\nhostname mid\nrouter bgp 65000\nno bgp network import-check\nnetwork 10.0.0.0/24\n${names.map((name) => `neighbor ${name} interface remote-as external`).join('\n')}`

  const found = messages([...files, { path: 'mid.conf', text: mid }])

  expect(found.some((message) => message.includes('10.0.0.0/24 never settles'))).toBe(true)
})

// The first by real FRR (seed 6009 of the differential test), the second by two providers of one AS (seed 100).
test('where the order of arrival decides which next hop is used, or who hears of a route, it is named', () => {
  const header = 'frr version 8.4\nfrr defaults datacenter\n'
  const plain = (name: string, asn: number, ports: string[], extra = '') => ({
    path: `${name}.conf`,
    text: `${header}hostname ${name}\nrouter bgp ${asn}\nno bgp network import-check\n${ports.map((port) => `neighbor ${port} interface remote-as external`).join('\n')}\n${extra}`,
  })
  const network = 'network 10.0.0.0/24\n'

  const twoWays = judgeConfigs([
    plain('top', 65_001, ['l', 'r'], network),
    plain('l', 65_002, ['top', 'low']),
    plain('r', 65_003, ['top', 'low']),
    plain('low', 65_004, ['l', 'r']),
  ])
  expect(orderEffects(twoWays.plane, '10.0.0.0/24')).toEqual([{ router: 'low', neighbor: null, by: 'low' }])

  const relax = 'bgp bestpath as-path multipath-relax\n'
  const providers = judgeConfigs([
    plain('p1', 64_999, ['edge'], network),
    plain('p2', 64_998, ['edge'], network),
    plain('p3', 64_999, ['edge']),
    plain('edge', 64_512, ['p1', 'p2', 'p3'], relax),
  ])
  expect(orderEffects(providers.plane, '10.0.0.0/24')).toEqual([
    { router: 'p3', neighbor: 'edge', by: 'edge' },
  ])
})

// Found by the differential test (seed 6034).
test('a reflector’s outbound route map lets reflected routes through or not, and does not change them', () => {
  const internal = (name: string, ports: string[], extra = '') => ({
    path: `${name}.conf`,
    text: `frr version 8.4\nfrr defaults datacenter\nhostname ${name}\nrouter bgp 65001\nno bgp network import-check\n${ports.map((port) => `neighbor ${port} interface remote-as internal`).join('\n')}\n${extra}`,
  })
  const { plane, verdict } = judgeConfigs([
    internal('a', ['rr'], 'bgp router-id 10.0.0.1\nnetwork 10.0.0.0/24\n'),
    internal('b', ['rr'], 'bgp router-id 10.0.0.2\n'),
    internal(
      'rr',
      ['a', 'b'],
      'bgp router-id 10.0.0.3\nnetwork 10.0.9.0/24\nneighbor a route-reflector-client\nneighbor b route-reflector-client\nneighbor b route-map OUT out\nroute-map OUT permit 10\nset metric 7\n',
    ),
  ])

  expect(verdict).toBe('ok')
  const med = (prefix: string) => plane.table(prefix).entries.get('b')!.decision.best.route.med
  expect([med('10.0.0.0/24'), med('10.0.9.0/24')]).toEqual([0, 7])
})
