import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { routeMapChanges, routeMapOf } from '../../src/agent/vip-route-map.ts'
import type { FrrDaemon } from '../../src/frr/daemon.ts'
import { readBgpPrefix, readBgpSummary } from '../../src/frr/show-bgp.ts'
import { unweightedNeighbors, unweightedPaths } from '../../src/frr/weighting.ts'
import { readRoutes } from '../../src/linux/ip.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { createNamespaces, deleteNamespaces, inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { applySysctls } from '../../src/linux/sysctl.ts'
import { Router, routerSysctls } from '../frr/daemons.ts'

/*
 * Two racks under one spine: n1 and n2 behind l1, n3 behind l2, with 3, 1 and 12 pods of a Service. The shares that the
 * kernels give each way are compared with the shares of pods, also with real flows.
 */

const address = '10.9.0.1'
const prefix = `${address}/32`
const patient = { timeout: 20_000, interval: 20 }
const links = [
  ['l1', 'n1'],
  ['l1', 'n2'],
  ['l2', 'n3'],
  ['s', 'l1'],
  ['s', 'l2'],
] as const
const asNumbers = { s: 65000, l1: 65101, l2: 65102, n1: 65201, n2: 65202, n3: 65203 }
type Name = keyof typeof asNumbers
const names = Object.keys(asNumbers) as Name[]
const routers = new Map(names.map((name) => [name, new Router(`wfw-${name}`)]))
const daemons = new Map<Name, FrrDaemon>()

function router(name: Name): Router {
  return routers.get(name) as Router
}

function bgpd(name: Name): FrrDaemon {
  const known = daemons.get(name) ?? router(name).connect('bgpd')
  daemons.set(name, known)
  return known
}

function neighborsOf(name: Name): Name[] {
  return links.flatMap(([above, below]) => (above === name ? [below] : below === name ? [above] : []))
}

function bgpdConfig(name: Name): string {
  return `frr defaults datacenter
bgp as-path access-list OWN permit ^$
route-map VIP-site permit 10
 set large-community 65000:3:2
router bgp ${asNumbers[name]}
 bgp router-id 10.0.0.${names.indexOf(name) + 1}
 bgp bestpath as-path multipath-relax
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
${neighborsOf(name)
  .map((peer) => ` neighbor ${peer} interface remote-as external\n neighbor ${peer} timers connect 1`)
  .join('\n')}
 address-family ipv4 unicast
${neighborsOf(name)
  .map(
    (peer) =>
      `  neighbor ${peer} activate${name.startsWith('n') ? `\n  neighbor ${peer} filter-list OWN out` : ''}`,
  )
  .join('\n')}
`
}

function zebraConfig(name: Name): string {
  const interfaces = neighborsOf(name).map(
    (peer) => `interface ${peer}\n ipv6 nd ra-interval 1\n no ipv6 nd suppress-ra\n`,
  )
  return `frr defaults datacenter\nno zebra nexthop kernel enable\nzebra work-queue 0\n${interfaces.join('')}`
}

beforeAll(async () => {
  await createNamespaces([...routers.values()].map(({ name }) => name))
  for (const [name, { name: namespace }] of routers) {
    const seed = { 'net.ipv4.fib_multipath_hash_seed': 7_000 + names.indexOf(name) }
    const settings = { ...routerSysctls, 'net.ipv4.fib_multipath_hash_policy': 1, ...seed }
    await applySysctls(settings, { namespace })
  }
  await applyIpBatch(
    links.map(
      ([above, below]) =>
        `link add ${below} netns ${router(above).name} type veth peer name ${above} netns ${router(below).name}`,
    ),
  )
  for (const [name, { name: namespace }] of routers) {
    const up = neighborsOf(name).map((peer) => `link set ${peer} up`)
    const own = name.startsWith('n') ? [`addr add ${prefix} dev lo scope host`] : []
    await applyIpBatch(['link set lo up', ...up, ...own], { namespace })
    await router(name).start('zebra', zebraConfig(name))
    await router(name).start('bgpd', bgpdConfig(name))
  }
  await vi.waitUntil(
    async () =>
      (await readBgpSummary(bgpd('s')))?.sessions.every((session) => session.isEstablished) &&
      (await readBgpSummary(bgpd('l1')))?.sessions.every((session) => session.isEstablished) &&
      (await readBgpSummary(bgpd('l2')))?.sessions.every((session) => session.isEstablished),
    { timeout: 30_000, interval: 50 },
  )
})

afterAll(async () => {
  for (const daemon of daemons.values()) daemon.close()
  for (const each of routers.values()) await each.stop()
  await deleteNamespaces([...routers.values()].map(({ name }) => name))
})

/** Announces as the agent does: a route map for the weight when there is none yet, then the statement. */
async function announce(name: Name, weight?: number): Promise<void> {
  const routeMap = routeMapOf({ scope: 'site', ...(weight === undefined ? {} : { weight }) })
  if (weight !== undefined) await bgpd(name).configure(routeMapChanges(routeMap, asNumbers[name]))
  const context = ['router bgp', 'address-family ipv4 unicast']
  await bgpd(name).configure([{ context, line: `network ${prefix} route-map ${routeMap.name}` }])
}

/** Percent of the traffic that a router's kernel sends to each neighbor. */
async function shares(name: Name): Promise<Record<string, number>> {
  const routes = await readRoutes({ namespace: router(name).name, protocol: 'bgp' })
  const hops = routes.find((route) => route.destination === prefix)?.nextHops ?? []
  const total = hops.reduce((sum, hop) => sum + hop.weight, 0)
  return Object.fromEntries(hops.map((hop) => [hop.device, Math.round((100 * hop.weight) / total)]))
}

async function untilShares(name: Name, expected: Record<string, number>): Promise<void> {
  await expect.poll(() => shares(name), patient).toEqual(expected)
}

test('three pods and one get three quarters and one quarter at the leaf, and racks by their sum at the spine', async () => {
  await announce('n1', 3)
  await announce('n2', 1)
  await announce('n3', 12)

  await untilShares('l1', { n1: 75, n2: 25 })
  await untilShares('s', { l1: 25, l2: 75 })
  expect(unweightedPaths(await readBgpPrefix(bgpd('l1'), 'ipv4', prefix))).toEqual([])
})

test('a change of weight is in the leaf’s kernel at once, and resets no session', async () => {
  const before = await readBgpSummary(bgpd('l1'))
  const started = performance.now()
  await announce('n2', 3)
  await untilShares('l1', { n1: 50, n2: 50 })
  const tookMs = performance.now() - started
  console.log(`weight changed to the leaf's kernel in ${Math.round(tookMs)} ms`)
  await announce('n2', 1)
  await untilShares('l1', { n1: 75, n2: 25 })

  // A route map that is edited would take the five seconds of FRR's delay timer.
  expect(tookMs).toBeLessThan(2_000)
  const dropped = (summary: typeof before) => summary?.sessions.map((session) => session.timesDropped)
  expect(dropped(await readBgpSummary(bgpd('l1')))).toEqual(dropped(before))
})

test('real flows spread as the pods do, within the noise of hashing', async () => {
  const flows = 4_000
  await applyIpBatch(['addr add 10.0.9.9/32 dev lo'], { namespace: router('s').name })
  const count =
    'table netdev count {\n chain c {\n type filter hook ingress device "LINK" priority 0\n ip daddr 10.9.0.1 udp dport 7000 counter\n }\n}\n'
  for (const name of ['n1', 'n2', 'n3'] as const) {
    const above = neighborsOf(name)[0] as string
    await run(inNamespace(router(name).name, ['nft', '-f', '-']), { input: count.replace('LINK', above) })
  }
  const script = `const d=require('dgram');(async()=>{for(let i=0;i<${flows};i++){const s=d.createSocket('udp4');await new Promise(r=>s.bind(20000+i,'10.0.9.9',r));await new Promise(r=>s.send('x',7000,'${address}',r));s.close()}})()`
  await run(inNamespace(router('s').name, [process.execPath, '-e', script]), { timeoutMs: 60_000 })

  const arrived = new Map<string, number>()
  for (const name of ['n1', 'n2', 'n3'] as const) {
    const { stdout } = await run(inNamespace(router(name).name, ['nft', 'list', 'table', 'netdev', 'count']))
    arrived.set(name, Number(/packets (\d+)/.exec(stdout)?.[1]))
  }
  console.log(`of ${flows} flows: ${[...arrived].map(([name, packets]) => `${name} ${packets}`).join(', ')}`)
  const share = (name: Name) => (arrived.get(name) ?? 0) / flows
  expect([...arrived.values()].reduce((sum, packets) => sum + packets)).toBe(flows)
  // Ideal 3/16, 1/16 and 12/16; three standard deviations of 4,000 flows, and FRR's rounding to whole percents.
  expect(Math.abs(share('n1') - 3 / 16)).toBeLessThan(0.03)
  expect(Math.abs(share('n2') - 1 / 16)).toBeLessThan(0.02)
  expect(Math.abs(share('n3') - 12 / 16)).toBeLessThan(0.03)
})

test('one announcer without a weight turns weighting off, which shows at the leaf and names the announcer', async () => {
  await announce('n2')

  await untilShares('l1', { n1: 50, n2: 50 })
  const paths = unweightedPaths(await readBgpPrefix(bgpd('l1'), 'ipv4', prefix))
  expect(paths.map((path) => path.interface)).toEqual(['n2'])

  // The leaf passes on what it likes best, and not to whom that came from.
  const seenBy = async (name: Name) => unweightedNeighbors(await readBgpPrefix(bgpd(name), 'ipv4', prefix))
  await expect.poll(() => seenBy('n1'), patient).toHaveLength(1)
  await announce('n2', 1)
  await expect.poll(() => seenBy('n1'), patient).toEqual([])
})
