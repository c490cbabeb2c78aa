import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConformanceFabric, tors, withdrawBudgetMs } from './fabric.ts'

/* Sections A6, C3, C4, C6, D5, E2, E5 and F2 of docs/reference/conformance.md: what is allowed, said, weighed and drained. */

const nodes = ['n1', 'n2', 'n3']
const address = '10.10.21.70'
let fabric: ConformanceFabric

beforeAll(async () => {
  fabric = await ConformanceFabric.up('conf-f')
  for (const node of nodes) {
    await fabric.kill(node, 'agent', 'SIGKILL')
    await fabric.restart(node, 'agent', {
      allowExternalIPs: true,
      allowedCommunities: ['65000:*'],
      drain: { settleSeconds: 1 },
      onShutdown: 'withdraw',
    })
  }
  await fabric.createService('web', { address })
  await fabric.setEndpoints('web', [{ node: 'n1' }])
  await fabric.untilAnnouncers(address, nodes)
})
afterAll(() => fabric.down())

test('A6 and E2 external addresses are announced inside the allowed ranges and refused outside, the Service goes on', async () => {
  await fabric.createService('external', {
    address: '10.10.21.71',
    externalIPs: ['10.10.21.72', '203.0.113.9'],
  })
  await fabric.setEndpoints('external', [{ node: 'n2' }])

  await fabric.untilAnnouncers('10.10.21.71', nodes)
  await fabric.untilAnnouncers('10.10.21.72', nodes)
  expect(await fabric.announcers('203.0.113.9')).toEqual([])
})

test('F2 a community of the Service is in the route, and changing it touches no other', async () => {
  await fabric.createService('marked', {
    address: '10.10.21.73',
    annotations: { 'weft.dev/communities': '65000:1' },
  })
  await fabric.setEndpoints('marked', [{ node: 'n1' }])
  await fabric.untilAnnouncers('10.10.21.73', nodes)
  await expect.poll(() => fabric.communities('10.10.21.73')).toContain('65000:1')

  const events = await fabric.record(address, async () => {
    await fabric.api.patch('/api/v1/namespaces/default/services/marked', {
      metadata: { annotations: { 'weft.dev/communities': '65000:2' } },
    })
    // From all three nodes.
    await expect.poll(() => fabric.communities('10.10.21.73')).toBe('65000:2 65000:2 65000:2')
  })

  expect(events).toEqual([])
})

test('F2 a Service that asks for a longer path is still accepted by the ToRs', async () => {
  await fabric.createService('further', { address: '10.10.21.75', annotations: { 'weft.dev/prepend': '2' } })
  await fabric.setEndpoints('further', [{ node: 'n1' }])

  await fabric.untilAnnouncers('10.10.21.75', nodes)

  expect(await fabric.longestPath('10.10.21.75')).toBe(3)
})

test('D5 a node with more endpoints gets more of the traffic', async () => {
  await fabric.createService('weighted', { address: '10.10.21.74', policy: 'Local' })
  await fabric.setEndpoints('weighted', [
    ...Array.from({ length: 5 }, () => ({ node: 'n2' })),
    { node: 'n3' },
  ])
  await fabric.untilAnnouncers('10.10.21.74', ['n2', 'n3'])

  await expect.poll(() => fabric.shares('10.10.21.74')).toEqual({ n2: 0.84, n3: 0.16 })
})

test('C3 a drained node gets no traffic and keeps its sessions, until the annotation goes', async () => {
  const before = await fabric.sessionCounters()
  const annotate = (value: string | null) =>
    fabric.api.patch('/api/v1/nodes/n3', { metadata: { annotations: { 'weft.dev/drain': value } } })

  await annotate('true')
  await fabric.untilAnnouncers(address, ['n1', 'n2'])
  expect((await fabric.sessionCounters()).established).toBe(before.established)

  await annotate(null)
  await fabric.untilAnnouncers(address, nodes)
})

test('C4 with that policy SIGTERM withdraws the routes before the agent is gone', async () => {
  const since = Date.now()
  await fabric.kill('n2', 'agent', 'SIGTERM')
  expect(await fabric.untilAnnouncers(address, ['n1', 'n3'], since)).toBeLessThan(withdrawBudgetMs)

  await fabric.restart('n2', 'agent')
  await fabric.untilAnnouncers(address, nodes)
})

test('C6 with the routing daemon killed routes go at once where graceful restart is off', async () => {
  await fabric.configureSession('n3', 'bgp graceful-restart-disable')
  const { established } = await fabric.sessionCounters()
  for (const tor of tors) await fabric.resetSession('n3', fabric.portTo('n3', tor))
  await expect
    .poll(async () => (await fabric.sessionCounters()).established, { timeout: 15_000 })
    .toBe(established + tors.length)
  await fabric.untilAnnouncers(address, nodes)

  const since = Date.now()
  await fabric.killDaemon('n3', 'bgpd')

  expect(await fabric.untilAnnouncers(address, ['n1', 'n2'], since)).toBeLessThan(2_000)
})

test('C6 with graceful restart, as rendered, they stay for a restart, and go when none came in 30 s', async () => {
  const since = Date.now()
  await fabric.killDaemon('n2', 'bgpd')

  const heldMs = await fabric.untilAnnouncers(address, ['n1'], since, 45_000)

  expect(heldMs).toBeGreaterThan(25_000)
  expect(heldMs).toBeLessThan(35_000)
})
