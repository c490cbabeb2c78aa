import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../../diagnostics/error.ts'
import { formatAddress } from '../../net/address.ts'
import { addressAt, parsePrefix, sizeOf } from '../../net/prefix.ts'
import type { PlannedCluster } from '../../plan/model.ts'
import { ClusterApi } from '../cluster-api.ts'
import { awaitNextHops, readNextHops } from '../forwarding.ts'
import type { LabState } from '../state.ts'

/*
 * What runs in the clusters while drills measure: one pod on each of two nodes a site, and the Service web in front of
 * them, at one address that every site announces where the fabric has a pool for that. A pod may be had on any other
 * node as well, for traffic that is meant for a single one.
 */

export interface Workload {
  /** Address of the Service web. */
  address: string
  prefix: string
  /** Nodes that run a pod of web, by site. */
  announcers: string[]
  /** Address of a pod on this node; it is started when there is none. */
  podOn(node: string): Promise<string>
  /** Resolves when every pod of web is ready and every announcer known where users come from. */
  awaitReady(timeoutMs: number): Promise<void>
  close(): void
}

export const ports = { http: 80, echo: 7, pod: 8080 }

/** Which address of its pool web gets. */
const addressNumber = 10
const namespace = '/api/v1/namespaces/default'
const labels = { app: 'web' }

interface Pod {
  metadata: { name: string }
  status?: { podIP?: string; conditions?: { type: string; status: string }[] }
}

/** Creates web in every cluster and waits until it answers; null where the fabric runs no cluster. */
export async function deployWorkload(state: LabState): Promise<Workload | null> {
  const { plan } = state
  if (plan.clusters.length === 0 || !state.hasPods) return null
  const apis = new Map(plan.clusters.map((cluster) => [cluster.name, new ClusterApi(state.name, cluster)]))
  const shared = plan.globalServices[0]?.prefix
  // Without a pool that sites share only the first one announces.
  const clusters = shared === undefined ? plan.clusters.slice(0, 1) : plan.clusters
  const own = plan.sites.find(({ name }) => name === clusters[0]!.site)?.services[0]?.prefix
  const address = addressFrom(shared ?? own)
  const prefix = `${address}/${address.includes(':') ? 128 : 32}`
  const nodesOf = new Map(clusters.map((cluster) => [cluster.name, webNodes(state, cluster)]))
  const announcers = [...nodesOf.values()].flat()
  const close = () => {
    for (const api of apis.values()) api.close()
  }
  const apiOf = (node: string) => {
    const cluster = plan.clusters.find(({ nodes }) => nodes.includes(node))
    return apis.get(cluster?.name ?? '')
  }
  const podOn = async (node: string): Promise<string> => {
    const api = apiOf(node)
    if (api === undefined)
      throw new WeftError('WEFT_DRILL_TARGET', `${node} is in no cluster`, { exitCode: 2 })
    const name = announcers.includes(node) ? `web-${node}` : `drill-${node}`
    const existing = (await listPods(api)).some((pod) => pod.metadata.name === name)
    if (!existing) await api.create(`${namespace}/pods`, podOf(name, node, {}))
    return await untilReady(api, [name], 30_000).then((pods) => pods[0]?.status?.podIP ?? '')
  }
  /** A drill may have deleted one. */
  const ensurePods = async () => {
    for (const [cluster, nodes] of nodesOf) {
      const api = apis.get(cluster)!
      const present = (await listPods(api)).map((pod) => pod.metadata.name)
      for (const node of nodes)
        if (!present.includes(`web-${node}`))
          await api.create(`${namespace}/pods`, podOf(`web-${node}`, node, labels))
    }
  }
  const awaitReady = async (timeoutMs: number) => {
    await ensurePods()
    await Promise.all(
      [...nodesOf].map(([cluster, nodes]) =>
        untilReady(
          apis.get(cluster)!,
          nodes.map((node) => `web-${node}`),
          timeoutMs,
        ),
      ),
    )
    await Promise.all(announcers.map((node) => untilUsed(state, node, prefix, timeoutMs)))
  }
  try {
    for (const cluster of clusters) {
      const api = apis.get(cluster.name)!
      const services = await api.get<{ items: { metadata: { name: string } }[] }>(`${namespace}/services`)
      if (!services.items.some(({ metadata }) => metadata.name === 'web'))
        await api.create(`${namespace}/services`, serviceOf(address, shared !== undefined))
    }
    await awaitReady(60_000)
  } catch (error) {
    close()
    throw error
  }
  return { address, prefix, announcers, podOn, awaitReady, close }
}

/** Two nodes, in different racks where there are several, and rather those without a control plane. */
function webNodes({ plan }: LabState, cluster: PlannedCluster): string[] {
  const nodes = plan.devices.filter(({ name }) => cluster.nodes.includes(name))
  const workers = nodes.filter(({ name }) => !cluster.controlPlane.includes(name))
  const candidates =
    workers.length >= 2 ? workers : [...workers, ...nodes.filter((node) => !workers.includes(node))]
  const [first] = candidates
  if (first === undefined) return []
  const second = candidates.find(({ rack }) => rack !== first.rack) ?? candidates[1]
  return second === undefined ? [first.name] : [first.name, second.name]
}

function addressFrom(pool: string | undefined): string {
  if (pool === undefined)
    throw new WeftError('WEFT_DRILL_TARGET', 'the fabric has no service addresses', {
      hint: 'give its site a services segment',
      exitCode: 2,
    })
  const prefix = parsePrefix(pool)
  const last = sizeOf(prefix) - 1n
  return formatAddress(addressAt(prefix, last < addressNumber ? last : addressNumber))
}

function podOf(name: string, node: string, podLabels: object): object {
  const container = {
    name: 'web',
    image: 'responder',
    ports: [
      { containerPort: ports.pod, protocol: 'TCP' },
      { containerPort: ports.pod, protocol: 'UDP' },
    ],
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: podLabels },
    spec: { nodeName: node, containers: [container] },
  }
}

function serviceOf(address: string, isShared: boolean): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'web',
      annotations: { 'weft.dev/address': address, ...(isShared ? { 'weft.dev/pool': 'global' } : {}) },
    },
    spec: {
      type: 'LoadBalancer',
      // Only nodes with a pod announce, and answers come from where the packets went.
      externalTrafficPolicy: 'Local',
      selector: labels,
      ports: [
        { name: 'http', port: ports.http, targetPort: ports.pod, protocol: 'TCP' },
        { name: 'echo', port: ports.echo, targetPort: ports.pod, protocol: 'UDP' },
      ],
    },
  }
}

async function listPods(api: ClusterApi): Promise<Pod[]> {
  return (await api.get<{ items: Pod[] }>(`${namespace}/pods`)).items
}

async function untilReady(api: ClusterApi, names: readonly string[], timeoutMs: number): Promise<Pod[]> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const pods = (await listPods(api)).filter((pod) => names.includes(pod.metadata.name))
    const ready = pods.filter(({ status }) =>
      status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    )
    if (ready.length >= names.length) return ready
    if (performance.now() > deadline)
      throw new WeftError(
        'WEFT_DRILL_WORKLOAD',
        `${ready.length} of ${names.length} pods are ready: ${names.join(', ')}`,
        { hint: 'see the runtime’s and the agent’s log in the lab’s folder: weft lab status names it' },
      )
    await delay(100)
  }
}

/** Waits until the leaves of a node send web to it. */
async function untilUsed(state: LabState, node: string, prefix: string, timeoutMs: number): Promise<void> {
  const { name: lab, plan } = state
  const links = plan.links.filter(({ b }) => b.device === node)
  await Promise.all(
    links.map(async ({ a }) => {
      const isUsed = (hops: readonly { device?: string }[]) =>
        hops.some(({ device }) => device === a.interface)
      if (isUsed(await readNextHops(lab, a.device, prefix))) return
      await awaitNextHops(lab, a.device, prefix, isUsed, timeoutMs)
    }),
  )
}
