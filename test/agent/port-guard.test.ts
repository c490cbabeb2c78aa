import { existsSync } from 'node:fs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parseGuardTable } from '../../src/agent/port-guard/guard-rules.ts'
import { readRoutes } from '../../src/linux/ip.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { inNamespace } from '../../src/linux/namespace.ts'
import { applyNft, listNft } from '../../src/linux/nft.ts'
import { run } from '../../src/linux/run.ts'
import { Fixture } from './fixture.ts'
import { type Listeners, startListeners } from './listeners.ts'

/* What a neighbor can reach on a node that has a service address: the Service's port and nothing else. */

const patient = { timeout: 20_000, interval: 20 }
const addresses = ['10.9.0.1', 'fd09::1']
let fixture: Fixture
let listeners: Listeners

beforeAll(async () => {
  fixture = await Fixture.create('wfp')
  // A loopback of its own, so that the leaf has an IPv6 address to connect from.
  await applyIpBatch(['addr add fd00::2/128 dev lo nodad'], { namespace: fixture.leaf.name })
  const bgpd = fixture.leaf.connect('bgpd')
  await bgpd.configure(
    (['ipv4 10.0.0.2/32', 'ipv6 fd00::2/128'] as const).map((entry) => {
      const [family, prefix] = entry.split(' ')
      return { context: ['router bgp', `address-family ${family} unicast`], line: `network ${prefix}` }
    }),
  )
  bgpd.close()
  listeners = await startListeners(fixture.node.name, [22, 80, 10250])
  await fixture.createService('web', addresses)
  await fixture.startAgent()
  await fixture.untilLeaf('set', '10.9.0.1/32')
  await fixture.untilLeaf('set', 'fd09::1/128')
  await vi.waitUntil(async () => {
    const scope = { namespace: fixture.node.name, protocol: 'bgp' }
    const routes = [await readRoutes(scope), await readRoutes({ ...scope, family: 'ipv6' })].flat()
    return ['10.0.0.2/32', 'fd00::2/128'].every((wanted) =>
      routes.some((route) => route.destination === wanted),
    )
  }, patient)
})

afterAll(async () => {
  await listeners?.stop()
  await fixture?.destroy()
})

/** Whether a TCP connection from the leaf comes about. */
async function connects(address: string, port: number): Promise<boolean> {
  const source = address.includes(':') ? 'fd00::2' : '10.0.0.2'
  const script = `require('net').connect({host:'${address}',port:${port},localAddress:'${source}'}).on('connect',()=>process.exit(0)).on('error',()=>process.exit(1));setTimeout(()=>process.exit(2),700)`
  const result = await run(inNamespace(fixture.leaf.name, [process.execPath, '-e', script]), {
    acceptFailure: true,
  })
  return result.exitCode === 0
}

async function expectClosedButForTheService(): Promise<void> {
  for (const address of addresses) {
    expect(await connects(address, 80), `${address} port 80`).toBe(true)
    expect(await connects(address, 22), `${address} port 22`).toBe(false)
    expect(await connects(address, 10250), `${address} port 10250`).toBe(false)
  }
}

async function guarded(): Promise<Record<string, readonly string[]>> {
  const listing = await listNft({ namespace: fixture.node.name, what: 'table inet weft-guard' })
  const { isIntact, ports } = parseGuardTable(listing)
  expect(isIntact).toBe(true)
  return Object.fromEntries(ports)
}

test('a service address answers on the Service’s port only, the node’s own address as before', async () => {
  await expectClosedButForTheService()
  expect(await connects('10.0.0.1', 22)).toBe(true)
  expect(await connects('10.0.0.1', 10250)).toBe(true)
})

const hasPing = existsSync('/bin/ping') || existsSync('/usr/bin/ping')
test.skipIf(!hasPing)('it answers ping, in both families', async () => {
  for (const [address, source] of [
    ['10.9.0.1', '10.0.0.2'],
    ['fd09::1', 'fd00::2'],
  ] as const) {
    await run(inNamespace(fixture.leaf.name, ['ping', '-c1', '-W2', '-I', source, address]))
  }
})

test('comparing with the kernel again and again closes nothing', async () => {
  // Three resyncs pass meanwhile.
  const until = performance.now() + 3_500
  while (performance.now() < until) expect(await connects('fd09::1', 80)).toBe(true)
})

test('a port that is translated before it reaches a socket is closed too, and the Service’s stays translated', async () => {
  await applyNft(
    `table ip nodeports {
      chain pre { type nat hook prerouting priority dstnat;
        ip daddr 10.9.0.1 tcp dport 30080 dnat to 10.0.0.1:80
        ip daddr 10.9.0.1 tcp dport 80 dnat to 10.0.0.1:10250
        ip daddr 10.0.0.1 tcp dport 30080 dnat to 10.0.0.1:80
      }
    }`,
    { namespace: fixture.node.name },
  )
  try {
    expect(await connects('10.9.0.1', 30080)).toBe(false)
    expect(await connects('10.9.0.1', 80)).toBe(true)
    expect(await connects('10.0.0.1', 30080)).toBe(true)
  } finally {
    await applyNft('delete table ip nodeports', { namespace: fixture.node.name })
  }
})

test('what the node says to its own service addresses is not guarded', async () => {
  const script =
    "require('net').connect({host:'10.9.0.1',port:22}).on('connect',()=>process.exit(0)).on('error',()=>process.exit(1))"
  await run(inNamespace(fixture.node.name, [process.execPath, '-e', script]))
})

test('a service address is no source address: connections of the node come from its own', async () => {
  const routes = await run(inNamespace(fixture.node.name, ['ip', '-j', 'route', 'get', '10.0.0.2']))
  expect(JSON.parse(routes.stdout)[0].prefsrc).toBe('10.0.0.1')
  // Not even when the node has no other address left.
  await applyIpBatch(['addr del 10.0.0.1/32 dev lo'], { namespace: fixture.node.name })
  try {
    const alone = await run(inNamespace(fixture.node.name, ['ip', '-j', 'route', 'get', '10.0.0.2']), {
      acceptFailure: true,
    })
    expect(alone.stdout).not.toContain('10.9.0.1')
  } finally {
    await applyIpBatch(['addr add 10.0.0.1/32 dev lo'], { namespace: fixture.node.name })
  }
})

test('another port of the Service opens and closes with it, and ends no connection that is under way', async () => {
  const open = await listeners.connectFrom(fixture.leaf.name, '10.9.0.1', 80)
  await fixture.request('PATCH', '/api/v1/namespaces/default/services/web', {
    spec: { ports: [{ name: 'kubelet', port: 10250, protocol: 'TCP' }] },
  })
  await vi.waitUntil(async () => (await guarded())['10.9.0.1']?.includes('tcp . 10250'), patient)

  expect(await connects('10.9.0.1', 10250)).toBe(true)
  expect(await connects('10.9.0.1', 80)).toBe(false)
  expect(await open.echo('still there')).toBe('still there')
  open.close()

  await fixture.request('PATCH', '/api/v1/namespaces/default/services/web', {
    spec: { ports: [{ port: 80, protocol: 'TCP' }] },
  })
  await vi.waitUntil(async () => (await guarded())['fd09::1']?.join() === 'tcp . 80', patient)
})

test('other tables stay, and a guard that somebody damaged is made whole', async () => {
  const scope = { namespace: fixture.node.name }
  await applyNft(
    `table inet theirs {
  set s { type ipv4_addr; elements = { 10.9.0.1 }; }
}`,
    scope,
  )
  await applyNft('flush chain inet weft-guard vip4', scope)
  await vi.waitUntil(async () => !(await connects('10.9.0.1', 22)), patient)
  await applyNft('delete table inet weft-guard', scope)
  await vi.waitUntil(
    async () => (await listNft({ ...scope, what: 'table inet weft-guard' })).length > 0,
    patient,
  )
  await applyNft('flush set inet weft-guard ports4', scope)
  await vi.waitUntil(async () => await connects('10.9.0.1', 80), patient)

  await expectClosedButForTheService()
  expect((await listNft({ ...scope, what: 'table inet theirs' })).length).toBeGreaterThan(0)
})

test('the guard is still there after the agent’s death, and the next agent goes on with it', async () => {
  await fixture.stopAgent('SIGKILL')
  await expectClosedButForTheService()

  await fixture.deleteService('web')
  await fixture.startAgent()
  await fixture.untilLeaf('deleted', '10.9.0.1/32')
  await vi.waitUntil(async () => Object.keys(await guarded()).length === 0, patient)
})
