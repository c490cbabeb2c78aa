import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readBgpPrefix, readBgpSummary } from '../../src/frr/show-bgp.ts'
import { readRunningConfig } from '../../src/frr/show-daemon.ts'
import { run } from '../../src/linux/run.ts'
import { Fixture } from './fixture.ts'

/* A node leaves service and comes back: real FRR, seen from its leaf. */

const patient = { timeout: 15_000, interval: 20 }
const vip = '10.9.0.1/32'
const loopback = '10.0.0.1/32'
let fixture: Fixture

beforeAll(async () => {
  fixture = await Fixture.create('wgd')
  await fixture.createService('web', ['10.9.0.1'])
  await fixture.startAgent()
  await fixture.untilLeaf('set', vip)
})

afterAll(() => fixture?.destroy())

async function post(path: string): Promise<void> {
  await run(['curl', '-sf', '-X', 'POST', '--unix-socket', fixture.statusSocket, `http://agent${path}`])
}

async function phase(): Promise<string> {
  return JSON.parse(await fixture.ask('/drain')).phase
}

async function untilPhase(wanted: string): Promise<void> {
  await vi.waitUntil(async () => (await phase().catch(() => '')) === wanted, patient)
}

/** Communities of a prefix as the leaf has it; undefined when it has not. */
async function communities(prefix: string): Promise<string[] | undefined> {
  const bgpd = fixture.leaf.connect('bgpd')
  const [path] = await readBgpPrefix(bgpd, 'ipv4', prefix)
  bgpd.close()
  return path?.communities
}

async function untilLowered(prefix: string, isWanted = true): Promise<void> {
  await vi.waitUntil(
    async () => (await communities(prefix))?.some((community) => /graceful/i.test(community)) === isWanted,
    patient,
  )
}

async function nodeRuns(line: string): Promise<boolean> {
  const bgpd = fixture.node.connect('bgpd')
  const running = await readRunningConfig(bgpd)
  bgpd.close()
  return running.includes(line)
}

async function dropped(): Promise<number> {
  const bgpd = fixture.leaf.connect('bgpd')
  const sessions = (await readBgpSummary(bgpd))?.sessions ?? []
  bgpd.close()
  return sessions.reduce((sum, session) => sum + session.timesDropped, 0)
}

async function annotate(value: string | null): Promise<void> {
  await fixture.request('PATCH', '/api/v1/nodes/n1', {
    metadata: { annotations: { 'weft.dev/drain': value } },
  })
}

test('by command: preference first, then the withdrawal; sessions and the loopback stay', async () => {
  const before = Date.now()
  await post('/drain')
  await untilLowered(vip)
  expect(await phase()).toBe('draining')
  await untilPhase('drained')
  const { atMs } = await fixture.untilLeaf('deleted', vip, before)

  expect(atMs - before).toBeGreaterThan(2_000)
  expect((await communities(loopback))?.join()).toMatch(/graceful/i)
  expect(await dropped()).toBe(0)
})

test('a killed agent finds its drain again', async () => {
  await fixture.stopAgent('SIGKILL')
  await fixture.startAgent()

  await untilPhase('drained')
  expect(fixture.events.findLast((event) => event.destination === vip)?.kind).toBe('deleted')
})

test('undrain restores address and preference', async () => {
  const before = Date.now()
  await post('/undrain')
  await fixture.untilLeaf('set', vip, before)
  await untilLowered(vip, false)

  expect(await phase()).toBe('serving')
  expect(await nodeRuns('bgp graceful-shutdown')).toBe(false)
})

test('by annotation of the Node, for as long as it is there', async () => {
  await annotate('true')
  await untilPhase('drained')
  await fixture.untilLeaf('deleted', vip)
  await annotate(null)
  await untilPhase('serving')
  await fixture.untilLeaf('set', vip)
  await untilLowered(vip, false)
})

test('an annotation that goes while the agent is dead is no drain any more for its successor', async () => {
  await annotate('true')
  await untilPhase('drained')
  await fixture.stopAgent('SIGKILL')
  await annotate(null)
  const before = Date.now()
  await fixture.startAgent()

  await fixture.untilLeaf('set', vip, before)
  await untilLowered(vip, false)
  expect(await phase()).toBe('serving')
  expect(await nodeRuns('WEFT-DRAIN')).toBe(false)
})

test('an operator’s own graceful-shutdown on a node in service is left alone, by a new agent too', async () => {
  const bgpd = fixture.node.connect('bgpd')
  await bgpd.configure([{ context: ['router bgp 65001'], line: 'bgp graceful-shutdown' }])
  await untilLowered(vip)
  await fixture.setReady('web', true)
  await fixture.stopAgent('SIGKILL')
  await fixture.startAgent()

  expect(await phase()).toBe('serving')
  expect(await nodeRuns('bgp graceful-shutdown')).toBe(true)
  await bgpd.configure([{ context: ['router bgp 65001'], line: 'no bgp graceful-shutdown' }])
  bgpd.close()
})

test('SIGTERM with policy drain: preference, withdrawal, and a node that starts again is in service', async () => {
  await fixture.stopAgent('SIGKILL')
  await fixture.startAgent({ onShutdown: 'drain', drain: { settleSeconds: 1 } })
  const before = Date.now()
  const stopped = fixture.stopAgent('SIGTERM')
  await untilLowered(vip)
  const { atMs } = await fixture.untilLeaf('deleted', vip, before)
  await stopped

  expect(atMs - before).toBeGreaterThan(1_000)
  expect(await nodeRuns('bgp graceful-shutdown')).toBe(false)
  await fixture.startAgent()
  await fixture.untilLeaf('set', vip, atMs)
  expect(await dropped()).toBe(0)
})
