import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Announcers } from '../../src/agent/sole-announcer.ts'
import { spawnWeft, type WeftRun } from '../../src/cli/spawn-weft.ts'
import { readBgpPrefix } from '../../src/frr/show-bgp.ts'
import { Fixture } from './fixture.ts'

/*
 * Is this node the last announcer? Asked of one agent, as on a real node: other nodes are Node objects here, and what
 * they announce comes from the leaf.
 */

const vip = '10.9.0.1'
const patient = { timeout: 10_000, interval: 20 }
let fixture: Fixture

beforeAll(async () => {
  fixture = await Fixture.create('wgl')
  await fixture.createService('web', [vip])
  await fixture.startAgent({ drain: { settleSeconds: 0.2 } })
  await fixture.untilLeaf('set', `${vip}/32`)
})
afterAll(() => fixture?.destroy())

beforeEach(async () => {
  await weft('undrain')
  await leafAnnounces('10.9.0.77', true)
  await leafAnnounces(vip, false)
  await untilHeard(0)
  await expect.poll(async () => (await announcers()).hearsHostRoutes, patient).toBe(true)
})

function weft(verb: 'drain' | 'undrain', ...args: string[]): Promise<WeftRun> {
  return spawnWeft(process.cwd(), verb, 'node', 'n1', ...args, '--socket', fixture.statusSocket)
}

async function announcers(): Promise<Announcers> {
  return JSON.parse(await fixture.ask('/sole-addresses'))
}

/** Another announcer somewhere behind the leaf. */
async function leafAnnounces(address: string, isWanted: boolean, isLeaving = false): Promise<void> {
  const bgpd = fixture.leaf.connect('bgpd')
  const context = ['router bgp 65002']
  const family = [...context, 'address-family ipv4 unicast']
  const line = `network ${address}/32${isLeaving ? ' route-map LEAVING' : ''}`
  await bgpd.configure([
    { context: ['route-map LEAVING permit 10'], line: 'set community graceful-shutdown' },
  ])
  await bgpd.configure([{ context, line: 'no bgp network import-check' }])
  await bgpd.configure([{ context: family, line: isWanted ? line : `no ${line}` }]).catch(() => {})
  bgpd.close()
}

async function setNode(ready: string, metadata: object = {}): Promise<void> {
  await fixture.request('PATCH', '/api/v1/nodes/n2', { metadata })
  await fixture.request('PATCH', '/api/v1/nodes/n2/status', {
    status: { conditions: [{ type: 'Ready', status: ready }] },
  })
}

test('alone in BGP and in the cluster it is the last', async () => {
  expect(await announcers()).toEqual({ addresses: [vip], believed: [], hearsHostRoutes: true })
  expect(await weft('drain')).toMatchObject({ code: 1, stderr: expect.stringContaining(vip) })
})

/** Another's paths to the address, as the node has them. */
async function untilHeard(count: number): Promise<void> {
  const bgpd = fixture.node.connect('bgpd')
  const others = async () =>
    (await readBgpPrefix(bgpd, 'ipv4', `${vip}/32`)).filter(({ peer }) => peer !== '').length
  await expect.poll(others, patient).toBe(count)
  bgpd.close()
}

test('a route of another announcer is proof, unless that one is leaving itself', async () => {
  await leafAnnounces(vip, true, true)
  await untilHeard(1)
  expect(await announcers()).toMatchObject({ addresses: [vip] })

  await leafAnnounces(vip, true)
  await expect.poll(announcers, patient).toMatchObject({ addresses: [], believed: [] })

  const drained = await weft('drain')
  expect([drained.code, drained.stderr]).toEqual([0, expect.not.stringContaining('not seen')])
  expect(drained.stdout).not.toContain('announced by nobody')
})

test('a node that is not ready, excluded or asked to drain is no witness; a ready one is believed', async () => {
  await fixture.request('POST', '/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n2' },
  })
  const excluded = 'node.kubernetes.io/exclude-from-external-load-balancers'
  const asked: Announcers[] = []
  await setNode('Unknown')
  asked.push(await announcers())
  await setNode('True', { labels: { [excluded]: '' } })
  asked.push(await announcers())
  await setNode('True', { labels: { [excluded]: null }, annotations: { 'weft.dev/drain': 'true' } })
  asked.push(await announcers())
  await setNode('True', { annotations: { 'weft.dev/drain': null } })

  expect(asked.map(({ addresses }) => addresses)).toEqual([[vip], [vip], [vip]])
  expect(await announcers()).toMatchObject({ addresses: [], believed: [{ address: vip, nodes: ['n2'] }] })
})

test('with policy Local only a node with an endpoint is believed', async () => {
  await fixture.createService('local', ['10.9.0.2'], { policy: 'Local' })
  await fixture.untilLeaf('set', '10.9.0.2/32')

  expect((await announcers()).addresses).toEqual(['10.9.0.2'])
  await fixture.deleteService('local')
  await fixture.untilLeaf('deleted', '10.9.0.2/32')
})

test('what was believed and does not show once this node has withdrawn is reported dark, with exit code 1', async () => {
  const dark = await weft('drain')
  expect(dark.stderr).toContain(`${vip} is not seen in BGP, and should be announced by n2`)
  expect(dark.stdout).toContain(`announced by nobody now: ${vip}`)
  expect(dark.code).toBe(1)
})

test('what shows then is not', async () => {
  // Another rack's announcer, say: passed on only once this node has gone.
  const draining = weft('drain', '-o', 'json')
  await fixture.untilLeaf('deleted', `${vip}/32`, Date.now())
  await leafAnnounces(vip, true)

  const { code, stdout } = await draining
  expect(JSON.parse(stdout)).toMatchObject({ believed: [{ address: vip }], darkAddresses: [] })
  expect(code).toBe(0)
})
