import type { FrrDaemon } from '../../frr/daemon.ts'
import type { BgpFamily, BgpPathDetail, BgpSession } from '../../frr/show-bgp.ts'
import { readBgpPrefix, readBgpSummary } from '../../frr/show-bgp.ts'
import { asRecord, asText, showJson } from '../../frr/show-json.ts'
import { unweightedNeighbors } from '../../frr/weighting.ts'
import type { ServiceView } from '../../kube/views.ts'
import { formatAddress, parseAddress } from '../../net/address.ts'
import type { ClusterView } from '../cluster-view.ts'
import type { AgentConfig } from '../config.ts'
import type { Decision } from '../desired/decision.ts'
import type { Reconciler } from '../reconciler.ts'
import { addressesOf, findSubject, type Subject } from './subject.ts'

/*
 * One node's answer to "why": for each address of a Service, what was decided, and what became of it in FRR, neighbor
 * by neighbor. bgpd is asked for one prefix at a time (0.3 ms each), never for a table.
 */

interface Asked {
  config: AgentConfig
  bgpd: FrrDaemon
  cluster: ClusterView
  decisions: ReadonlyMap<string, Decision>
  reconciler: Reconciler
}

/** How far an announcement got towards one neighbor. */
export interface NeighborState {
  /** Interface name of an unnumbered session, else the neighbor's address. */
  neighbor: string
  hostname?: string
  remoteAs: number
  /** FRR's word, such as Established. */
  session: string
  /** Whether bgpd sends the prefix to this neighbor. */
  isSent: boolean
}

export interface AddressExplanation {
  address: string
  services: string[]
  /** Absent when no Service asks for the address. */
  decision?: Decision
  /** Whether bgpd has the `network` statement, as far as the agent knows. */
  isApplied: boolean
  /** The route as bgpd originates it, with its attributes. */
  route?: Pick<BgpPathDetail, 'communities' | 'largeCommunities' | 'extendedCommunities' | 'localPreference'>
  neighbors: NeighborState[]
  /** Those that pass the route on without a weight, although this node announces one. */
  unweightedNeighbors?: string[]
}

export interface NodeExplanation {
  node: string
  site?: string
  subject: Subject
  addresses: AddressExplanation[]
  /** Why this node cannot follow its decisions now. */
  problem?: { code: string; message: string; hint?: string }
}

/** Explains the address or Service named by `subject`, with `namespace` when given. */
export async function explainSubject(parts: Asked, query: URLSearchParams): Promise<NodeExplanation> {
  const { config, cluster, reconciler, bgpd } = parts
  const services = (cluster.reflectors.get('services')?.views ?? new Map()) as ReadonlyMap<
    string,
    ServiceView
  >
  const refused = cluster.reflectors.get('services')?.refused ?? new Map<string, string>()
  const subject = findSubject(query.get('subject') ?? '', query.get('namespace') ?? undefined, {
    services,
    refused,
    isAddress: (text) => parseAddress(text) !== null,
  })
  const addresses = addressesOf(subject, services, (text) => {
    const parsed = parseAddress(text)
    return parsed === null ? text : formatAddress(parsed)
  })
  const summary = reconciler.isBgpdUp ? await readBgpSummary(bgpd) : undefined
  const announced = new Set(reconciler.announced)
  const explanations: AddressExplanation[] = []
  for (const address of addresses) {
    explanations.push(await explainAddress(parts, address, announced.has(address), summary?.sessions ?? []))
  }
  const problem = problemOf(parts)
  return {
    node: config.node,
    ...(config.site === undefined ? {} : { site: config.site }),
    subject,
    addresses: explanations,
    ...(problem === undefined ? {} : { problem }),
  }
}

async function explainAddress(
  { bgpd, cluster, decisions, reconciler }: Asked,
  address: string,
  isApplied: boolean,
  sessions: readonly BgpSession[],
): Promise<AddressExplanation> {
  const services = (cluster.reflectors.get('services')?.views ?? new Map()) as ReadonlyMap<
    string,
    ServiceView
  >
  const decision = decisions.get(address) ?? cluster.index.explain(address, services.values())
  const family: BgpFamily = address.includes(':') ? 'ipv6' : 'ipv4'
  const base = {
    address,
    services: decision?.services ?? [],
    ...(decision === undefined ? {} : { decision }),
    isApplied,
  }
  if (!reconciler.isBgpdUp || parseAddress(address) === null) return { ...base, neighbors: [] }
  const prefix = `${address}/${family === 'ipv4' ? 32 : 128}`
  const [paths, sentTo] = await Promise.all([
    readBgpPrefix(bgpd, family, prefix),
    readAdvertisedTo(bgpd, family, prefix),
  ])
  // Those learned from neighbors are other nodes' announcements.
  const own = paths.find((path) => path.peer === '')
  const neighbors = sessions
    .filter((session) => session.family === family)
    .map(
      ({ neighbor, hostname, remoteAs, state }): NeighborState => ({
        neighbor,
        ...(hostname === undefined ? {} : { hostname }),
        remoteAs,
        session: state,
        isSent: own !== undefined && sentTo.has(neighbor),
      }),
    )
  if (own === undefined) return { ...base, neighbors }
  const { communities, largeCommunities, extendedCommunities, localPreference } = own
  const route = {
    communities,
    largeCommunities,
    extendedCommunities,
    ...(localPreference === undefined ? {} : { localPreference }),
  }
  const unweighted = unweightedNeighbors(paths)
  return {
    ...base,
    route,
    neighbors,
    ...(unweighted.length === 0 ? {} : { unweightedNeighbors: unweighted }),
  }
}

/** bgpd names the peers that the best path of a prefix is sent to. */
async function readAdvertisedTo(
  bgpd: Asked['bgpd'],
  family: BgpFamily,
  prefix: string,
): Promise<Set<string>> {
  const raw = asRecord(await showJson(bgpd, `show bgp ${family} unicast ${prefix} json`))
  const peers = Object.entries(asRecord(raw.advertisedTo))
  return new Set(peers.flatMap(([peer, value]) => [peer, asText(asRecord(value).interface)]).filter(Boolean))
}

function problemOf({ reconciler, cluster }: Asked): NodeExplanation['problem'] {
  if (!cluster.isKnown) {
    return {
      code: 'api-not-read',
      message: 'the API has not been read completely: nothing is announced or withdrawn until it has',
    }
  }
  if (!reconciler.isBgpdUp) {
    return { code: 'bgpd-down', message: 'bgpd does not answer: nothing can be announced from this node' }
  }
  const error = reconciler.lastError
  if (error === undefined) return undefined
  const { code, message, hint } = error
  return { code, message, ...(hint === undefined ? {} : { hint }) }
}
