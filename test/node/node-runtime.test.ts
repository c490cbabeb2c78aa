import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Node, Pod } from '../../src/lab/kubernetes/api-server/objects.ts'
import { cleanUpPods } from '../../src/lab/node/cleanup.ts'
import { readRoutes } from '../../src/linux/ip.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { findPids, listNamespaces } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import {
  apiUrl,
  buildTopology,
  enter,
  forgetNode,
  type Inside,
  type NodeName,
  podPrefix,
  prefix,
  type RunningNode,
  removeTopology,
  routeTo,
  startNode,
  until,
  vip,
} from './topology.ts'

let api: Inside
let client: Inside
const inside = new Map<NodeName, Inside>()
const nodes = new Map<NodeName, RunningNode>()

beforeAll(async () => {
  await buildTopology()
  api = await enter('api')
  client = await enter('client')
  inside.set('n1', await enter('n1'))
  inside.set('n2', await enter('n2'))
  // The nodes come first: they have to wait for the API and get on without it.
  nodes.set('n1', await startNode('n1'))
  nodes.set('n2', await startNode('n2'))
  await api.ask({ kind: 'serve-api', address: '10.0.0.100', port: 6443, firstResourceVersion: 1 })
})

afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return
  for (const [name, node] of nodes) process.stderr.write(`--- ${name}\n${node.log().slice(-4_000)}\n`)
})

afterAll(async () => {
  for (const node of nodes.values()) await forgetNode(node)
  for (const one of [api, client, ...inside.values()]) one?.end()
  await removeTopology()
})

test('nodes register themselves, renew their Leases and route their pod prefixes before any pod runs', async () => {
  const node = await until('n1 is Ready', async () => {
    const found = await read<Node>('/api/v1/nodes/n1')
    return conditionOf(found, 'Ready') === 'True' ? found : undefined
  })
  const lease = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1'
  const renewedAt = await until('the Lease exists', () => read<{ spec: { renewTime: string } }>(lease))
  const routes = await readRoutes({ namespace: `${prefix}n1` })
  const routes6 = await readRoutes({ namespace: `${prefix}n1`, family: 'ipv6' })

  expect(node.spec).toMatchObject({ podCIDR: '10.1.1.0/26', podCIDRs: ['10.1.1.0/26', 'fd00:1:1::/64'] })
  expect(node.status?.addresses).toEqual([
    { type: 'InternalIP', address: '10.0.0.1' },
    { type: 'InternalIP', address: 'fd00::1' },
    { type: 'Hostname', address: 'n1' },
  ])
  expect(conditionOf(node, 'NetworkUnavailable')).toBe('False')
  expect(routes).toContainEqual(expect.objectContaining({ destination: '10.1.1.0/26', type: 'unreachable' }))
  expect(routes6).toContainEqual(
    expect.objectContaining({ destination: 'fd00:1:1::/64', type: 'unreachable' }),
  )
  await until('the Lease is renewed', async () => {
    const now = await read<{ spec: { renewTime: string } }>(lease)
    return now !== undefined && now.spec.renewTime > renewedAt.spec.renewTime ? now : undefined
  })
})

test('a pod becomes ready under addresses of its node and answers from there, in both families', async () => {
  await Promise.all([createPod('web-1', 'n1'), createPod('web-2', 'n2'), createPod('web-3', 'n2')])
  const pods = await Promise.all(['web-1', 'web-2', 'web-3'].map(untilReady))

  expect(pods[0]?.status?.podIPs).toEqual([{ ip: '10.1.1.1' }, { ip: 'fd00:1:1::1' }])
  for (const url of ['http://10.1.1.1:8080/hello', 'http://[fd00:1:1::1]:8080/hello']) {
    expect(await ask(client, url)).toMatchObject({
      pod: 'web-1',
      node: 'n1',
      zone: 'dc1',
      namespace: 'default',
      path: '/hello',
      clientAddress: url.includes('[') ? '2001:db8::9' : '203.0.113.9',
    })
  }
  // Addresses of pods that do not exist end at the node, at once.
  const nobody = await client.ask({ kind: 'http', method: 'GET', url: 'http://10.1.1.40:8080/' })
  expect(nobody.error).toMatch(/EHOSTUNREACH|ENETUNREACH/)
})

test('policy Cluster: any pod answers, and sees the loopback of the node that was asked', async () => {
  await createService('web', 'Cluster')
  await setEndpoints('web', ['web-1', 'web-2', 'web-3'])
  await routeTo(vip.v4, 'n1')
  await routeTo(vip.v6, 'n1')
  await untilProgrammed('n1', 'default/web', 3)

  const v4 = await askOften(client, `http://${vip.v4}/`, 30)
  const v6 = await askOften(client, `http://[${vip.v6}]/`, 30)

  expect(new Set(v4.map((answer) => answer.pod))).toEqual(new Set(['web-1', 'web-2', 'web-3']))
  expect(new Set(v4.map((answer) => answer.clientAddress))).toEqual(new Set(['10.0.0.1']))
  expect(new Set(v6.map((answer) => answer.pod))).toEqual(new Set(['web-1', 'web-2', 'web-3']))
  expect(new Set(v6.map((answer) => answer.clientAddress))).toEqual(new Set(['fd00::1']))
})

test('policy Local: only pods of the asked node answer, and see the client; elsewhere nothing answers', async () => {
  await patchService('web', { externalTrafficPolicy: 'Local' })
  await setEndpoints('web', ['web-2', 'web-3'])
  await untilProgrammed('n2', 'default/web', 2)
  await untilProgrammed('n1', 'default/web', 2)
  await routeTo(vip.v4, 'n2')
  await routeTo(vip.v6, 'n2')

  const v4 = await askOften(client, `http://${vip.v4}/`, 20)
  const v6 = await askOften(client, `http://[${vip.v6}]/`, 20)
  await routeTo(vip.v4, 'n1')
  const elsewhere = await client.ask({
    kind: 'http',
    method: 'GET',
    url: `http://${vip.v4}/`,
    timeoutMs: 700,
  })

  expect(new Set(v4.map((answer) => answer.pod))).toEqual(new Set(['web-2', 'web-3']))
  expect(new Set(v4.map((answer) => answer.clientAddress))).toEqual(new Set(['203.0.113.9']))
  expect(new Set(v6.map((answer) => answer.clientAddress))).toEqual(new Set(['2001:db8::9']))
  expect(elsewhere.error).toMatch(/abort|timeout/i)
  await routeTo(vip.v4, 'n2')
})

test('nodes and pods reach the address too, a Local one also from nodes without endpoints, and a pod itself', async () => {
  // As the agent does: the address sits on lo, and would be chosen as the source if nobody said otherwise.
  await applyIpBatch([`addr add ${vip.v4}/32 dev lo`], { namespace: `${prefix}n2` })

  const fromNodeWithout = await askOften(inside.get('n1') as Inside, `http://${vip.v4}/`, 10)
  const fromNodeWith = await askOften(inside.get('n2') as Inside, `http://${vip.v4}/`, 10)
  const clusterIp = (await read<{ spec: { clusterIP: string } }>(servicePath('web')))?.spec.clusterIP
  await createPod('caller', 'n2')
  await untilReady('caller')
  const fromPod = await Promise.all(
    Array.from({ length: 12 }, () => askFromPod('web-2', `http://${vip.v4}/`)),
  )
  const inCluster = await askFromPod('web-1', `http://${clusterIp}/`)
  await deletePod('caller')

  expect(new Set(fromNodeWithout.map((answer) => answer.clientAddress))).toEqual(new Set(['10.0.0.1']))
  expect(new Set(fromNodeWith.map((answer) => answer.clientAddress))).toEqual(new Set(['10.0.0.2']))
  expect(new Set(fromPod.map((answer) => answer.pod))).toEqual(new Set(['web-2', 'web-3']))
  // Reaching itself, it must see the node; reaching another, itself.
  expect(fromPod.find((answer) => answer.pod === 'web-2')?.clientAddress).toBe('10.0.0.2')
  expect(fromPod.find((answer) => answer.pod === 'web-3')?.clientAddress).toBe('10.1.2.1')
  expect(inCluster).toMatchObject({ clientAddress: '10.1.1.1' })
})

test('clients with affinity stay with one pod on any node', async () => {
  await patchService('web', {
    externalTrafficPolicy: 'Cluster',
    sessionAffinity: 'ClientIP',
  })
  await setEndpoints('web', ['web-1', 'web-2', 'web-3'])
  await untilProgrammed('n1', 'default/web', 3)
  await untilProgrammed('n2', 'default/web', 3)

  const viaN2 = await askOften(client, `http://${vip.v4}/`, 10)
  await routeTo(vip.v4, 'n1')
  const viaN1 = await askOften(client, `http://${vip.v4}/`, 10)

  expect(new Set([...viaN2, ...viaN1].map((answer) => answer.pod)).size).toBe(1)
})

test('UDP is forwarded under both families', async () => {
  await createPod('echo', 'n2', [{ containerPort: 5353, protocol: 'UDP' }])
  await createService('echo', 'Cluster', [{ name: 'echo', port: 53, protocol: 'UDP' }])
  await setEndpoints('echo', ['echo'], { name: 'echo', protocol: 'UDP', port: 5353 })
  await untilProgrammed('n1', 'default/echo', 1)

  for (const address of [vip.v4, vip.v6]) {
    await routeTo(address, 'n1')
    const reply = await client.ask({ kind: 'datagram', address, port: 53, text: 'hello' })
    expect(reply.body).toMatch(/^hello\{/)
    expect(JSON.parse(reply.body!.slice('hello'.length))).toMatchObject({
      pod: 'echo',
      clientAddress: address === vip.v4 ? '10.0.0.1' : 'fd00::1',
    })
  }
  await deletePod('echo')
})

test('an endpoint that is taken out gets nothing new; a Service without endpoints refuses at once', async () => {
  await patchService('web', { sessionAffinity: 'None' })
  await setEndpoints('web', ['web-2'])
  await untilProgrammed('n1', 'default/web', 1)
  const one = await askOften(client, `http://${vip.v4}/`, 10)
  await setEndpoints('web', [])
  await untilProgrammed('n1', 'default/web', 0)
  const startedAt = Date.now()
  const none = await client.ask({ kind: 'http', method: 'GET', url: `http://${vip.v4}/` })

  expect(new Set(one.map((answer) => answer.pod))).toEqual(new Set(['web-2']))
  expect(none.error).toMatch(/ECONNREFUSED/)
  expect(Date.now() - startedAt).toBeLessThan(1_000)
})

test('an open connection keeps its pod when the endpoints change', async () => {
  const url = `http://${vip.v4}/`
  await setEndpoints('web', ['web-1'])
  await untilProgrammed('n1', 'default/web', 1)
  const before = await client.ask({ kind: 'http', method: 'GET', url, keepsConnection: true })
  await setEndpoints('web', ['web-2', 'web-3'])
  await untilProgrammed('n1', 'default/web', 2)
  const after = await client.ask({ kind: 'http', method: 'GET', url, keepsConnection: true })
  const another = await ask(client, url)

  expect(JSON.parse(before.body ?? '')).toMatchObject({ pod: 'web-1' })
  expect(JSON.parse(after.body ?? '')).toMatchObject({ pod: 'web-1' })
  expect(another.pod).not.toBe('web-1')
})

test('readiness is probed, and the annotation switches it off and on', async () => {
  await patchPod('web-1', { metadata: { annotations: { 'weft.dev/ready': 'false' } } })
  const off = await until('web-1 is switched off', () => podWithReady('web-1', 'False'))
  await patchPod('web-1', { metadata: { annotations: { 'weft.dev/ready': null } } })
  await untilReady('web-1')
  const pid = await pidOf('web-2')
  process.kill(pid, 'SIGSTOP')
  const hung = await until('web-2 is not ready', () => podWithReady('web-2', 'False'))
  process.kill(pid, 'SIGCONT')
  await untilReady('web-2')

  expect(conditionOf(off, 'ContainersReady')).toBe('True')
  expect(conditionOf(hung, 'ContainersReady')).toBe('False')
})

test('a pod whose process ends is started again, under the same address', async () => {
  const before = await untilReady('web-3')
  process.kill(await pidOf('web-3'), 'SIGKILL')

  const after = await until('web-3 was restarted', async () => {
    const pod = await podWithReady('web-3', 'True')
    return pod?.status?.containerStatuses?.[0]?.restartCount === 1 ? pod : undefined
  })

  expect(after.status?.podIP).toBe(before.status?.podIP)
})

test('a killed runtime loses no request, and its successor takes the pods over', async () => {
  await setEndpoints('web', ['web-1', 'web-2', 'web-3'])
  await untilProgrammed('n1', 'default/web', 3)
  const pid = await pidOf('web-1')
  await client.ask({ kind: 'stream', url: `http://${vip.v4}/` })

  const old = nodes.get('n1') as RunningNode
  old.process.kill('SIGKILL')
  await once(old.process, 'exit')
  await askOften(client, 'http://10.1.1.1:8080/', 20)
  nodes.set('n1', await startNode('n1', old.stateDirectory))
  await untilProgrammed('n1', 'default/web', 3)
  const result = await client.ask({ kind: 'end-stream' })

  expect(result.failed).toBe(0)
  expect(result.sent).toBeGreaterThan(20)
  expect(await pidOf('web-1')).toBe(pid)
  expect((await untilReady('web-1')).status?.containerStatuses?.[0]?.restartCount).toBe(0)
  expect(nodes.get('n1')?.log()).toContain('pod adopted')
})

test('a pod that hung while no runtime watched is found out by the next one', async () => {
  const pid = await pidOf('web-1')
  const old = nodes.get('n1') as RunningNode
  old.process.kill('SIGKILL')
  await once(old.process, 'exit')
  process.kill(pid, 'SIGSTOP')
  nodes.set('n1', await startNode('n1', old.stateDirectory))
  await until('web-1 is not ready', () => podWithReady('web-1', 'False'))
  process.kill(pid, 'SIGCONT')

  await untilReady('web-1')
})

test('a deleted pod serves on while it drains, then nothing of it is left', async () => {
  const { status } = await untilReady('web-3')
  await client.ask({ kind: 'stream', url: `http://${vip.v4}/` })
  await deletePod('web-3')
  const draining = await ask(client, `http://${status?.podIP}:8080/`)
  await setEndpoints('web', ['web-1', 'web-2'])
  await until('web-3 is gone', async () =>
    (await read('/api/v1/namespaces/default/pods/web-3')) ? undefined : true,
  )
  const result = await client.ask({ kind: 'end-stream' })
  const namespaces = (await listNamespaces()).filter((name) => name.startsWith(podPrefix))
  const routes = await readRoutes({ namespace: `${prefix}n2` })

  expect(draining).toMatchObject({ pod: 'web-3' })
  expect(result.failed).toBe(0)
  expect(namespaces.some((name) => name.endsWith('-web-3'))).toBe(false)
  expect(routes.map((route) => route.destination)).not.toContain(`${status?.podIP}/32`)
})

test('without the API pods run on and are restarted; a new API server learns everything again', async () => {
  await setEndpoints('web', ['web-1', 'web-2'])
  await untilProgrammed('n1', 'default/web', 2)
  const pid = await pidOf('web-1')
  await api.ask({ kind: 'stop-api' })
  process.kill(pid, 'SIGKILL')
  const restarted = await until('web-1 answers again', async () => {
    const reply = await client.ask({
      kind: 'http',
      method: 'GET',
      url: 'http://10.1.1.1:8080/',
      timeoutMs: 500,
    })
    return reply.status === 200 ? JSON.parse(reply.body ?? '') : undefined
  })
  const viaVip = await until('the VIP answers', async () => {
    const reply = await client.ask({ kind: 'http', method: 'GET', url: `http://${vip.v4}/`, timeoutMs: 500 })
    return reply.status
  })

  expect(restarted).toMatchObject({ pod: 'web-1' })
  expect(viaVip).toBe(200)

  // It remembers nothing: the nodes register anew, and what nobody wants any more is removed.
  await api.ask({ kind: 'serve-api', address: '10.0.0.100', port: 6443, firstResourceVersion: 1_000_000 })
  await until('n1 is registered again', () => read<Node>('/api/v1/nodes/n1'))
  await until('its pods are gone', async () => {
    const left = (await listNamespaces()).filter((name) => name.startsWith(podPrefix))
    return left.length === 0 ? true : undefined
  })
})

test('a second runtime on the same node gives up and says why', async () => {
  const second = await startNode('n1')
  const [code] = await once(second.process, 'exit')

  expect(code).toBe(3)
  expect(second.log()).toContain('another node runtime is running in this network namespace')
  await forgetNode(second)
})

test('a runtime that is killed at any instant leaves nothing that its successor does not put right', async () => {
  let node = nodes.get('n1') as RunningNode
  for (const afterMs of [0, 5, 15, 30, 60, 120]) {
    await Promise.all([createPod(`early-${afterMs}`, 'n1'), createPod(`late-${afterMs}`, 'n1')])
    await delay(afterMs)
    node.process.kill('SIGKILL')
    await once(node.process, 'exit')
    node = await startNode('n1', node.stateDirectory)
    nodes.set('n1', node)
    await Promise.all([untilReady(`early-${afterMs}`), untilReady(`late-${afterMs}`)])
    await deletePod(`early-${afterMs}`)
  }

  await until('the deleted pods are gone', async () =>
    (await podNamesOf('n1')).length === 6 ? true : undefined,
  )
  const pids = await findPids((await listNamespaces()).filter((name) => name.startsWith(`${podPrefix}n1-`)))
  const routes = (await readRoutes({ namespace: `${prefix}n1` })).map((route) => route.destination)
  expect(pids.size).toBe(6)
  for (const inOne of pids.values()) expect(inOne).toHaveLength(1)
  expect(
    routes.filter((destination) => destination.startsWith('10.1.1.') && destination.endsWith('/32')),
  ).toHaveLength(6)
  for (const name of await podNamesOf('n1')) await deletePod(name)
  await until('no pod is left', async () => ((await podNamesOf('n1')).length === 0 ? true : undefined))
})

test('a runtime that was asked to takes its pods with it', async () => {
  const old = nodes.get('n1') as RunningNode
  old.process.kill('SIGTERM')
  await once(old.process, 'exit')
  const node = await startNode('n1', old.stateDirectory, { stopPodsOnExit: true })
  nodes.set('n1', node)
  await createPod('short-lived', 'n1')
  await untilReady('short-lived')

  node.process.kill('SIGTERM')
  const [code] = await once(node.process, 'exit')

  expect(code).toBe(0)
  expect((await listNamespaces()).filter((name) => name.startsWith(`${podPrefix}n1-`))).toEqual([])
})

test('clean-up ends the pods of a runtime that was killed', async () => {
  await createPod('left-over', 'n2')
  await untilReady('left-over')
  const node = nodes.get('n2') as RunningNode
  node.process.kill('SIGKILL')
  await once(node.process, 'exit')
  const before = (await listNamespaces()).filter((name) => name.startsWith(podPrefix))
  const pids = [...(await findPids(before)).values()].flat()

  const removed = await cleanUpPods(podPrefix, node.stateDirectory)
  const again = await cleanUpPods(podPrefix, node.stateDirectory)

  expect(removed.namespaces).toEqual(before)
  expect(before).toHaveLength(1)
  expect(pids).toHaveLength(1)
  await until('its process is gone', async () => (existsSync(`/proc/${pids[0]}/ns/net`) ? undefined : true))
  expect(again.namespaces).toEqual([])
  expect((await readRoutes({ namespace: `${prefix}n2` })).map((route) => route.destination)).not.toContain(
    '10.1.2.1/32',
  )
})

interface Answer {
  pod: string
  node: string
  clientAddress: string
}

async function ask(from: Inside, url: string): Promise<Answer> {
  const reply = await from.ask({ kind: 'http', method: 'GET', url })
  if (reply.status !== 200) throw new Error(`${url}: ${reply.error ?? reply.status}`)
  return JSON.parse(reply.body ?? '') as Answer
}

async function askOften(from: Inside, url: string, times: number): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let count = 0; count < times; count++) answers.push(await ask(from, url))
  return answers
}

/** A request made inside a pod's own namespace. */
async function askFromPod(pod: string, url: string): Promise<Answer> {
  const netns = (await listNamespaces()).find(
    (name) => name.startsWith(podPrefix) && name.endsWith(`-${pod}`),
  )
  const script = `fetch(${JSON.stringify(url)}).then((r) => r.text()).then(console.log)`
  const { stdout } = await run(['nsenter', `--net=/run/netns/${netns}`, process.execPath, '-e', script])
  return JSON.parse(stdout) as Answer
}

async function call(method: string, path: string, body?: unknown, contentType?: string): Promise<unknown> {
  const reply = await api.ask({
    kind: 'http',
    method,
    url: apiUrl + path,
    ...(body === undefined ? {} : { body }),
    ...(contentType === undefined ? {} : { contentType }),
  })
  if (reply.status === 404) return undefined
  if (reply.status === undefined || reply.status >= 300)
    throw new Error(`${method} ${path}: ${JSON.stringify(reply)}`)
  return JSON.parse(reply.body ?? 'null')
}

async function read<T>(path: string): Promise<T | undefined> {
  return (await call('GET', path)) as T | undefined
}

async function createPod(
  name: string,
  nodeName: NodeName,
  ports: unknown[] = [{ containerPort: 8080 }],
): Promise<void> {
  await call('POST', '/api/v1/namespaces/default/pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { nodeName, containers: [{ name: 'web', image: 'responder', ports }] },
  })
}

async function podNamesOf(node: NodeName): Promise<string[]> {
  const list = await read<{ items: Pod[] }>(`/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`)
  return (list?.items ?? []).map((pod) => pod.metadata.name)
}

async function patchPod(name: string, patch: unknown): Promise<void> {
  await call('PATCH', `/api/v1/namespaces/default/pods/${name}`, patch, 'application/merge-patch+json')
}

async function deletePod(name: string): Promise<void> {
  await call('DELETE', `/api/v1/namespaces/default/pods/${name}`)
}

async function podWithReady(name: string, status: string): Promise<Pod | undefined> {
  const pod = await read<Pod>(`/api/v1/namespaces/default/pods/${name}`)
  return conditionOf(pod, 'Ready') === status ? pod : undefined
}

async function untilReady(name: string): Promise<Pod> {
  return await until(`${name} is ready`, () => podWithReady(name, 'True'))
}

/** The process id that the container's id names. */
async function pidOf(name: string): Promise<number> {
  const pod = await untilReady(name)
  const status = pod.status?.containerStatuses?.[0] as { containerID?: string } | undefined
  return Number(status?.containerID?.replace('weft://', ''))
}

function servicePath(name: string): string {
  return `/api/v1/namespaces/default/services/${name}`
}

async function createService(
  name: string,
  externalTrafficPolicy: string,
  ports: unknown[] = [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
): Promise<void> {
  await call('POST', '/api/v1/namespaces/default/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      type: 'LoadBalancer',
      externalTrafficPolicy,
      ipFamilyPolicy: 'RequireDualStack',
      ports,
    },
  })
  const status = { loadBalancer: { ingress: [{ ip: vip.v4 }, { ip: vip.v6 }] } }
  await call('PATCH', `${servicePath(name)}/status`, { status }, 'application/merge-patch+json')
}

async function patchService(name: string, spec: unknown): Promise<void> {
  await call('PATCH', servicePath(name), { spec }, 'application/merge-patch+json')
}

/** What the EndpointSlice controller would write; no controller runs here, so that the test decides. */
async function setEndpoints(
  service: string,
  podNames: readonly string[],
  port = { name: 'http', protocol: 'TCP', port: 8080 },
): Promise<void> {
  const pods = await Promise.all(podNames.map(untilReady))
  for (const [index, addressType] of (['IPv4', 'IPv6'] as const).entries()) {
    const name = `${service}-${addressType.toLowerCase()}`
    const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, labels: { 'kubernetes.io/service-name': service } },
      addressType,
      ports: [port],
      endpoints: pods.map((pod) => ({
        addresses: [pod.status?.podIPs?.[index]?.ip],
        nodeName: pod.spec.nodeName,
        conditions: { ready: true, serving: true, terminating: false },
      })),
    }
    const exists = await read(`${path}/${name}`)
    if (exists === undefined) await call('POST', path, slice)
    else await call('PATCH', `${path}/${name}`, slice, 'application/merge-patch+json')
  }
}

async function untilProgrammed(node: NodeName, service: string, endpoints: number): Promise<void> {
  await until(`${node} has programmed ${endpoints} endpoints of ${service}`, async () => {
    const reply = await inside.get(node)?.ask({
      kind: 'http',
      method: 'GET',
      url: 'http://127.0.0.1:10256/programmed',
    })
    const { ports } = JSON.parse(reply?.body ?? '{"ports":[]}') as {
      ports: { service: string; anywhere: unknown[] }[]
    }
    const mine = ports.filter((port) => port.service === service)
    return mine.length === 2 && mine.every((port) => port.anywhere.length === endpoints) ? true : undefined
  })
}

function conditionOf(object: Pod | Node | undefined, type: string): string | undefined {
  return object?.status?.conditions?.find((condition) => condition.type === type)?.status
}
