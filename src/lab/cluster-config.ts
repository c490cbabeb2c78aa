import { overlaps, parsePrefix } from '../net/prefix.ts'
import type { Device, Plan, PlannedCluster } from '../plan/model.ts'
import type { ControlPlaneConfig } from './kubernetes/control-plane-config.ts'
import { namespaceOf, pathsOf } from './names.ts'
import type { NodeRuntimeConfig } from './node/config.ts'

/*
 * What the processes of a lab's Kubernetes clusters are told: pure functions of the plan.
 */

/** Cluster addresses never leave a node, so any range will do that the fabric does not use. */
const clusterRanges = ['10.96.0.0/16', '172.30.0.0/16', '192.168.128.0/17']
const clusterRange6 = 'fd42:96::/112'
/** A lab's nodes die for good, and the tour waits for what follows. */
const nodeGraceSeconds = 20
const agentMetricsPort = 9180

/** Configuration of a cluster's embedded control plane, served on the first control-plane node's loopback. */
export function controlPlaneConfig(plan: Plan, cluster: PlannedCluster): ControlPlaneConfig {
  const url = new URL(cluster.apiUrl)
  const isDualStack = devicesOf(plan, cluster).some((node) => node.podCidrs.length > 1)
  const site = plan.sites.find(({ name }) => name === cluster.site)
  const pools = [
    { name: cluster.site, cidrs: (site?.services ?? []).map(({ prefix }) => prefix) },
    { name: 'global', cidrs: plan.globalServices.map(({ prefix }) => prefix) },
  ]
  return {
    listeners: [
      { address: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) },
      // For whoever enters the node's namespace.
      { address: '127.0.0.1', port: Number(url.port) },
    ],
    serviceCidrs: [freeRange(plan), ...(isDualStack ? [clusterRange6] : [])],
    pools: pools.filter(({ cidrs }) => cidrs.length > 0),
    nodeGraceSeconds,
  }
}

/** Configuration of the process that runs a node's pods and forwards its Service traffic. */
export function nodeRuntimeConfig(
  lab: string,
  cluster: PlannedCluster,
  node: Device,
): Partial<NodeRuntimeConfig> {
  return {
    nodeName: node.name,
    labName: lab,
    namespace: namespaceOf(lab, node.name),
    apiUrl: cluster.apiUrl,
    addresses: node.loopbacks,
    podCidrs: node.podCidrs,
    heartbeatSeconds: 5,
    podNamespacePrefix: namespaceOf(lab, 'pod-'),
    stateDirectory: `${pathsOf(lab).root}/nodes/${node.name}`,
    labels: {
      'topology.kubernetes.io/zone': cluster.site,
      ...(node.rack === null ? {} : { 'weft.dev/rack': node.rack }),
    },
  }
}

/** Configuration file of a node's agent (src/agent/config.ts reads it). */
export function agentConfig(
  lab: string,
  plan: Plan,
  cluster: PlannedCluster,
  node: Device,
): Record<string, unknown> {
  const site = plan.sites.find(({ name }) => name === cluster.site)
  return {
    node: node.name,
    site: cluster.site,
    api: { url: cluster.apiUrl },
    frr: { pathspace: namespaceOf(lab, node.name) },
    localAs: node.asn,
    pools: [
      ...(site?.services ?? []).map(({ prefix, scope }) => ({ name: cluster.site, cidr: prefix, scope })),
      ...plan.globalServices.map(({ prefix, scope }) => ({ name: 'global', cidr: prefix, scope })),
    ],
    loopbacks: node.loopbacks,
    staticVips: node.vips,
    podCidrs: node.podCidrs,
    statusSocket: `${pathsOf(lab).root}/nodes/${node.name}-agent.sock`,
    metricsAddress: `127.0.0.1:${agentMetricsPort}`,
  }
}

/** A kubeconfig for all clusters of the plan; it works from inside any node of the fabric. */
export function kubeconfig(plan: Plan): string {
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: plan.clusters.map(({ name, apiUrl }) => ({ name, cluster: { server: apiUrl } })),
      users: [{ name: 'lab', user: {} }],
      contexts: plan.clusters.map(({ name }) => ({ name, context: { cluster: name, user: 'lab' } })),
      'current-context': plan.clusters[0]?.name,
    },
    null,
    2,
  )
}

/** The nodes of a cluster, as devices. */
export function devicesOf(plan: Plan, cluster: PlannedCluster): Device[] {
  const names = new Set(cluster.nodes)
  return plan.devices.filter((device) => names.has(device.name))
}

function freeRange(plan: Plan): string {
  const used = plan.sites
    .flatMap((site) => [
      ...site.switches,
      ...site.nodes,
      ...site.pods,
      ...site.services.map((pool) => pool.prefix),
    ])
    .map(parsePrefix)
  const isFree = (range: string) => !used.some((prefix) => overlaps(prefix, parsePrefix(range)))
  return clusterRanges.find(isFree) ?? (clusterRanges[0] as string)
}
