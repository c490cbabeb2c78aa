/**
 * The agent's rights against the real API: enough, no more, and the loss of one is named and takes nothing away.
 */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { WeftError } from '../../src/diagnostics/error.ts'
import { KubeClient, tokenFileAuthorization } from '../../src/kube/client.ts'
import { kubeconfigAccess } from '../../src/kube/kubeconfig.ts'
import { Reflector } from '../../src/kube/reflector.ts'
import { endpointSlices, nodes, type ResourcePath, services } from '../../src/kube/types.ts'
import { type Send, type StartedReal, sender, whole } from './control-planes.ts'

let started: StartedReal
let send: Send
let isStarted = false

beforeAll(async () => {
  if (whole.missing !== null) return
  started = await whole.start()
  isStarted = true
  send = sender(started.access)
})
afterAll(async () => {
  if (isStarted) await started.close()
})
beforeEach((context) => {
  if (whole.missing !== null) context.skip(whole.missing)
})

const role = '/apis/rbac.authorization.k8s.io/v1/clusterroles/weft-agent'

function asAgent(): KubeClient {
  const { url, ca } = started.access
  return new KubeClient({
    url,
    ...(ca === undefined ? {} : { ca }),
    ...tokenFileAuthorization(join(started.stateDirectory, 'agent.token')),
  })
}

test('the manifest that users install is enough to follow all three collections', async () => {
  const client = asAgent()
  const stop = new AbortController()
  const reflect = (resource: ResourcePath) =>
    new Reflector<string>({ client, resource, project: () => 'seen', onChange() {} })
  const reflectors = [services, endpointSlices, nodes].map(reflect)
  const running = reflectors.map((reflector) => reflector.run(stop.signal))
  try {
    await expect.poll(() => reflectors.every(({ hasSynced }) => hasSynced), { timeout: 20_000 }).toBe(true)
    await expect(client.json({ path: '/api/v1/secrets' })).rejects.toMatchObject({ status: 403 })
  } finally {
    stop.abort()
    await Promise.all(running)
    client.close()
  }
})

test('a permission that is taken away is named, and what was known stays', async () => {
  const client = asAgent()
  const stop = new AbortController()
  const errors: WeftError[] = []
  const deleted: string[] = []
  const reflector = new Reflector<string>({
    client,
    resource: services,
    project: () => 'seen',
    onChange: (change) => change.kind === 'deleted' && deleted.push(change.key),
    onStatus: ({ error }) => error && errors.push(error),
    timings: { minBackoffMs: 50, maxBackoffMs: 200, watchSeconds: [1, 1] },
  })
  const running = reflector.run(stop.signal)
  const before = (await send('GET', role)).body
  try {
    await expect.poll(() => reflector.views.has('default/kubernetes'), { timeout: 20_000 }).toBe(true)
    const rules = before.rules.filter((rule: { resources: string[] }) => !rule.resources.includes('services'))
    expect((await send('PUT', role, { ...before, rules })).code).toBe(200)

    await expect
      .poll(() => errors.at(-1)?.message, { timeout: 20_000 })
      .toMatch(/answered 403: services is forbidden/)
    expect(errors.at(-1)?.hint).toBe('grant "get, list, watch" on services to this identity (RBAC)')
    expect(reflector.views.has('default/kubernetes')).toBe(true)
    expect(deleted).toEqual([])

    const { resourceVersion: _, ...metadata } = before.metadata
    expect((await send('PUT', role, { ...before, metadata })).code).toBe(200)
    await expect.poll(() => reflector.isConnected, { timeout: 20_000 }).toBe(true)
    expect(deleted).toEqual([])
  } finally {
    stop.abort()
    await running
    client.close()
  }
})

test('a load balancer gets an address from the pool, and an Event when there is none', async () => {
  const collection = '/api/v1/namespaces/default/services'
  const balancer = (name: string) => ({
    metadata: { name },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
  })
  const addressOf = async (name: string) =>
    (await send('GET', `${collection}/${name}`)).body.status.loadBalancer.ingress?.[0]?.ip
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    expect((await send('POST', collection, balancer(name))).code).toBe(201)
  for (const name of ['a', 'b', 'c', 'd'])
    await expect.poll(() => addressOf(name), { timeout: 20_000 }).toMatch(/^10\.10\.21\.[0-3]$/)
  const reasons = async () =>
    (
      await send('GET', '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3De')
    ).body.items.map(({ reason }: { reason: string }) => reason)
  await expect.poll(reasons, { timeout: 20_000 }).toContain('AddressNotAssigned')
  await send('DELETE', `${collection}/a`)
  await expect.poll(() => addressOf('e'), { timeout: 20_000 }).toMatch(/^10\.10\.21\./)
})

test('a kubeconfig of the real API is taken as kubectl takes it', async () => {
  const file = join(started.stateDirectory, 'admin.kubeconfig')
  const client = new KubeClient(await kubeconfigAccess({ file }))
  try {
    const { user } = await client
      .json<{ status: { userInfo: { username: string } } }>({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      })
      .then(({ status }) => ({ user: status.userInfo.username }))
    expect(user).toBe('weft-lab-admin')
    const wrong = JSON.parse(await readFile(file, 'utf8')) as { users: { user: { token: string } }[] }
    wrong.users[0]!.user.token = 'wrong'
    const other = join(started.stateDirectory, 'wrong.kubeconfig')
    await writeFile(other, JSON.stringify(wrong))
    const refused = new KubeClient(await kubeconfigAccess({ file: other }))
    await expect(refused.json({ path: '/api/v1/nodes' })).rejects.toMatchObject({ status: 401 })
    refused.close()
  } finally {
    client.close()
  }
  const kubectl = await promisify(execFile)('kubectl', ['--kubeconfig', file, 'get', '--raw', '/readyz'])
  expect(kubectl.stdout).toBe('ok')
})
