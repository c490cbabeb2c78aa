import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Plan, PlannedCluster } from '../../plan/model.ts'
import { startNode } from '../cluster.ts'
import { ClusterApi } from '../cluster-api.ts'
import {
  agentConfig,
  controlPlaneConfig,
  devicesOf,
  kubernetesDirectory,
  nodeRuntimeConfig,
} from '../cluster-config.ts'
import { restartProcess } from '../faults/processes.ts'
import { pathsOf } from '../names.ts'
import type { LabState } from '../state.ts'

/** Processes of Kubernetes nodes that start, or start again with another configuration; nodes that leave. */
export interface ClusterChange {
  startedNodes: string[]
  /** `<device>/<what>`; an agent keeps every route while it is away. */
  restarted: string[]
  removedNodes: string[]
}

/** What the clusters of a lab become, and what of it a running lab cannot become. */
export function planClusters(state: LabState, after: Plan): { clusters: ClusterChange; notes: string[] } {
  const clusters: ClusterChange = { startedNodes: [], restarted: [], removedNodes: [] }
  const notes: string[] = []
  if (!state.hasPods) return { clusters, notes }
  for (const cluster of after.clusters) {
    const before = state.plan.clusters.find(({ name }) => name === cluster.name)
    if (before === undefined || before.controlPlane[0] !== cluster.controlPlane[0]) {
      notes.push(`cluster ${cluster.name} is not started in a running lab: take the lab down and up for it`)
      continue
    }
    const config = (plan: Plan, which: PlannedCluster) => controlPlaneConfig(state.name, plan, which, null)
    if (!isDeepStrictEqual(config(state.plan, before), config(after, cluster)))
      notes.push(
        `the control plane of ${cluster.name} goes on with its old settings: take the lab down and up for them`,
      )
    for (const node of cluster.nodes)
      if (!hasProcess(state, node, 'agent')) clusters.startedNodes.push(node)
      else clusters.restarted.push(...changedPrograms(state, after, cluster, node))
  }
  const nodes = new Set(after.clusters.flatMap((cluster) => cluster.nodes))
  for (const cluster of state.plan.clusters)
    clusters.removedNodes.push(...cluster.nodes.filter((node) => !nodes.has(node)))
  return { clusters, notes }
}

/** Starts, restarts and removes; the lab's state has its new plan already. */
export async function changeClusters(state: LabState, change: ClusterChange): Promise<void> {
  for (const cluster of state.plan.clusters)
    for (const node of devicesOf(state.plan, cluster)) {
      const kind = kindOf(state, cluster)
      if (change.startedNodes.includes(node.name)) await startNode(state, cluster, node, kind)
      for (const what of ['runtime', 'agent'] as const) {
        if (!change.restarted.includes(`${node.name}/${what}`)) continue
        const config = configsOf(state, state.plan, cluster, node.name)[what]
        await writeFile(
          `${pathsOf(state.name).configs}/${node.name}/${what}.json`,
          JSON.stringify(config, null, 2),
        )
        await restartProcess(state, node.name, what)
      }
    }
  for (const cluster of state.plan.clusters) {
    if (change.removedNodes.length === 0) break
    const api = new ClusterApi(state.name, cluster)
    try {
      // A node belongs to one of them; the others do not know it.
      for (const node of change.removedNodes) await api.delete(`/api/v1/nodes/${node}`).catch(() => {})
    } finally {
      api.close()
    }
  }
}

function changedPrograms(state: LabState, after: Plan, cluster: PlannedCluster, node: string): string[] {
  const before = configsOf(state, state.plan, cluster, node)
  const then = configsOf(state, after, cluster, node)
  return (['runtime', 'agent'] as const)
    .filter((what) => !isDeepStrictEqual(before[what], then[what]))
    .map((what) => `${node}/${what}`)
}

function configsOf(state: LabState, plan: Plan, cluster: PlannedCluster, name: string) {
  const node = plan.devices.find((device) => device.name === name)
  if (node === undefined) return { runtime: null, agent: null }
  const kind = kindOf(state, cluster)
  return {
    runtime: nodeRuntimeConfig(state.name, cluster, node, kind),
    agent: agentConfig(state.name, plan, cluster, node, kind),
  }
}

function hasProcess(state: LabState, device: string, what: string): boolean {
  return state.processes.some(({ name }) => name === `${device}/${what}`)
}

function kindOf({ name }: LabState, cluster: PlannedCluster): 'embedded' | 'real' {
  return existsSync(`${kubernetesDirectory(name, cluster)}/certificates/apiserver.crt`) ? 'real' : 'embedded'
}
