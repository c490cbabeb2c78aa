/** The prefix sets that the policies of one site match on. */
import type { Intent, PeerIntent, PodSegment, Segment, SiteIntent } from '../intent/model.ts'
import { bitsOf } from '../net/address.ts'
import { formatPrefix, type Prefix } from '../net/prefix.ts'
import type { PrefixEntry, PrefixSet } from './model.ts'

/** Local names of the sets; the plan's key is `<site>.<name>`. */
export const sets = {
  switches: 'SWITCHES',
  nodes: 'NODES',
  pods: 'PODS',
  /** Host routes of the site's own service pool. */
  services: 'SERVICES',
  globalServices: 'GLOBAL-SERVICES',
  /** Host routes of every pool that the site may announce: its own and the global one. */
  ownServices: 'OWN-SERVICES',
  remoteServices: 'REMOTE-SERVICES',
  /** The site's node and pod segments, as one prefix each. */
  aggregates: 'AGGREGATES',
  /** Those of them that other sites learn. */
  carried: 'CARRIED',
  remoteAggregates: 'REMOTE-AGGREGATES',
  servicePools: 'SERVICE-POOLS',
  /** What external peers of any site may bring in. */
  external: 'EXTERNAL',
  default: 'DEFAULT',
  /** Everything that may exist inside the site. */
  fabric: 'FABRIC',
} as const

export function receiveSet(peer: PeerIntent): string {
  return `RECEIVE-${peer.name}`
}

/** All sets of a site by plan key; empty ones are left out, and so are policy terms that would match on them. */
export function prefixSetsOf(intent: Intent, site: SiteIntent): Record<string, PrefixSet> {
  const remote = intent.sites.filter((other) => other !== site)
  const carries = (segment: 'nodes' | 'pods' | 'services') => intent.dci.carry.includes(segment)
  const { addresses } = site
  const aggregatesOf = (of: SiteIntent) => [
    ...(carries('nodes') ? exactly(of.addresses.nodes) : []),
    ...(carries('pods') ? exactly(of.addresses.pods) : []),
  ]
  const globalServices = intent.globalServices === null ? [] : hosts(intent.globalServices)
  const ownServices = [...hosts(addresses.services), ...globalServices]
  const remoteServices = carries('services') ? remote.flatMap((other) => hosts(other.addresses.services)) : []
  const external = distinct(intent.peers.flatMap((peer) => peer.receive.map(exact)))
  const entries: Record<string, PrefixEntry[]> = {
    [sets.switches]: hosts(addresses.switches),
    [sets.nodes]: hosts(addresses.nodes),
    [sets.pods]: podPrefixes(addresses.pods),
    [sets.services]: hosts(addresses.services),
    [sets.globalServices]: globalServices,
    [sets.ownServices]: ownServices,
    [sets.remoteServices]: remoteServices,
    [sets.aggregates]: [...exactly(addresses.nodes), ...exactly(addresses.pods)],
    [sets.carried]: carries('nodes') && carries('pods') ? [] : aggregatesOf(site),
    [sets.remoteAggregates]: remote.flatMap(aggregatesOf),
    [sets.servicePools]: [
      ...exactly(addresses.services),
      ...(intent.globalServices === null ? [] : exactly(intent.globalServices)),
    ],
    [sets.external]: external,
    [sets.default]: defaults(addresses),
    [sets.fabric]: [
      ...hosts(addresses.switches),
      ...hosts(addresses.nodes),
      ...podPrefixes(addresses.pods),
      ...ownServices,
      ...remoteServices,
      ...remote.flatMap(aggregatesOf),
      ...external,
    ],
  }
  for (const peer of intent.peers.filter((candidate) => candidate.site === site.name)) {
    entries[receiveSet(peer)] = peer.receive.map(exact)
  }
  return Object.fromEntries(
    Object.entries(entries)
      .filter(([, list]) => list.length > 0)
      .map(([name, list]) => [`${site.name}.${name}`, { entries: list }]),
  )
}

function prefixesOf(segment: Segment): Prefix[] {
  return segment.v6 === null ? [segment.v4] : [segment.v4, segment.v6]
}

function exact(prefix: Prefix): PrefixEntry {
  return { prefix: formatPrefix(prefix) }
}

function exactly(segment: Segment): PrefixEntry[] {
  return prefixesOf(segment).map(exact)
}

/** Host routes inside the segment, and nothing shorter. */
export function hosts(segment: Segment): PrefixEntry[] {
  return prefixesOf(segment).map((prefix) => ({ prefix: formatPrefix(prefix), ge: bitsOf(prefix.family) }))
}

function podPrefixes(pods: PodSegment): PrefixEntry[] {
  return prefixesOf(pods).map((prefix) => {
    const length = prefix.family === 4 ? pods.lengthPerNode.v4 : pods.lengthPerNode.v6!
    return { prefix: formatPrefix(prefix), ge: length, le: length }
  })
}

function defaults(addresses: SiteIntent['addresses']): PrefixEntry[] {
  return addresses.nodes.v6 === null
    ? [{ prefix: '0.0.0.0/0' }]
    : [{ prefix: '0.0.0.0/0' }, { prefix: '::/0' }]
}

function distinct(entries: PrefixEntry[]): PrefixEntry[] {
  return [...new Map(entries.map((entry) => [entry.prefix, entry])).values()]
}
