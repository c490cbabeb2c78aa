import { afterAll, beforeAll, expect, test } from 'vitest'
import { announceBudgetMs, ConformanceFabric, withdrawBudgetMs } from './fabric.ts'

/* Sections A and B of docs/reference/conformance.md: when addresses are announced and withdrawn. */

const nodes = ['n1', 'n2', 'n3']
let fabric: ConformanceFabric
let lastHost = 20

/** An address nobody had before. */
function freshAddress(): string {
  lastHost++
  return `10.10.21.${lastHost}`
}

beforeAll(async () => {
  fabric = await ConformanceFabric.up('conf-a')
})
afterAll(() => fabric.down())

test('A1 a Service with one ready endpoint and policy Cluster is announced by every node', async () => {
  const address = freshAddress()
  await fabric.createService('a1', { address })

  const since = Date.now()
  await fabric.setEndpoints('a1', [{ node: 'n1' }])

  expect(await fabric.untilAnnouncers(address, nodes, since)).toBeLessThan(announceBudgetMs)
})

test('A2 with policy Local exactly the nodes with endpoints announce, and a move never leaves nobody', async () => {
  const address = freshAddress()
  await fabric.createService('a2', { address, policy: 'Local' })
  await fabric.setEndpoints('a2', [{ node: 'n1' }, { node: 'n2' }])
  await fabric.untilAnnouncers(address, ['n1', 'n2'])

  const events = await fabric.record(address, async () => {
    await fabric.setEndpoints('a2', [{ node: 'n2' }, { node: 'n3' }])
    await fabric.untilAnnouncers(address, ['n2', 'n3'])
  })

  expect(events.filter((event) => event.kind === 'deleted' || event.nextHops.length === 0)).toEqual([])
})

test('A3 a dual-stack Service is announced as /32 and as /128', async () => {
  const v4 = freshAddress()
  const v6 = `fd00:10:21::${lastHost}`
  await fabric.createService('a3', { address: `${v4},${v6}`, families: ['IPv4', 'IPv6'] })
  await fabric.setEndpoints('a3', [{ node: 'n1' }])
  await fabric.setEndpoints('a3', [{ node: 'n1' }], 'a3-v6', 'IPv6')

  await fabric.untilAnnouncers(v4, nodes)
  await fabric.untilAnnouncers(v6, nodes)
})

test('A4 a Service that becomes a LoadBalancer is announced from then on', async () => {
  const address = freshAddress()
  await fabric.createService('a4', { address, type: 'ClusterIP' })
  await fabric.setEndpoints('a4', [{ node: 'n1' }])
  expect(await fabric.announcers(address)).toEqual([])

  const since = Date.now()
  await fabric.api.patch('/api/v1/namespaces/default/services/a4', { spec: { type: 'LoadBalancer' } })

  expect(await fabric.untilAnnouncers(address, nodes, since)).toBeLessThan(announceBudgetMs)
})

test('A7 two Services sharing an address are one route, which the second keeps when the first goes', async () => {
  const address = freshAddress()
  const annotations = { 'weft.dev/shared-address': 'a7' }
  await fabric.createService('a7-http', { address, annotations, ports: [{ name: 'http', port: 80 }] })
  await fabric.createService('a7-smtp', { address, annotations, ports: [{ name: 'smtp', port: 25 }] })
  await fabric.setEndpoints('a7-http', [{ node: 'n1' }])
  await fabric.setEndpoints('a7-smtp', [{ node: 'n2' }])
  await fabric.untilAnnouncers(address, nodes)

  const events = await fabric.record(address, async () => {
    await fabric.deleteService('a7-http')
    // The same agents act on both: when this one is announced, they have seen the deletion.
    const marker = freshAddress()
    await fabric.createService('a7-marker', { address: marker })
    await fabric.setEndpoints('a7-marker', [{ node: 'n1' }])
    await fabric.untilAnnouncers(marker, nodes)
  })
  expect(events.filter((event) => event.kind === 'deleted')).toEqual([])
  expect(await fabric.announcers(address)).toEqual(nodes)

  const since = Date.now()
  await fabric.deleteService('a7-smtp')
  expect(await fabric.untilAnnouncers(address, [], since)).toBeLessThan(withdrawBudgetMs)
})

test('A8 each node announces its own pod prefixes and no other', async () => {
  for (const node of nodes) {
    for (const prefix of fabric.podPrefixesOf(node)) expect(await fabric.forwardersOf(prefix)).toEqual([node])
  }
})

test('B1 with the last ready endpoint gone the address is withdrawn everywhere', async () => {
  const address = freshAddress()
  await fabric.createService('b1', { address })
  await fabric.setEndpoints('b1', [{ node: 'n1' }])
  await fabric.untilAnnouncers(address, nodes)

  const since = Date.now()
  await fabric.setEndpoints('b1', [{ node: 'n1', ready: false }])

  expect(await fabric.untilAnnouncers(address, [], since)).toBeLessThan(withdrawBudgetMs)
})

test('B2 with policy Local only the node that lost its endpoint withdraws', async () => {
  const address = freshAddress()
  await fabric.createService('b2', { address, policy: 'Local' })
  await fabric.setEndpoints('b2', [{ node: 'n1' }, { node: 'n2' }])
  await fabric.untilAnnouncers(address, ['n1', 'n2'])

  const since = Date.now()
  await fabric.setEndpoints('b2', [{ node: 'n1', ready: false }, { node: 'n2' }])

  expect(await fabric.untilAnnouncers(address, ['n2'], since)).toBeLessThan(withdrawBudgetMs)
})

test('B3 an endpoint that terminates but still serves keeps the route; when it stops serving the route goes', async () => {
  const address = freshAddress()
  await fabric.createService('b3', { address })
  await fabric.setEndpoints('b3', [{ node: 'n1' }])
  await fabric.untilAnnouncers(address, nodes)

  const events = await fabric.record(address, async () => {
    await fabric.setEndpoints('b3', [{ node: 'n1', ready: false, serving: true, terminating: true }])
    const marker = freshAddress()
    await fabric.createService('b3-marker', { address: marker })
    await fabric.setEndpoints('b3-marker', [{ node: 'n1' }])
    await fabric.untilAnnouncers(marker, nodes)
  })
  expect(events).toEqual([])

  await fabric.setEndpoints('b3', [{ node: 'n1', ready: false, serving: false, terminating: true }])
  await fabric.untilAnnouncers(address, [])
})

test('B4 a deleted Service is withdrawn', async () => {
  const address = freshAddress()
  await fabric.createService('b4', { address })
  await fabric.setEndpoints('b4', [{ node: 'n2' }])
  await fabric.untilAnnouncers(address, nodes)

  const since = Date.now()
  await fabric.deleteService('b4')

  expect(await fabric.untilAnnouncers(address, [], since)).toBeLessThan(withdrawBudgetMs)
})

test('B5 one slice of three going away changes nothing while another has a ready endpoint', async () => {
  const address = freshAddress()
  await fabric.createService('b5', { address })
  for (const number of [1, 2, 3]) await fabric.setEndpoints('b5', [{ node: `n${number}` }], `b5-${number}`)
  await fabric.untilAnnouncers(address, nodes)

  const events = await fabric.record(address, async () => {
    await fabric.deleteSlice('b5-1')
    const marker = freshAddress()
    await fabric.createService('b5-marker', { address: marker })
    await fabric.setEndpoints('b5-marker', [{ node: 'n1' }])
    await fabric.untilAnnouncers(marker, nodes)
  })

  expect(events).toEqual([])
  expect(await fabric.announcers(address)).toEqual(nodes)
})

test('an address outside the pools is never announced, the others go on', async () => {
  const address = freshAddress()
  await fabric.createService('outside', { address, externalIPs: ['203.0.113.7'] })
  await fabric.setEndpoints('outside', [{ node: 'n1' }])

  await fabric.untilAnnouncers(address, nodes)

  expect(await fabric.announcers('203.0.113.7')).toEqual([])
})
