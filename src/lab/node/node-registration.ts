import { arch, cpus, machine, release, totalmem } from 'node:os'
import { parsePrefix, sizeOf } from '../../net/prefix.ts'
import {
  type Condition,
  isSameJson,
  type Lease,
  type Node,
  timestamp,
} from '../kubernetes/api-server/objects.ts'
import type { NodeRuntimeConfig } from './config.ts'
import { type Log, reasonOf } from './log.ts'
import { mergeConditions } from './pod-status.ts'

/*
 * The node's own objects: its Node, and its Lease in kube-node-lease, whose renewal says that the node is alive.
 *
 * One beat reads the Node and writes only what differs, so that a Node that somebody deleted, or that a controller
 * marked as lost while the API could not be reached, is right again after one beat. A failed beat is repeated soon and
 * then less and less often; it has no other consequence, least of all for pods.
 */

/** What registration needs from the Kubernetes API. */
export interface NodeApi {
  readNode(name: string): Promise<Node | null>
  createNode(node: Node): Promise<Node>
  patchNode(name: string, patch: Record<string, unknown>): Promise<Node>
  patchNodeStatus(node: Node, status: Record<string, unknown>): Promise<Node>
  renewLease(lease: Lease): Promise<void>
}

export interface Registration {
  stop(): void
}

/** Registers the node and keeps its Lease and status fresh until stopped. */
export function keepRegistered(config: NodeRuntimeConfig, api: NodeApi, log: Log): Registration {
  let failures = 0
  let wasRegistered = false
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  async function beat(): Promise<void> {
    try {
      await registerOnce(config, api, new Date())
      if (failures > 0 || !wasRegistered) log('node registered', { failedAttempts: failures })
      wasRegistered = true
      failures = 0
    } catch (error) {
      failures++
      // One line when it begins, not one for each attempt.
      if (failures === 1) log('API server not reached, retrying', { reason: reasonOf(error) })
    }
    if (isStopped) return
    const pauseMs =
      failures === 0 ? config.heartbeatSeconds * 1000 : retryPauseMs(failures, config.heartbeatSeconds)
    timer = setTimeout(schedule, pauseMs)
  }

  function schedule(): void {
    beat().catch((error) => log('heartbeat failed', { reason: reasonOf(error) }))
  }

  schedule()
  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

/** One beat: the Node is there and right, the Lease is renewed. */
async function registerOnce(config: NodeRuntimeConfig, api: NodeApi, now: Date): Promise<void> {
  const wanted = describeNode(config)
  const found = (await api.readNode(config.nodeName)) ?? (await api.createNode(wanted))
  const node = lacks(found, wanted)
    ? await api.patchNode(config.nodeName, {
        metadata: { labels: wanted.metadata.labels },
        spec: wanted.spec,
      })
    : found
  const status = describeNodeStatus(config, node, now)
  const shown = (node.status ?? {}) as Record<string, unknown>
  // As a subset: a newer API server may add fields, and conditions of others stay.
  const isShown = Object.entries(status).every(([key, value]) => isSameJson(shown[key], value))
  if (!isShown) await api.patchNodeStatus(node, status)
  await api.renewLease(describeLease(config, now))
}

function describeNode(config: NodeRuntimeConfig): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: config.nodeName,
      labels: {
        'kubernetes.io/hostname': config.nodeName,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': kubernetesArch(),
        ...config.labels,
      },
    },
    spec: {
      ...(config.podCidrs[0] === undefined ? {} : { podCIDR: config.podCidrs[0] }),
      podCIDRs: config.podCidrs,
    },
  }
}

/** Does the Node that is there lack a label or pod prefix? Labels of others are theirs. */
function lacks(found: Node, wanted: Node): boolean {
  const labels = found.metadata.labels ?? {}
  const lacksLabel = Object.entries(wanted.metadata.labels ?? {}).some(
    ([key, value]) => labels[key] !== value,
  )
  return lacksLabel || !isSameJson(found.spec?.podCIDRs, wanted.spec?.podCIDRs)
}

function describeNodeStatus(config: NodeRuntimeConfig, node: Node, now: Date): Record<string, unknown> {
  const podCount = Math.min(...config.podCidrs.map((cidr) => Number(sizeOf(parsePrefix(cidr))) - 2), 110)
  const capacity = {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: String(podCount),
  }
  const conditions: Condition[] = [
    condition('NetworkUnavailable', 'False', 'PodPrefixRouted', 'the pod prefix is a route of this node'),
    condition('MemoryPressure', 'False', 'EnoughMemory', 'not measured in the lab'),
    condition('DiskPressure', 'False', 'EnoughDisk', 'not measured in the lab'),
    condition('PIDPressure', 'False', 'EnoughPids', 'not measured in the lab'),
    condition('Ready', 'True', 'NodeRuntimeReady', 'the lab node runtime is running'),
  ]
  return {
    addresses: [
      ...config.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: config.nodeName },
    ],
    capacity,
    allocatable: capacity,
    conditions: mergeConditions(node.status?.conditions ?? [], conditions, timestamp(now.getTime())),
    nodeInfo: {
      machineID: config.nodeName,
      systemUUID: config.nodeName,
      bootID: config.nodeName,
      kernelVersion: release(),
      osImage: 'Weft lab node',
      containerRuntimeVersion: 'weft-lab://0.1.0',
      kubeletVersion: 'v0.1.0-weft',
      kubeProxyVersion: 'v0.1.0-weft',
      operatingSystem: 'linux',
      architecture: kubernetesArch(),
    },
  }
}

function describeLease(config: NodeRuntimeConfig, now: Date): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: config.nodeName, namespace: 'kube-node-lease' },
    spec: {
      holderIdentity: config.nodeName,
      // A node counts as lost after four beats, as with kubelet's 10 s and 40 s.
      leaseDurationSeconds: Math.ceil(config.heartbeatSeconds * 4),
      // MicroTime: six digits.
      renewTime: now.toISOString().replace('Z', '000Z'),
    },
  }
}

function condition(type: string, status: 'True' | 'False', reason: string, message: string): Condition {
  return { type, status, reason, message }
}

function kubernetesArch(): string {
  const architecture = arch()
  return architecture === 'x64' ? 'amd64' : architecture === 'arm64' ? 'arm64' : machine()
}

function retryPauseMs(failures: number, heartbeatSeconds: number): number {
  return Math.min(250 * 2 ** (failures - 1), heartbeatSeconds * 1000)
}
