import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConformanceFabric, withdrawBudgetMs } from './fabric.ts'

/* Sections B6, C, F and G of docs/reference/conformance.md: nodes, agents and the API come and go. */

const nodes = ['n1', 'n2', 'n3']
const address = '10.10.21.10'
const nodePath = (node: string) => `/api/v1/nodes/${node}`
let fabric: ConformanceFabric

beforeAll(async () => {
  fabric = await ConformanceFabric.up('conf-c')
  await fabric.createService('web', { address })
  await fabric.setEndpoints('web', [{ node: 'n1' }, { node: 'n2' }])
  await fabric.untilAnnouncers(address, nodes)
})
afterAll(() => fabric.down())

/** Announces another address on every node: whatever came before it has been acted on. */
async function settle(name: string, marker: string): Promise<void> {
  await fabric.createService(name, { address: marker })
  await fabric.setEndpoints(name, [{ node: 'n1' }])
  await fabric.untilAnnouncers(marker, nodes)
  await fabric.deleteService(name)
  await fabric.untilAnnouncers(marker, [])
}

test('C1 a node whose network is unavailable withdraws, and announces again when it is back', async () => {
  const condition = (status: string) => ({
    status: {
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'NetworkUnavailable', status },
      ],
    },
  })

  await fabric.api.patch(`${nodePath('n3')}/status`, condition('True'))
  await fabric.untilAnnouncers(address, ['n1', 'n2'])

  await fabric.api.patch(`${nodePath('n3')}/status`, condition('False'))
  await fabric.untilAnnouncers(address, nodes)
})

test('C2 cordon alone changes nothing', async () => {
  const events = await fabric.record(address, async () => {
    await fabric.api.patch(nodePath('n2'), { spec: { unschedulable: true } })
    await settle('c2', '10.10.21.32')
    await fabric.api.patch(nodePath('n2'), { spec: { unschedulable: null } })
  })

  expect(events).toEqual([])
})

test('the label exclude-from-external-load-balancers takes a node out, and only that node', async () => {
  const label = (value: string | null) => ({
    metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': value } },
  })

  await fabric.api.patch(nodePath('n2'), label(''))
  await fabric.untilAnnouncers(address, ['n1', 'n3'])

  await fabric.api.patch(nodePath('n2'), label(null))
  await fabric.untilAnnouncers(address, nodes)
})

test('C5 an agent killed by SIGKILL changes no route and no session; its successor sends nothing either', async () => {
  const before = await fabric.sessionCounters()
  const events = await fabric.record(address, async () => {
    await fabric.kill('n2', 'agent', 'SIGKILL')
    await fabric.restart('n2', 'agent')
    await settle('c5', '10.10.21.35')
  })
  const after = await fabric.sessionCounters()

  expect(events).toEqual([])
  expect(after.established).toBe(before.established)
})

test('B6 with the API gone no route changes, and on its return nothing is withdrawn', async () => {
  const events = await fabric.record(address, async () => {
    await fabric.kill('n1', 'api', 'SIGSTOP')
    // Longer than any request of an agent may take to fail.
    await new Promise((resolve) => setTimeout(resolve, 8000))
    await fabric.kill('n1', 'api', 'SIGCONT')
    await settle('b6', '10.10.21.36')
  })

  expect(events).toEqual([])
})

test('F a Service that opts out is withdrawn, and no other', async () => {
  await fabric.createService('quiet', { address: '10.10.21.40' })
  await fabric.setEndpoints('quiet', [{ node: 'n1' }])
  await fabric.untilAnnouncers('10.10.21.40', nodes)

  const events = await fabric.record(address, async () => {
    const since = Date.now()
    await fabric.api.patch('/api/v1/namespaces/default/services/quiet', {
      metadata: { annotations: { 'weft.dev/announce': 'false' } },
    })
    expect(await fabric.untilAnnouncers('10.10.21.40', [], since)).toBeLessThan(withdrawBudgetMs)
  })

  expect(events).toEqual([])
})

test('G1 while nothing changes nothing is sent', async () => {
  await settle('g1', '10.10.21.41')
  const before = await fabric.sessionCounters()

  await new Promise((resolve) => setTimeout(resolve, 15_000))

  expect(await fabric.sessionCounters()).toEqual(before)
})

test('C8 a deleted Node object withdraws what the node announced', async () => {
  await fabric.kill('n3', 'runtime', 'SIGKILL')
  await fabric.api.delete(nodePath('n3'))

  await fabric.untilAnnouncers(address, ['n1', 'n2'])
})
