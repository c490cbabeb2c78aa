import type { FrrDaemon } from '../frr/daemon.ts'
import { type BgpPath, readBgpPrefix, readBgpTable } from '../frr/show-bgp.ts'
import type { KubeClient } from '../kube/client.ts'
import type { NodeView } from '../kube/views.ts'
import type { ClusterView } from './cluster-view.ts'
import type { AgentConfig } from './config.ts'
import { excludeLabel } from './desired/claim-rules.ts'
import type { Decision } from './desired/decision.ts'
import type { SliceFacts } from './desired/endpoints.ts'
import { requestsOfNode } from './drain/drain-requests.ts'
import { readNodes } from './other-nodes.ts'
import type { Reconciler } from './reconciler.ts'
import type { AgentControl } from './status-server.ts'

/*
 * Which addresses would be announced by nobody if this node stopped?
 *
 * Two witnesses. BGP: bgpd has a path of another announcer, which is proof. But a leaf passes on one path for a prefix,
 * and none while it likes this node's own best, so that no path proves nothing as long as this node announces. The
 * cluster: another node should announce the address (it has an endpoint, or the policy is Cluster), and its Node is
 * ready, not excluded and not asked to drain. That is belief: neither a dead FRR there nor a drain by command shows in
 * the API. Without either witness this node counts as the last.
 *
 * Once this node has withdrawn, its leaves pass on whatever else there is: then BGP alone can be asked, and answers.
 */

export interface Announcers {
  /** Announced here (or until the drain), and as far as is known nowhere else. */
  addresses: string[]
  /** Not seen in BGP; these other nodes should announce it by what the API says. */
  believed: { address: string; nodes: string[] }[]
  /** Whether neighbors pass host routes on at all; if not, BGP is no witness here. */
  hearsHostRoutes: boolean
}

export interface Asked {
  config: Pick<AgentConfig, 'node' | 'drain'>
  bgpd: FrrDaemon
  client: Pick<KubeClient, 'json'>
  cluster: ClusterView
  decisions: ReadonlyMap<string, Decision>
  reconciler: Pick<Reconciler, 'announced' | 'isBgpdUp'>
  control?: AgentControl
}

/** Names of so many nodes are enough to believe. */
const mostNodesNamed = 3
/** bgpd answers these one by one, 0.3 ms each; beyond that a path is taken for one that stays. */
const mostPrefixesRead = 2_000

/** Looks for other announcers of what this node announces, or announced until it was drained. */
export async function findAnnouncers(asked: Asked): Promise<Announcers> {
  const { bgpd, decisions, reconciler, control } = asked
  const drained = [...decisions.values()].filter(
    (decision) => decision.kind === 'withheld' && decision.code === 'node-drained',
  )
  const ours = new Set([...reconciler.announced, ...drained.map(({ address }) => address)])
  const tables = reconciler.isBgpdUp
    ? await Promise.all([readBgpTable(bgpd, 'ipv4'), readBgpTable(bgpd, 'ipv6')])
    : []
  const received = new Set(
    tables.flatMap((table) =>
      [...table].flatMap(([prefix, paths]) => (paths.some(isAnothers) ? [prefix] : [])),
    ),
  )
  const heard = [...ours].filter((address) => received.has(hostPrefix(address)))
  const isServing = control?.drainStatus.phase === 'serving'
  const leaving = isServing ? await findLeaving(heard, bgpd) : new Set<string>()
  const unseen = [...ours].filter((address) => !received.has(hostPrefix(address)) || leaving.has(address))
  const believed = await findBelieved(unseen, asked)
  return {
    addresses: unseen.filter((address) => !believed.has(address)),
    believed: [...believed].map(([address, nodes]) => ({ address, nodes })),
    hearsHostRoutes: [...received].some((prefix) => prefix.endsWith(prefix.includes(':') ? '/128' : '/32')),
  }
}

function isAnothers({ peer, isValid }: BgpPath): boolean {
  return peer !== '' && isValid
}

/**
 * Those whose other announcers are all about to go themselves: their routes say GRACEFUL_SHUTDOWN. On a node that is
 * being drained everything does, since FRR adds it to what it receives as well.
 */
async function findLeaving(addresses: readonly string[], bgpd: FrrDaemon): Promise<Set<string>> {
  const leaving = new Set<string>()
  for (const address of addresses.slice(0, mostPrefixesRead)) {
    const family = address.includes(':') ? 'ipv6' : 'ipv4'
    const others = (await readBgpPrefix(bgpd, family, hostPrefix(address))).filter(isAnothers)
    const isLeaving = (communities: readonly string[]) =>
      communities.some((name) => /graceful.?shutdown/i.test(name))
    if (others.every(({ communities }) => isLeaving(communities))) leaving.add(address)
  }
  return leaving
}

/** The addresses that other nodes should announce, with some of these nodes. */
async function findBelieved(
  addresses: readonly string[],
  { config, client, cluster, decisions }: Asked,
): Promise<Map<string, string[]>> {
  const believed = new Map<string, string[]>()
  if (addresses.length === 0) return believed
  // Without the API nobody can say how other nodes are, and a belief needs a reason.
  const nodes = (await readNodes(client).catch(() => [])).filter((node) => canAnnounce(node, config))
  const able = new Set(nodes.map(({ name }) => name))
  const some = [...able].slice(0, mostNodesNamed)
  const serving = nodesServing(cluster)
  for (const address of addresses) {
    const announcers = (decisions.get(address)?.services ?? []).flatMap((service) => {
      const isLocal = cluster.serviceOf(service)?.externalTrafficPolicy === 'Local'
      return isLocal ? [...(serving.get(service) ?? [])].filter((node) => able.has(node)) : some
    })
    if (announcers.length > 0) believed.set(address, [...new Set(announcers)].sort().slice(0, mostNodesNamed))
  }
  return believed
}

function canAnnounce(node: NodeView, { node: own, drain }: Asked['config']): boolean {
  return (
    node.name !== own &&
    node.isReady &&
    !node.isNetworkUnavailable &&
    node.labels[excludeLabel] === undefined &&
    requestsOfNode(node, drain.key).length === 0
  )
}

/** The nodes with an endpoint that could take traffic, by Service. */
function nodesServing(cluster: ClusterView): Map<string, Set<string>> {
  const slices = (cluster.reflectors.get('endpointslices')?.views ?? new Map()) as ReadonlyMap<
    string,
    SliceFacts
  >
  const byService = new Map<string, Set<string>>()
  for (const { service, usableNodes } of slices.values()) {
    const nodes = byService.get(service) ?? new Set<string>()
    for (const node of usableNodes) nodes.add(node)
    byService.set(service, nodes)
  }
  return byService
}

function hostPrefix(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`
}
