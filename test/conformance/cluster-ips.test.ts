import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { announceBudgetMs, ConformanceFabric, withdrawBudgetMs } from './fabric.ts'

/*
 * Section A5 of docs/reference/conformance.md: ClusterIPs, announced where they are asked to be. The API gives them out of
 * one half of the service pool here, since ToRs take service addresses from the pool only.
 */

const nodes = ['n1', 'n2', 'n3']
const services = '/api/v1/namespaces/default/services'
let fabric: ConformanceFabric

beforeAll(async () => {
  fabric = await ConformanceFabric.up('conf-a5')
  await fabric.kill('n1', 'api', 'SIGKILL')
  await fabric.restart('n1', 'api', { serviceCidrs: ['10.10.21.128/25'] })
  const answers = () =>
    fabric.api.get('/api/v1/namespaces/default').then(
      () => true,
      () => false,
    )
  await vi.waitUntil(answers, { timeout: 30_000, interval: 50 })
  for (const node of nodes) {
    await fabric.kill(node, 'agent', 'SIGKILL')
    await fabric.restart(node, 'agent', { announceClusterIPs: true })
  }
})
afterAll(() => fabric.down())

async function createClusterIP(name: string, clusterIP: string, policy: 'Cluster' | 'Local'): Promise<void> {
  await fabric.api.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { clusterIP, internalTrafficPolicy: policy, ports: [{ port: 80, targetPort: 8080 }] },
  })
}

test('A5 with policy Local only the nodes with an endpoint announce the ClusterIP', async () => {
  const address = '10.10.21.200'
  await createClusterIP('local', address, 'Local')

  await fabric.setEndpoints('local', [{ node: 'n2' }])
  await fabric.untilAnnouncers(address, ['n2'])

  const since = Date.now()
  await fabric.setEndpoints('local', [{ node: 'n2' }, { node: 'n3' }])
  expect(await fabric.untilAnnouncers(address, ['n2', 'n3'], since)).toBeLessThan(announceBudgetMs)
})

test('A5 with policy Cluster every node announces it, and none once it is deleted', async () => {
  const address = '10.10.21.201'
  await createClusterIP('cluster', address, 'Cluster')
  await fabric.setEndpoints('cluster', [{ node: 'n1' }])
  await fabric.untilAnnouncers(address, nodes)

  const since = Date.now()
  await fabric.deleteService('cluster')
  expect(await fabric.untilAnnouncers(address, [], since)).toBeLessThan(withdrawBudgetMs)
})

test('A5 the policy for traffic from outside does not rule the ClusterIP, nor the other way round', async () => {
  const [inside, outside] = ['10.10.21.202', '10.10.21.30']
  await fabric.api.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'both', annotations: { 'weft.dev/address': outside } },
    spec: {
      type: 'LoadBalancer',
      clusterIP: inside,
      internalTrafficPolicy: 'Local',
      externalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, targetPort: 8080 }],
    },
  })
  await fabric.setEndpoints('both', [{ node: 'n3' }])

  await fabric.untilAnnouncers(inside, ['n3'])
  await fabric.untilAnnouncers(outside, nodes)
})
