import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ClusterApi } from '../../src/lab/cluster-api.ts'
import { clusterPrograms, whyNoBinaries } from '../../src/lab/kubernetes/real/binaries.ts'
import { openProbe } from '../../src/lab/probe/probe-host.ts'
import { type LabState, requireState } from '../../src/lab/state.ts'
import { readStatus } from '../../src/lab/status.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { exampleIntent, nothing, planOf, remains, weft } from './lab-fixture.ts'

/* Two nodes with the real Kubernetes: etcd, kube-apiserver, controller manager, scheduler, and kube-proxy on each. */

const lab = 'treal'
const missing = await whyNoBinaries(clusterPrograms)
let state: LabState
let api: ClusterApi

beforeAll(async () => {
  if (missing !== null) return
  await takeDown(lab)
  state = (await bringUp(planOf(exampleIntent('one-rack')), { name: lab, kubernetes: 'real' })).state
  api = new ClusterApi(lab, state.plan.clusters[0]!)
})
afterAll(async () => {
  api?.close()
  await takeDown(lab)
  expect(await remains(lab)).toEqual(nothing)
})
beforeEach((context) => {
  if (missing !== null) context.skip(missing)
})

test('a Service gets an address from the pool, kube-proxy forwards it, and both nodes announce it', async () => {
  await api.create('/apis/apps/v1/namespaces/default/deployments', {
    metadata: { name: 'web' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web', ports: [{ containerPort: 8080 }] }] },
      },
    },
  })
  await api.create('/api/v1/namespaces/default/services', {
    metadata: { name: 'web' },
    spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
  })
  const address = async () =>
    (
      await api.get<{ status: { loadBalancer: { ingress?: { ip: string }[] } } }>(
        '/api/v1/namespaces/default/services/web',
      )
    ).status.loadBalancer.ingress?.[0]?.ip
  await expect.poll(address, { timeout: 30_000, interval: 100 }).toMatch(/^10\.10\.21\./)
  const url = `http://${await address()}/`

  const probe = openProbe(lab, 'dc1-compute1-leaf1')
  try {
    const status = async () => (await probe.httpRequest({ url, timeoutMs: 1000 })).status
    await expect.poll(status, { timeout: 60_000, interval: 100 }).toBe(200)
    await expect
      .poll(
        async () => {
          const { dynamicRoutes, differences } = await readStatus(lab)
          return { dynamicRoutes, differences }
        },
        { timeout: 20_000 },
      )
      .toEqual({ dynamicRoutes: 4, differences: [] })
  } finally {
    probe.close()
  }
})

test('a node announces nothing that its kube-proxy has not programmed', async () => {
  const [quick, slow] = ['dc1-compute1-n1', 'dc1-compute1-n2'] as const
  const { processes } = await requireState(lab)
  const { pid } = processes.find(({ name }) => name === `${slow}/kube-proxy`)!
  const codeOf = async (node: string) => {
    const { stdout } = await weft('why', 'later', '--lab', lab, '--node', node, '-o', 'json')
    if (stdout === '') return undefined
    const answer = JSON.parse(stdout).addresses[0]?.nodes[0]
    return answer?.isAnnounced === true ? 'announced' : answer?.reason?.code
  }
  process.kill(pid, 'SIGSTOP')
  try {
    await api.create('/api/v1/namespaces/default/services', {
      metadata: { name: 'later' },
      spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 81, targetPort: 8080 }] },
    })
    await expect.poll(() => codeOf(quick), { timeout: 60_000, interval: 200 }).toBe('announced')
    expect(await codeOf(slow)).toBe('dataplane-not-programmed')
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await expect.poll(() => codeOf(slow), { timeout: 60_000, interval: 200 }).toBe('announced')
})

test('the agents have no more rights than the manifest gives them, and nodes have their own', async () => {
  const asAgent = (resource: string, verb: string, group = '') => ({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: 'system:serviceaccount:weft-system:weft-agent',
      resourceAttributes: { resource, verb, group },
    },
  })
  const isAllowed = async (resource: string, verb: string, group?: string) =>
    (
      await api.ask<{ status: { allowed: boolean } }>(
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        asAgent(resource, verb, group),
      )
    ).status.allowed
  expect(await isAllowed('services', 'watch')).toBe(true)
  expect(await isAllowed('endpointslices', 'list', 'discovery.k8s.io')).toBe(true)
  expect(await isAllowed('secrets', 'list')).toBe(false)
  expect(await isAllowed('services', 'patch')).toBe(false)
  expect(await isAllowed('nodes', 'patch')).toBe(false)
})
