import { once } from 'node:events'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readBgpPrefix } from '../../src/frr/show-bgp.ts'
import { readRunningConfig } from '../../src/frr/show-daemon.ts'
import { readAddresses, readRoutes } from '../../src/linux/ip.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { Fixture, nodeBgpd } from './fixture.ts'

/** The machine may be busy: waiting ends when the thing happens, not when the clock says so. */
const patient = { timeout: 10_000, interval: 5 }
let fixture: Fixture

beforeAll(async () => {
  fixture = await Fixture.create('wfg')
  await applyIpBatch(['addr add 192.0.2.9/32 dev lo'], { namespace: fixture.node.name })
})

afterAll(() => fixture?.destroy())

async function loopbackAddresses(): Promise<string[]> {
  const addresses = await readAddresses({ namespace: fixture.node.name, device: 'lo' })
  return addresses
    .map((entry) => entry.address)
    .filter((address) => address.startsWith('10.9.') || address.startsWith('fd09'))
}

async function leafRoutes(): Promise<string[]> {
  const routes = await readRoutes({ namespace: fixture.leaf.name, protocol: 'bgp' })
  return routes.map((route) => route.destination).toSorted()
}

async function nodeConfig(): Promise<string> {
  const bgpd = fixture.node.connect('bgpd')
  const running = await readRunningConfig(bgpd)
  bgpd.close()
  return running
}

const base = ['10.0.0.1/32', '10.9.200.1/32', '172.30.0.0/16']

test('announces what was there before it started, with the scope of its pool', async () => {
  await fixture.createService('site', ['10.9.0.1'])
  await fixture.createService('edge', ['10.9.64.1'])
  await fixture.createService('unready', ['10.9.0.2'], { ready: false })
  await fixture.createService('foreign', ['192.0.2.77'])
  await fixture.startAgent()

  await fixture.untilLeaf('set', '10.9.0.1/32')
  await fixture.untilLeaf('set', '10.9.64.1/32')

  expect(await leafRoutes()).toEqual([...base, '10.9.0.1/32', '10.9.64.1/32'].toSorted())
  expect((await loopbackAddresses()).toSorted()).toEqual(['10.9.0.1', '10.9.64.1'])
  const bgpd = fixture.leaf.connect('bgpd')
  expect((await readBgpPrefix(bgpd, 'ipv4', '10.9.0.1/32'))[0]?.largeCommunities).toEqual(['65000:3:2'])
  expect((await readBgpPrefix(bgpd, 'ipv4', '10.9.64.1/32'))[0]?.largeCommunities).toEqual(['65000:3:4'])
  bgpd.close()
})

test('says for every address why it is not announced', async () => {
  expect(JSON.parse(await fixture.ask('/decisions/10.9.0.2'))).toMatchObject({
    kind: 'withheld',
    code: 'no-ready-endpoint',
  })
  expect(JSON.parse(await fixture.ask('/decisions/192.0.2.77'))).toMatchObject({
    code: 'outside-pools',
    object: 'Service default/foreign status.loadBalancer.ingress',
  })
  expect(JSON.parse(await fixture.ask('/decisions/10.9.0.1'))).toMatchObject({
    kind: 'announce',
    scope: 'site',
  })
})

test('announces when an endpoint gets ready, withdraws when none is, and is quick about it', async () => {
  const up: number[] = []
  const down: number[] = []
  for (let round = 0; round < 15; round++) {
    const before = Date.now()
    await fixture.setReady('unready', true)
    up.push((await fixture.untilLeaf('set', '10.9.0.2/32', before)).atMs - before)
    const after = Date.now()
    await fixture.setReady('unready', false)
    down.push((await fixture.untilLeaf('deleted', '10.9.0.2/32', after)).atMs - after)
  }

  const median = (values: number[]) => Math.round(values.toSorted((a, b) => a - b)[7] ?? 0)
  const metrics = await fixture.metrics()
  const own = metrics.split('\n').filter((line) => line.startsWith('weft_agent_apply_duration_seconds'))
  console.log(
    `API write to the leaf's FIB: announce ${median(up)} ms, withdraw ${median(down)} ms (median of 15)`,
  )
  console.log(
    `worst: announce ${Math.round(Math.max(...up))} ms, withdraw ${Math.round(Math.max(...down))} ms`,
  )
  console.log(own.join('\n'))
  expect(median(up)).toBeLessThan(500)
  expect(median(down)).toBeLessThan(500)
  expect(await loopbackAddresses()).not.toContain('10.9.0.2')
})

test('announces both families of a dual-stack Service', async () => {
  await fixture.createService('dual', ['10.9.0.6', 'fd09::6'])

  await fixture.untilLeaf('set', '10.9.0.6/32')
  await fixture.untilLeaf('set', 'fd09::6/128')

  expect(await loopbackAddresses()).toEqual(expect.arrayContaining(['10.9.0.6', 'fd09::6']))
  await fixture.deleteService('dual')
  await fixture.untilLeaf('deleted', '10.9.0.6/32')
  await fixture.untilLeaf('deleted', 'fd09::6/128')
})

test('two Services share an address: the route goes with the last of them', async () => {
  await fixture.createService('share-a', ['10.9.0.7'])
  await fixture.createService('share-b', ['10.9.0.7'])
  await fixture.untilLeaf('set', '10.9.0.7/32')
  const seen = fixture.events.length

  await fixture.deleteService('share-a')
  await fixture.createService('marker', ['10.9.0.8'])
  await fixture.untilLeaf('set', '10.9.0.8/32')
  expect(fixture.events.slice(seen).map((event) => event.destination)).toEqual(['10.9.0.8/32'])

  await fixture.deleteService('share-b')
  await fixture.deleteService('marker')
  await fixture.untilLeaf('deleted', '10.9.0.7/32')
  await fixture.untilLeaf('deleted', '10.9.0.8/32')
})

test('kill -9 changes no route; the next agent withdraws only what is not wanted any more', async () => {
  await fixture.createService('doomed', ['10.9.0.9'])
  await fixture.untilLeaf('set', '10.9.0.9/32')
  const seen = fixture.events.length

  await fixture.stopAgent('SIGKILL')
  await fixture.deleteService('doomed')
  await fixture.startAgent()
  await fixture.untilLeaf('deleted', '10.9.0.9/32')

  const changed = fixture.events.slice(seen).map((event) => event.destination)
  expect(changed).toEqual(['10.9.0.9/32'])
  expect(await leafRoutes()).toEqual([...base, '10.9.0.1/32', '10.9.64.1/32'].toSorted())
  expect((await loopbackAddresses()).toSorted()).toEqual(['10.9.0.1', '10.9.64.1'])
})

test('a second agent on the node refuses to start', async () => {
  const first = fixture.agentPid
  // Nothing of its own collides: another socket, no metrics.
  const child = await fixture.spawnAgent({
    statusSocket: `${fixture.statusSocket}.second`,
    metricsAddress: '127.0.0.1:9098',
  })
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const [code] = await once(child, 'exit')

  expect(code).toBe(1)
  expect(stderr).toContain('another agent holds')
  expect(await fixture.status()).toMatchObject({ isReady: true })
  process.kill(first as number, 'SIGKILL')
  await fixture.startAgent()
})

test('what is taken away by hand comes back, and what is not the agent’s stays', async () => {
  const bgpd = fixture.node.connect('bgpd')
  const context = ['router bgp', 'address-family ipv4 unicast']

  await bgpd.configure([{ context, line: 'no network 10.9.0.1/32' }])
  await fixture.untilLeaf('deleted', '10.9.0.1/32')
  await fixture.untilLeaf('set', '10.9.0.1/32')
  await applyIpBatch(['addr del 10.9.64.1/32 dev lo'], { namespace: fixture.node.name })
  await expect.poll(loopbackAddresses, patient).toContain('10.9.64.1')
  // Inside the pools nothing stays that no Service asks for.
  await bgpd.configure([{ context, line: 'network 10.9.0.99/32' }])
  await applyIpBatch(['addr add 10.9.0.98/32 dev lo'], { namespace: fixture.node.name })
  await fixture.untilLeaf('set', '10.9.0.99/32')
  await fixture.untilLeaf('deleted', '10.9.0.99/32')
  await expect.poll(loopbackAddresses, { timeout: 5_000 }).not.toContain('10.9.0.98')
  bgpd.close()

  const running = await nodeConfig()
  expect(running).toContain('network 10.9.200.1/32 route-map VIP-site')
  expect(running).toContain('network 172.30.0.0/16')
  const lo = await readAddresses({ namespace: fixture.node.name, device: 'lo' })
  expect(lo.map((entry) => entry.address)).toContain('192.0.2.9')
})

test('while the API is away nothing changes, and it goes on where it was', async () => {
  const seen = fixture.events.length

  await fixture.stopApi()
  await vi.waitUntil(() => fixture.log.some((line) => line.msg === 'API watch lost, routes stay'), patient)
  // Two resyncs pass meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 2_500))

  expect(fixture.events.slice(seen)).toEqual([])
  expect(await fixture.status()).toMatchObject({ isSettled: true })
  await fixture.startApi()
  await fixture.createService('site', ['10.9.0.1'])
  await fixture.createService('later', ['10.9.0.11'])
  await fixture.untilLeaf('set', '10.9.0.11/32', 0, 20_000)
})

test('after a crash of bgpd everything is announced again within a second of its return', async () => {
  await fixture.node.kill('bgpd')
  await fixture.untilLeaf('deleted', '10.9.0.1/32', 0, 15_000)

  await fixture.node.start('bgpd', nodeBgpd)
  const returned = Date.now()
  await expect
    .poll(async () => (await nodeConfig()).includes('network 10.9.0.1/32 route-map VIP-site'), {
      timeout: 5_000,
      interval: 5,
    })
    .toBe(true)
  console.log(`announced again ${Date.now() - returned} ms after bgpd answered`)

  expect(Date.now() - returned).toBeLessThan(1000)
  await fixture.untilLeaf('set', '10.9.0.1/32', 0, 15_000)
})

test('waits for the base configuration when bgpd starts empty, and says what is missing', async () => {
  await fixture.node.kill('bgpd')
  await fixture.untilLeaf('deleted', '10.9.0.1/32', 0, 15_000)
  await fixture.node.start('bgpd', 'frr defaults datacenter\n')
  await vi.waitUntil(
    async () => (await fixture.status()).waitingFor.some((reason) => reason.includes('no BGP instance')),
    patient,
  )

  await fixture.node.load('bgpd', nodeBgpd)

  await fixture.untilLeaf('set', '10.9.0.1/32', 0, 15_000)
  await expect.poll(async () => (await fixture.status()).isReady, patient).toBe(true)
})

test('SIGTERM leaves the routes, unless told to withdraw', async () => {
  const seen = fixture.events.length
  await fixture.stopAgent('SIGTERM')
  expect(fixture.events.slice(seen)).toEqual([])

  await fixture.startAgent({ onShutdown: 'withdraw' })
  await fixture.stopAgent('SIGTERM')
  await fixture.untilLeaf('deleted', '10.9.0.1/32')

  expect(await loopbackAddresses()).toEqual([])
  await expect.poll(leafRoutes, patient).toEqual(base.toSorted())
})
