import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Fixture } from './fixture.ts'

/* What health alone may withdraw, on real FRR. */

const patient = { timeout: 15_000, interval: 20 }
const vips = ['10.9.1.1', '10.9.1.2', '10.9.1.3', '10.9.1.4']
let fixture: Fixture

beforeAll(async () => {
  fixture = await Fixture.create('wgu')
  for (const [index, vip] of vips.entries()) await fixture.createService(`web-${index}`, [vip])
  await fixture.startAgent({ guards: { withdrawShare: 0.5, withdrawMinimum: 1 } })
  for (const vip of vips) await fixture.untilLeaf('set', `${vip}/32`)
})

afterAll(() => fixture?.destroy())

interface Decided {
  kind: string
  code?: string
  held?: { by: string }
}

async function decided(address: string): Promise<Decided> {
  return JSON.parse(await fixture.ask(`/decisions/${address}`))
}

async function setNode(conditions: object[]): Promise<void> {
  await fixture.request('PATCH', '/api/v1/nodes/n1/status', { status: { conditions } })
}

function isAtLeaf(vip: string): boolean {
  return fixture.events.findLast((event) => event.destination === `${vip}/32`)?.kind === 'set'
}

test('when every endpoint fails at once, half of the addresses stay', async () => {
  for (const index of vips.keys()) await fixture.setReady(`web-${index}`, false)
  await vi.waitUntil(async () => {
    const states = await Promise.all(vips.map(decided))
    return states.every(({ code, held }) => code === 'no-ready-endpoint' || held !== undefined)
  }, patient)
  const states = await Promise.all(vips.map(decided))

  expect(states.filter(({ held }) => held?.by === 'withdrawal-share')).toHaveLength(2)
  await vi.waitUntil(() => vips.filter(isAtLeaf).length === 2, patient)
})

test('a user’s deletion passes the guard', async () => {
  const states = await Promise.all(vips.map(decided))
  const held = states.findIndex((state) => state.held !== undefined)
  const before = Date.now()
  await fixture.deleteService(`web-${held}`)
  await fixture.untilLeaf('deleted', `${vips[held]}/32`, before)
})

test('endpoints that come back end the hold', async () => {
  for (const index of vips.keys()) await fixture.setReady(`web-${index}`, true).catch(() => {})
  await vi.waitUntil(() => vips.filter(isAtLeaf).length === 3, patient)
  await vi.waitUntil(async () => {
    const states = await Promise.all(vips.map((vip) => decided(vip).catch(() => undefined)))
    return states.every((state) => state?.held === undefined)
  }, patient)
})

test('the only node that can serve keeps its addresses though its kubelet says it is not ready', async () => {
  const vip = vips.find(isAtLeaf) as string
  await setNode([{ type: 'Ready', status: 'False' }])
  await vi.waitUntil(async () => (await decided(vip)).held?.by === 'last-announcer', patient)

  expect(isAtLeaf(vip)).toBe(true)
  await setNode([{ type: 'Ready', status: 'True' }])
  await vi.waitUntil(async () => (await decided(vip)).held === undefined, patient)
})

test('cordon changes nothing, deletion of the Node withdraws everything', async () => {
  const before = Date.now()
  await fixture.request('PATCH', '/api/v1/nodes/n1', { spec: { unschedulable: true } })
  await fixture.createService('after', ['10.9.2.1'])
  await fixture.untilLeaf('set', '10.9.2.1/32')
  expect(vips.filter(isAtLeaf)).toHaveLength(3)
  expect(fixture.events.filter((event) => event.kind === 'deleted' && event.atMs > before)).toEqual([])

  await fixture.request('DELETE', '/api/v1/nodes/n1')
  const deleted = Date.now()
  for (const vip of vips.filter(isAtLeaf)) {
    const { atMs } = await fixture.untilLeaf('deleted', `${vip}/32`, deleted - 1)
    expect(atMs - deleted).toBeLessThan(2_000)
  }
})
