import pino from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EmbeddedControlPlane, startControlPlane } from './control-plane.ts'
import { send, until } from './test-client.ts'

let controlPlane: EmbeddedControlPlane
let url: string
const merge = { 'content-type': 'application/merge-patch+json' }
const silent = pino({ level: 'silent' })

beforeEach(async () => {
  controlPlane = await startControlPlane(
    {
      listeners: [{ address: '127.0.0.1', port: 0 }],
      serviceCidrs: ['10.96.0.0/24'],
      pools: [
        { name: 'edge', cidrs: ['192.0.2.0/31'] },
        { name: 'inner', cidrs: ['198.51.100.0/31'] },
      ],
      // Longer than any test that needs its nodes alive, on a busy machine too.
      nodeGraceSeconds: 2,
    },
    silent,
  )
  url = controlPlane.apiUrl
})

afterEach(() => controlPlane.close())

const namespaced = (plural: string) => `${url}/api/v1/namespaces/default/${plural}`
const slices = () => `${url}/apis/discovery.k8s.io/v1/namespaces/default/endpointslices`
const leases = () => `${url}/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases`

async function addNode(name: string, more: Record<string, unknown> = {}): Promise<void> {
  await send(`${url}/api/v1/nodes`, 'POST', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { rack: name } },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
    ...more,
  })
}

function pod(name: string, spec: Record<string, unknown> = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  }
}

/** What a node does once it runs the Pod. */
async function run(name: string, ip: string): Promise<void> {
  const status = {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: 'Ready', status: 'True' }],
  }
  await send(`${namespaced('pods')}/${name}/status`, 'PATCH', { status }, merge)
}

function service(name: string, annotations: Record<string, string> = {}, spec: Record<string, unknown> = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, annotations },
    spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
  }
}

const ingressOf = async (name: string) =>
  (await send(`${namespaced('services')}/${name}`)).body.status?.loadBalancer?.ingress?.[0]?.ip as
    | string
    | undefined

test('spreads Pods over nodes that are ready and schedulable, and respects nodeSelector', async () => {
  await addNode('n1')
  await addNode('n2')
  await addNode('n3', { spec: { unschedulable: true } })
  for (const name of ['a', 'b', 'c', 'd']) await send(namespaced('pods'), 'POST', pod(name))
  await send(namespaced('pods'), 'POST', pod('picky', { nodeSelector: { rack: 'n2' } }))

  const placed = await until(
    async () =>
      (await send(namespaced('pods'))).body.items as {
        metadata: { name: string }
        spec: { nodeName?: string }
      }[],
    (items) => items.length === 5 && items.every(({ spec }) => spec.nodeName !== undefined),
  )

  const nodes = placed.filter(({ metadata }) => metadata.name !== 'picky').map(({ spec }) => spec.nodeName)
  expect(nodes.filter((node) => node === 'n1')).toHaveLength(2)
  expect(nodes.filter((node) => node === 'n2')).toHaveLength(2)
  expect(placed.find(({ metadata }) => metadata.name === 'picky')?.spec.nodeName).toBe('n2')
})

test('a Pod that fits nowhere says so, and is placed when a node comes', async () => {
  await send(namespaced('pods'), 'POST', pod('a'))
  const read = async () => (await send(`${namespaced('pods')}/a`)).body

  const waiting = await until(read, (each) => each.status.conditions !== undefined)
  expect(waiting.status.conditions[0]).toMatchObject({
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
  })
  await addNode('n1')

  expect((await until(read, (each) => each.spec.nodeName !== undefined)).spec.nodeName).toBe('n1')
})

test('endpoints follow the Pods of a Service and go with it', async () => {
  await send(namespaced('services'), 'POST', service('web'))
  await send(namespaced('pods'), 'POST', pod('a', { nodeName: 'n1' }))
  await run('a', '10.1.0.1')
  const read = async () =>
    (await send(`${slices()}?labelSelector=kubernetes.io/service-name%3Dweb`)).body.items

  const ready = await until(read, (items) => items[0]?.endpoints[0]?.conditions.ready === true)
  expect(ready).toHaveLength(1)
  expect(ready[0]).toMatchObject({
    addressType: 'IPv4',
    metadata: { labels: { 'kubernetes.io/service-name': 'web' } },
    endpoints: [{ addresses: ['10.1.0.1'], nodeName: 'n1', targetRef: { kind: 'Pod', name: 'a' } }],
  })

  await send(`${namespaced('pods')}/a`, 'DELETE')
  await until(read, (items) => items[0]?.endpoints[0]?.conditions.terminating === true)
  await send(`${namespaced('pods')}/a`, 'DELETE', { gracePeriodSeconds: 0 })
  await until(read, (items) => items.length === 1 && items[0].endpoints.length === 0)
  await send(`${namespaced('services')}/web`, 'DELETE')
  await until(read, (items) => items.length === 0)
})

test('load balancers get addresses by pool and wish; a foreign class is left alone', async () => {
  await send(namespaced('services'), 'POST', service('plain'))
  await send(namespaced('services'), 'POST', service('pooled', { 'weft.dev/pool': 'inner' }))
  await send(namespaced('services'), 'POST', service('exact', { 'weft.dev/address': '198.51.100.1' }))
  await send(namespaced('services'), 'POST', service('older', {}, { loadBalancerIP: '192.0.2.1' }))
  await send(
    namespaced('services'),
    'POST',
    service('foreign', {}, { loadBalancerClass: 'example.com/other' }),
  )

  await until(
    () => ingressOf('older'),
    (ip) => ip === '192.0.2.1',
  )
  expect(await ingressOf('plain')).toBe('192.0.2.0')
  expect(await ingressOf('pooled')).toBe('198.51.100.0')
  expect(await ingressOf('exact')).toBe('198.51.100.1')
  expect(await ingressOf('foreign')).toBeUndefined()
})

test('an exhausted pool leaves an Event, and an address that comes free goes to who waits', async () => {
  const pool = { 'weft.dev/pool': 'edge' }
  for (const name of ['a', 'b', 'c']) await send(namespaced('services'), 'POST', service(name, pool))

  const events = await until(
    async () => (await send(`${namespaced('events')}?fieldSelector=involvedObject.name=c`)).body.items,
    (items) => items.length > 0,
  )
  expect(events[0]).toMatchObject({ type: 'Warning', reason: 'AddressNotAssigned' })
  expect(events[0].message).toContain('no IPv4 address is free in edge (192.0.2.0/31)')
  expect(await ingressOf('c')).toBeUndefined()

  const freed = await ingressOf('a')
  await send(`${namespaced('services')}/a`, 'DELETE')
  expect(
    await until(
      () => ingressOf('c'),
      (ip) => ip !== undefined,
    ),
  ).toBe(freed)
})

test('a Service that stops being a load balancer gives its address back and shows none', async () => {
  await send(namespaced('services'), 'POST', service('a'))
  await until(
    () => ingressOf('a'),
    (ip) => ip !== undefined,
  )

  await send(`${namespaced('services')}/a`, 'PATCH', { spec: { type: 'ClusterIP' } }, merge)

  await until(
    () => ingressOf('a'),
    (ip) => ip === undefined,
  )
})

test('a node that stops renewing its lease becomes Unknown and its Pods not ready', async () => {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'n1' } }
  await addNode('n1')
  await send(leases(), 'POST', lease)
  await send(namespaced('pods'), 'POST', pod('a', { nodeName: 'n1' }))
  await run('a', '10.1.0.1')
  const ready = async (path: string) =>
    (await send(path)).body.status.conditions.find((each: { type: string }) => each.type === 'Ready').status

  // While the lease is renewed, well beyond the grace period, nothing happens.
  for (let turn = 0; turn < 10; turn++) {
    await send(`${leases()}/n1`, 'PATCH', { spec: { renewTime: `turn ${turn}` } }, merge)
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
  expect(await ready(`${url}/api/v1/nodes/n1`)).toBe('True')

  await until(
    () => ready(`${url}/api/v1/nodes/n1`),
    (status) => status === 'Unknown',
  )
  await until(
    () => ready(`${namespaced('pods')}/a`),
    (status) => status === 'False',
  )
})

test('a deleted namespace is emptied, then gone, and takes nothing new meanwhile', async () => {
  await send(`${url}/api/v1/namespaces`, 'POST', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop' },
  })
  const pods = `${url}/api/v1/namespaces/shop/pods`
  await send(pods, 'POST', pod('a', { nodeName: 'n1' }))

  await send(`${url}/api/v1/namespaces/shop`, 'DELETE')
  await until(
    async () => (await send(`${pods}/a`)).body.metadata.deletionTimestamp,
    (at) => at !== undefined,
  )
  expect((await send(pods, 'POST', pod('b'))).code).toBe(403)
  expect((await send(`${url}/api/v1/namespaces/shop`)).body.status.phase).toBe('Terminating')
  await send(`${pods}/a`, 'DELETE', { gracePeriodSeconds: 0 })

  await until(
    async () => (await send(`${url}/api/v1/namespaces/shop`)).code,
    (code) => code === 404,
  )
})

test('a Deployment keeps its number of Pods, scales, and replaces them on a new template', async () => {
  await addNode('n1')
  const path = `${url}/apis/apps/v1/namespaces/default/deployments`
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'one' }] },
  }
  await send(path, 'POST', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template },
  })
  type Item = {
    metadata: { name: string; deletionTimestamp?: string }
    spec: { nodeName?: string; containers: { image: string }[] }
    status: { phase: string }
  }
  /** Plays the node: runs what is placed, lets go what is to go. */
  const step = async (): Promise<Item[]> => {
    const items = (await send(namespaced('pods'))).body.items as Item[]
    for (const { metadata, spec, status } of items) {
      if (metadata.deletionTimestamp)
        await send(`${namespaced('pods')}/${metadata.name}`, 'DELETE', { gracePeriodSeconds: 0 })
      else if (spec.nodeName && status.phase === 'Pending') await run(metadata.name, '10.1.0.1')
    }
    return items
  }
  const allRun = (count: number, image: string) => (items: Item[]) =>
    items.length === count &&
    items.every(({ spec, status }) => status.phase === 'Running' && spec.containers[0]?.image === image)

  await until(step, allRun(2, 'one'))
  await send(`${path}/web/scale`, 'PATCH', { spec: { replicas: 3 } }, merge)
  await until(step, allRun(3, 'one'))
  await send(
    `${path}/web`,
    'PATCH',
    { spec: { template: { spec: { containers: [{ name: 'c', image: 'two' }] } } } },
    merge,
  )
  await until(step, allRun(3, 'two'))

  const { status } = await until(
    async () => (await send(`${path}/web`)).body,
    ({ status }) => status.readyReplicas === 3,
  )
  expect(status).toMatchObject({
    replicas: 3,
    updatedReplicas: 3,
    conditions: [{ type: 'Available', status: 'True' }],
  })
  await send(`${path}/web`, 'DELETE')
  await until(step, (items) => items.length === 0)
})

test('a wrong configuration names everything wrong with it at once', async () => {
  const config = { listeners: [{ address: 'localhost', port: 1 }], serviceCidrs: ['10.96.0.1/24'], grace: 1 }

  await expect(startControlPlane(config as never, silent)).rejects.toMatchObject({
    code: 'WEFT_LAB_CONTROL_PLANE_CONFIG',
    message: expect.stringMatching(/listeners\.0\.address.*\n.*serviceCidrs\.0.*\n.*grace/),
  })
})
