import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WeftError } from '../diagnostics/error.ts'
import type { Device, PlannedCluster } from '../plan/model.ts'
import {
  adminUrl,
  agentConfig,
  controlPlaneConfig,
  devicesOf,
  type KubeconfigParts,
  type KubernetesKind,
  kubeconfig,
  kubeProxyCommand,
  kubernetesDirectory,
  nodeRuntimeConfig,
} from './cluster-config.ts'
import type { Binaries } from './kubernetes/real/binaries.ts'
import { pathsOf } from './names.ts'
import { openProbe, type ProbeHost } from './probe/probe-host.ts'
import type { OnProgress } from './progress.ts'
import { isRunning, startResident } from './resident.ts'
import { type LabState, writeState } from './state.ts'

/*
 * Kubernetes in the lab: for each planned cluster an API server on its first control-plane node, and on every node the
 * runtime that runs pods and the agent that announces their Services. All of them are processes inside the nodes'
 * namespaces, and nodes reach the API over the routes of the fabric, as in life. With the real Kubernetes, kube-proxy
 * takes the place of the runtime's own proxy.
 */

const programs = {
  api: fileURLToPath(new URL('kubernetes/main.ts', import.meta.url)),
  runtime: fileURLToPath(new URL('node/main.ts', import.meta.url)),
  agent: fileURLToPath(new URL('../agent/main.ts', import.meta.url)),
}

/** A small young generation: a third less memory for a few percent of processor time, once a node and a process. */
const leanHeap = ['--max-semi-space-size=4']

const apiTimeoutMs = 20_000
/** etcd, the API server and its bootstrap, on a machine that starts several of them at once. */
const realApiTimeoutMs = 180_000
const readyTimeoutMs = 60_000

export interface ClusterOptions {
  /** The programs of the real Kubernetes; null for the embedded one. */
  binaries?: Binaries | null
  onProgress?: OnProgress
  signal?: AbortSignal
}

/** Path of the kubeconfig of a lab's clusters, for use inside the fabric's nodes. */
export function kubeconfigPath(lab: string): string {
  return `${pathsOf(lab).root}/kubeconfig`
}

/** Starts the clusters of a lab whose fabric has converged; resolves when every node is Ready. */
export async function startClusters(state: LabState, options: ClusterOptions = {}): Promise<void> {
  const { name: lab, plan } = state
  const { binaries = null } = options
  const kind = binaries === null ? 'embedded' : 'real'
  await mkdir(`${pathsOf(lab).root}/nodes`, { recursive: true })
  await writeFile(kubeconfigPath(lab), kubeconfig(plan))
  const probes = new Map<string, ProbeHost>()
  try {
    for (const cluster of plan.clusters) {
      const host = controlPlaneOf(cluster)
      await start(state, host, 'api', controlPlaneConfig(lab, plan, cluster, binaries))
      probes.set(cluster.name, openProbe(lab, host))
    }
    await writeState(state)
    for (const cluster of plan.clusters) await untilAnswering(state, cluster, probes, options)
    if (kind === 'real')
      await writeFile(kubeconfigPath(lab), kubeconfig(plan, await readAdmins(state)), { mode: 0o600 })
    for (const cluster of plan.clusters) {
      for (const node of devicesOf(plan, cluster)) {
        await startNode(state, cluster, node, kind)
        if (binaries !== null) {
          const command = kubeProxyCommand(lab, cluster, node, binaries)
          state.processes.push(await startResident(lab, node.name, 'kube-proxy', command))
        }
      }
    }
    await writeState(state)
    await untilReady(state, probes, options)
  } finally {
    for (const probe of probes.values()) probe.close()
  }
}

/** Starts what makes a device a node of its cluster. */
export async function startNode(
  state: LabState,
  cluster: PlannedCluster,
  node: Device,
  kind: KubernetesKind,
): Promise<void> {
  const { name: lab, plan } = state
  await start(state, node.name, 'runtime', nodeRuntimeConfig(lab, cluster, node, kind))
  await start(state, node.name, 'agent', agentConfig(lab, plan, cluster, node, kind))
}

async function start(
  state: LabState,
  device: string,
  program: keyof typeof programs,
  config: unknown,
): Promise<void> {
  const directory = `${pathsOf(state.name).configs}/${device}`
  const file = `${directory}/${program}.json`
  await mkdir(directory, { recursive: true })
  await writeFile(file, JSON.stringify(config, null, 2))
  state.processes.push(
    await startResident(state.name, device, program, [
      process.execPath,
      ...leanHeap,
      programs[program],
      file,
    ]),
  )
}

async function untilAnswering(
  state: LabState,
  cluster: PlannedCluster,
  probes: ReadonlyMap<string, ProbeHost>,
  { signal, binaries }: ClusterOptions,
): Promise<void> {
  const deadline = Date.now() + (binaries ? realApiTimeoutMs : apiTimeoutMs)
  for (;;) {
    const answer = await probes
      .get(cluster.name)
      ?.httpRequest({ url: `${adminUrl(cluster)}/readyz`, timeoutMs: 1000 })
    if (answer?.status === 200) return
    await throwIfDead(state)
    if (Date.now() > deadline)
      throw new WeftError(
        'WEFT_LAB_API',
        `the API of cluster ${cluster.name} does not answer at ${cluster.apiUrl}: ${answer?.error ?? answer?.status}`,
        { hint: `its log: ${pathsOf(state.name).logs}/${controlPlaneOf(cluster)}/api.log`, exitCode: 4 },
      )
    await delay(100, undefined, signal && { signal })
  }
}

/** What the real control planes wrote down for their administrators. */
async function readAdmins({ name: lab, plan }: LabState): Promise<Map<string, KubeconfigParts>> {
  const parts = new Map<string, KubeconfigParts>()
  for (const cluster of plan.clusters) {
    const text = await readFile(`${kubernetesDirectory(lab, cluster)}/admin.kubeconfig`, 'utf8')
    const { clusters, users } = JSON.parse(text) as {
      clusters: [Pick<KubeconfigParts, 'cluster'>]
      users: [Pick<KubeconfigParts, 'user'>]
    }
    parts.set(cluster.name, { ...clusters[0], ...users[0] })
  }
  return parts
}

async function untilReady(
  state: LabState,
  probes: ReadonlyMap<string, ProbeHost>,
  { onProgress, signal }: ClusterOptions,
): Promise<void> {
  const { clusters } = state.plan
  const total = clusters.reduce((sum, cluster) => sum + cluster.nodes.length, 0)
  const deadline = Date.now() + readyTimeoutMs + 1000 * total
  for (;;) {
    const missing: string[] = []
    for (const cluster of clusters) {
      const ready = await readReadyNodes(cluster, probes.get(cluster.name))
      missing.push(...cluster.nodes.filter((node) => !ready.has(node)))
    }
    onProgress?.({
      kind: 'step',
      step: 'kubernetes',
      done: total - missing.length,
      total,
      waitingFor: missing.slice(0, 3).map((node) => `${node} not Ready`),
    })
    if (missing.length === 0) return
    await throwIfDead(state)
    if (Date.now() > deadline)
      throw new WeftError('WEFT_LAB_NODES', `these nodes do not become Ready: ${missing.join(', ')}`, {
        hint: `their logs: ${pathsOf(state.name).logs}/${missing[0]}/runtime.log`,
        exitCode: 4,
      })
    await delay(250, undefined, signal && { signal })
  }
}

interface NodeList {
  items: { metadata: { name: string }; status?: { conditions?: { type: string; status: string }[] } }[]
}

async function readReadyNodes(cluster: PlannedCluster, probe: ProbeHost | undefined): Promise<Set<string>> {
  const answer = await probe?.httpRequest({ url: `${adminUrl(cluster)}/api/v1/nodes`, timeoutMs: 3000 })
  if (answer?.status !== 200) return new Set()
  const { items } = JSON.parse(answer.body) as NodeList
  return new Set(
    items
      .filter(({ status }) =>
        status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
      )
      .map(({ metadata }) => metadata.name),
  )
}

/** A process that ended while being waited for is the reason, and its last words say more than a timeout. */
async function throwIfDead(state: LabState): Promise<void> {
  const dead = state.processes.find((process) => !isRunning(process))
  if (dead === undefined) return
  const log = await readFile(dead.log, 'utf8').catch(() => '')
  const lastWords = log.trim().split('\n').slice(-4).join('\n')
  throw new WeftError('WEFT_LAB_PROCESS', `${dead.name} has ended:\n${lastWords || '(it said nothing)'}`, {
    hint: `its whole log: ${dead.log}`,
  })
}

function controlPlaneOf(cluster: PlannedCluster): string {
  const [first] = cluster.controlPlane
  if (first === undefined)
    throw new WeftError('WEFT_LAB_CONTROL_PLANE', `cluster ${cluster.name} has no control-plane node`, {
      hint: `set controlPlane: 1 for ${cluster.name} in the intent, or start with --no-kubernetes`,
      exitCode: 2,
    })
  return first
}
