import { overlaps, parsePrefix } from '../net/prefix.ts'
import type { Device, Plan, PlannedCluster } from '../plan/model.ts'
import type { ControlPlaneConfig } from './kubernetes/control-plane-config.ts'
import type { Binaries } from './kubernetes/real/binaries.ts'
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

/** Which Kubernetes runs in a lab: the embedded API and the lab's own proxy, or the real programs. */
export type KubernetesKind = 'embedded' | 'real'

/** Where the control plane of a cluster keeps its state, tokens and certificates, when it is the real one. */
export function kubernetesDirectory(lab: string, cluster: PlannedCluster): string {
  return `${pathsOf(lab).root}/kubernetes/${cluster.name}`
}

/** How the lab itself reaches a cluster's API from inside its control-plane node: plainly, whichever kind it is. */
export function adminUrl(cluster: PlannedCluster): string {
  return `http://127.0.0.1:${new URL(cluster.apiUrl).port}`
}

/** How nodes and their agents reach a cluster's API. */
function nodeAccess(lab: string, cluster: PlannedCluster, kind: KubernetesKind, who: 'runtime' | 'agent') {
  if (kind === 'embedded') return { url: cluster.apiUrl }
  const directory = kubernetesDirectory(lab, cluster)
  return {
    url: cluster.apiUrl.replace(/^http:/, 'https:'),
    tokenFile: `${directory}/${who}.token`,
    caFile: `${directory}/certificates/apiserver.crt`,
  }
}

/** Configuration of a cluster's control plane, served on the first control-plane node's loopback. */
export function controlPlaneConfig(
  lab: string,
  plan: Plan,
  cluster: PlannedCluster,
  binaries: Binaries | null,
): ControlPlaneConfig {
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
    ...(binaries === null
      ? {}
      : {
          real: {
            binaries: controlPlaneBinaries(binaries),
            stateDirectory: kubernetesDirectory(lab, cluster),
            agents: true,
          },
        }),
  }
}

function controlPlaneBinaries(binaries: Binaries): NonNullable<ControlPlaneConfig['real']>['binaries'] {
  const { etcd, 'kube-apiserver': apiServer, 'kube-proxy': _, ...others } = binaries
  if (etcd === undefined || apiServer === undefined) throw new Error('etcd or kube-apiserver is not there')
  return { etcd, 'kube-apiserver': apiServer, ...others }
}

/** The command line of a node's kube-proxy. */
export function kubeProxyCommand(
  lab: string,
  cluster: PlannedCluster,
  node: Device,
  binaries: Binaries,
): [string, ...string[]] {
  return [
    binaries['kube-proxy'] ?? 'kube-proxy',
    `--kubeconfig=${kubernetesDirectory(lab, cluster)}/kube-proxy.kubeconfig`,
    `--hostname-override=${node.name}`,
    '--proxy-mode=nftables',
    '--detect-local-mode=NodeCIDR',
    '--healthz-bind-address=127.0.0.1:10256',
    '--metrics-bind-address=127.0.0.1:10249',
    // The conntrack limits are the machine's, not this namespace's.
    '--conntrack-max-per-core=0',
    '--conntrack-tcp-timeout-established=0s',
    '--conntrack-tcp-timeout-close-wait=0s',
  ]
}

/** Configuration of the process that runs a node's pods and forwards its Service traffic. */
export function nodeRuntimeConfig(
  lab: string,
  cluster: PlannedCluster,
  node: Device,
  kind: KubernetesKind,
): Partial<NodeRuntimeConfig> {
  const { url, ...credentials } = nodeAccess(lab, cluster, kind, 'runtime')
  return {
    nodeName: node.name,
    labName: lab,
    namespace: namespaceOf(lab, node.name),
    apiUrl: url,
    ...credentials,
    serviceProxy: kind === 'embedded' ? 'own' : 'none',
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
  kind: KubernetesKind,
): Record<string, unknown> {
  const site = plan.sites.find(({ name }) => name === cluster.site)
  return {
    node: node.name,
    site: cluster.site,
    api: nodeAccess(lab, cluster, kind, 'agent'),
    frr: { pathspace: namespaceOf(lab, node.name) },
    localAs: node.asn,
    pools: [
      ...(site?.services ?? []).map(({ prefix, scope }) => ({ name: cluster.site, cidr: prefix, scope })),
      ...plan.globalServices.map(({ prefix, scope }) => ({ name: 'global', cidr: prefix, scope })),
    ],
    loopbacks: node.loopbacks,
    staticVips: node.vips,
    podCidrs: node.podCidrs,
    endpointCidrs: [...(site?.pods ?? []), ...(site?.nodes ?? [])],
    dataplane: { detector: kind === 'embedded' ? 'weft-lab' : 'kube-proxy' },
    fastLocalRepair: plan.fastLocalRepair,
    statusSocket: `${pathsOf(lab).root}/nodes/${node.name}-agent.sock`,
    metricsAddress: `127.0.0.1:${agentMetricsPort}`,
  }
}

/** What a kubeconfig says of a cluster and its user. */
export interface KubeconfigParts {
  cluster: Record<string, unknown>
  user: Record<string, unknown>
}

/** A kubeconfig for all clusters of the plan; it works from inside any node of the fabric. */
export function kubeconfig(plan: Plan, parts: ReadonlyMap<string, KubeconfigParts> = new Map()): string {
  const { clusters } = plan
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: clusters.map(({ name, apiUrl }) => ({
        name,
        cluster: parts.get(name)?.cluster ?? { server: apiUrl },
      })),
      users: clusters.map(({ name }) => ({ name, user: parts.get(name)?.user ?? {} })),
      contexts: clusters.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
      'current-context': clusters[0]?.name,
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
