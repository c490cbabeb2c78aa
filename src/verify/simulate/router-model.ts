/*
 * One router as its FRR configuration describes it, in plain data: what the simulator reads.
 *
 * Two front ends make it: a device of a Plan (router-of-plan.ts), and FRR configuration text, rendered here or found
 * elsewhere (../configs). A test holds that both give the same model for everything Weft renders, so that a prediction
 * from the Plan is a prediction from the very text that routers load.
 *
 * Defaults are filled in by whoever makes the model: nothing here is "as the profile says" any more.
 */
export type Family = 'ipv4' | 'ipv6'

export interface RouterModel {
  name: string
  release: { major: number; minor: number }
  profile: 'datacenter' | 'traditional'
  /** 0 when the router has no BGP. */
  asn: number
  routerId: string | null
  interfaces: RouterInterface[]
  staticRoutes: StaticRoute[]
  bgp: BgpOptions
  families: Record<Family, RouterFamily>
  neighbors: NeighborModel[]
  /** By `<family> <name>`. */
  prefixLists: Record<string, PrefixListEntry[]>
  asPathLists: Record<string, ExpressionEntry[]>
  communityLists: Record<string, CommunityList>
  largeCommunityLists: Record<string, CommunityList>
  routeMaps: Record<string, RouteMapEntry[]>
}

export interface RouterInterface {
  name: string
  /** With prefix length, as written. */
  addresses: string[]
}

export interface StaticRoute {
  prefix: string
  /** An address, an interface, or `blackhole`. */
  via: string
}

export interface BgpOptions {
  /** RFC 8212: without policies an eBGP session passes nothing. */
  requiresPolicy: boolean
  multipathRelax: boolean
  /** `network` announces only what the routing table has. */
  importCheck: boolean
  deterministicMed: boolean
  alwaysCompareMed: boolean
  compareRouterId: boolean
  ignoreAsPath: boolean
  localPreference: number
  /** What happens when only some of the equal paths carry a bandwidth. */
  bandwidth: 'all-or-none' | 'ignore' | 'skip-missing' | 'default-weight'
  clusterId: string | null
}

export interface RouterFamily {
  networks: { prefix: string; routeMap: string | null }[]
  aggregates: { prefix: string; summaryOnly: boolean; routeMap: string | null }[]
  redistribute: { source: RedistributedSource; routeMap: string | null }[]
  maximumPaths: number
  maximumPathsIbgp: number
}

export type RedistributedSource = 'connected' | 'kernel' | 'static'

export interface NeighborModel {
  /** FRR's name of it: the interface of an unnumbered neighbour, else its address. */
  id: string
  interface: string | null
  address: string | null
  group: string | null
  description: string | null
  remoteAs: number | 'internal' | 'external' | null
  isShutdown: boolean
  isPassive: boolean
  password: string | null
  /** GTSM: hops that packets may have come; null when it is off. */
  ttlSecurityHops: number | null
  multihop: number | null
  /** Name of the BFD profile, `default` without one; null without BFD. */
  bfd: string | null
  keepaliveSeconds: number
  holdSeconds: number
  enforcesFirstAs: boolean
  families: Record<Family, NeighborFamily | null>
}

export interface NeighborFamily {
  routeMapIn: string | null
  routeMapOut: string | null
  prefixListIn: string | null
  prefixListOut: string | null
  filterListIn: string | null
  filterListOut: string | null
  routeReflectorClient: boolean
  nextHopSelf: 'no' | 'yes' | 'force'
  removePrivateAs: 'no' | 'only-private' | 'all' | 'replace'
  defaultOriginate: { routeMap: string | null } | null
  maximumPrefixes: number | null
  /** Times the own AS number may stand in a received path. */
  allowAsIn: number
  asOverride: boolean
  weight: number | null
  sendsCommunities: { standard: boolean; extended: boolean; large: boolean }
}

export interface PrefixListEntry {
  sequence: number
  action: 'permit' | 'deny'
  /** `any` matches every prefix of the family. */
  prefix: string
  ge: number | null
  le: number | null
}

export interface ExpressionEntry {
  sequence: number
  action: 'permit' | 'deny'
  expression: string
}

export interface CommunityList {
  kind: 'standard' | 'expanded'
  /** Standard: all communities of an entry must be there. Expanded: one expression. */
  entries: { sequence: number; action: 'permit' | 'deny'; values: string[] }[]
}

export interface RouteMapEntry {
  sequence: number
  action: 'permit' | 'deny'
  matches: MatchTerm[]
  sets: SetTerm[]
  /** Route map that must permit the route as well; what it sets stays. */
  call: string | null
  /** Where to go on after a match instead of ending: the next entry, or the first from this number on. */
  onMatch: 'next' | number | null
}

export type MatchTerm =
  | { on: 'prefix-list'; family: Family; list: string }
  | { on: 'as-path'; list: string }
  | { on: 'community' | 'large-community'; list: string; exact: boolean }
  | { on: 'local-preference' | 'metric'; value: number }
  | { on: 'origin'; value: Origin }
  | { on: 'interface' | 'peer'; value: string }
  /** Not understood: the configuration reader has listed its line, and the verdict is open. */
  | { on: 'unsupported'; text: string }

export type SetTerm =
  | { set: 'local-preference' | 'weight' | 'metric'; value: number }
  | { set: 'origin'; value: Origin }
  | { set: 'prepend'; asns: number[] }
  | { set: 'prepend-last'; times: number }
  | { set: 'exclude'; asns: number[] }
  /** An empty list without `additive` is `none`. */
  | { set: 'community' | 'large-community'; values: string[]; additive: boolean }
  | { set: 'delete-communities' | 'delete-large-communities'; list: string }
  | { set: 'bandwidth'; megabits: number | 'cumulative' | 'num-multipaths' }
  | { set: 'unsupported'; text: string }

export type Origin = 'igp' | 'egp' | 'incomplete'

/** A cable between two routers. */
export interface RouterLink {
  a: { router: string; interface: string }
  b: { router: string; interface: string }
}

/** A neighbour in one family with nothing configured but its activation. */
export const plainNeighborFamily: NeighborFamily = {
  routeMapIn: null,
  routeMapOut: null,
  prefixListIn: null,
  prefixListOut: null,
  filterListIn: null,
  filterListOut: null,
  routeReflectorClient: false,
  nextHopSelf: 'no',
  removePrivateAs: 'no',
  defaultOriginate: null,
  maximumPrefixes: null,
  allowAsIn: 0,
  asOverride: false,
  weight: null,
  sendsCommunities: { standard: true, extended: true, large: true },
}
