/**
 * The Plan: every device, link, session, address, AS number, filter and policy of the fabric, as plain data.
 *
 * Everything left of it (intent) is parsing; everything right of it (render, simulate, lab, agent) is a function of it.
 * It is JSON: addresses and prefixes are canonical text, references are names, nothing is shared by identity.
 */
import type {
  Attachment,
  BfdProfile,
  BgpTimers,
  Expectation,
  FrrRelease,
  LinkClass,
  Scope,
} from '../intent/model.ts'
import type { roles } from './roles.ts'

export interface Plan {
  name: string
  frr: FrrRelease
  ecmpHash: 'l3' | 'l4' | 'inner'
  /** Agents take a dead link out of the node's multipath routes ahead of FRR. */
  fastLocalRepair: boolean
  sites: PlannedSite[]
  devices: Device[]
  links: Link[]
  sessions: Session[]
  /**
   * By name; sessions and originations refer to them. A name is `<site>.<LOCAL-NAME>`: a router knows its own site only,
   * so its configuration uses the local name. The same holds for prefix sets.
   */
  policies: Record<string, RoutePolicy>
  prefixSets: Record<string, PrefixSet>
  /** By name. Large communities, RFC 8092: `<administrator>:<function>:<value>`. */
  communities: Record<string, string>
  /** By name, as many as link classes in use (and one more per override). */
  bfdProfiles: Record<string, BfdProfile>
  clusters: PlannedCluster[]
  /** Pools that several sites announce; empty when the intent has none. */
  globalServices: ServicePool[]
  capacity: CapacityRow[]
  scale: ScaleRow[]
  expect: Expectation[]
}

export interface PlannedSite {
  name: string
  /** Value of the site-of-origin community. */
  id: number
  switches: string[]
  nodes: string[]
  pods: string[]
  services: ServicePool[]
}

export interface ServicePool {
  prefix: string
  scope: Scope
}

export type Role = (typeof roles)[number]

export interface Device {
  name: string
  hostname: string
  role: Role
  /** Null for external peers. */
  site: string | null
  pod: string | null
  rack: string | null
  plane: number | null
  /** 0 nodes, 1 leaves and border leaves, 2 spines, 3 super-spines, 4 DCI and edge routers, 5 external. */
  tier: number
  /** Place within its tier and site, from 0, stable: where a drawing puts it. */
  position: number
  asn: number
  routerId: string
  /** Host prefixes on lo: IPv4 first, IPv6 in dual-stack sites. */
  loopbacks: string[]
  /** Nodes: the pod prefix of each family. */
  podCidrs: string[]
  /** Nodes: service addresses announced by configuration, host prefixes. */
  vips: string[]
  /** Nodes: how they attach to their leaves. */
  attachment: Attachment | null
  interfaces: Interface[]
  originates: Origination[]
  /** Policies that no session uses but the agent refers to, such as `dc1.VIP-edge`. */
  extraPolicies: string[]
  maximumPaths: number
  /** Seed of the kernel's ECMP hash: it differs per device, because equal seeds on consecutive tiers polarise. */
  hashSeed: number
  /** Place in weft.yaml that asked for it. */
  path: string
}

export interface Interface {
  name: string
  link: string
  peerDevice: string
  peerInterface: string
  /** Addresses with prefix length; empty on unnumbered links. */
  addresses: string[]
}

/** A prefix that a device brings into BGP. */
export interface Origination {
  prefix: string
  /**
   * `network`: always. `aggregate`: while a more specific route exists; the rest is discarded.
   * `kernel`: while the kernel has exactly this route, connected or not (pod prefixes); origin is set to IGP.
   */
  via: 'network' | 'aggregate' | 'kernel'
  /** Policy that sets its attributes; null leaves them alone. */
  policy: string | null
}

export interface Link {
  /** `<deviceA>--<deviceB>`. */
  id: string
  class: LinkClass
  a: LinkEnd
  b: LinkEnd
}

export interface LinkEnd {
  device: string
  interface: string
}

/** One BGP session over one link, seen from both ends. End `a` is the end nearer to the spines. */
export interface Session {
  /** Id of its link. */
  link: string
  class: LinkClass
  type: 'ebgp' | 'ibgp'
  /** Unnumbered sessions use link-local addresses and carry IPv4 with IPv6 next hops (RFC 8950). */
  unnumbered: boolean
  families: ('ipv4' | 'ipv6')[]
  timers: BgpTimers
  /** Name of the BFD profile, or null for none. */
  bfd: string | null
  gtsm: boolean
  password: string | null
  a: SessionEnd
  b: SessionEnd
}

/** What one end of a session does; `import` and `export` are seen from this end. */
export interface SessionEnd {
  device: string
  interface: string
  /** Peer's address on numbered links. */
  neighborAddress: string | null
  /** Peer group: the sessions of a device that share everything but the exact filters below. */
  group: string
  import: string
  export: string
  /** Prefix set that is checked before the import policy: what exactly this neighbour may announce. */
  accept: PrefixEntry[] | null
  /** AS path, as a regular expression, that is checked before the import policy. */
  acceptAsPath: string | null
  /** Session goes down, and stays down, when the neighbour announces more (RFC 4271 §6.7, Cease). */
  maximumPrefixes: number | null
  routeReflectorClient: boolean
  nextHopSelf: boolean
  /** Strip private AS numbers towards the outside. */
  removePrivateAs: boolean
  /** Send a default route while this policy matches some route in the table; null never. */
  defaultOriginate: string | null
}

export interface PrefixSet {
  entries: PrefixEntry[]
}

/** Matches prefixes inside `prefix` with a length from `ge` to `le`; exactly `prefix` when neither is given. */
export interface PrefixEntry {
  prefix: string
  ge?: number
  le?: number
}

/** First matching term decides; a route that matches none is denied. */
export interface RoutePolicy {
  terms: PolicyTerm[]
}

export interface PolicyTerm {
  action: 'permit' | 'deny'
  match: PolicyMatch
  set: PolicyActions
}

/** All conditions that are given must hold. */
export interface PolicyMatch {
  /** Prefix lies in this set (a set holds one family or both). */
  prefixSet?: string
  /** Route carries at least one of these communities. */
  anyCommunity?: string[]
  /** Route is originated by this device itself: its AS path is empty. */
  local?: true
  /** Route carries GRACEFUL_SHUTDOWN (RFC 8326): its announcer is being drained. */
  gracefulShutdown?: true
  localPreference?: number
}

export interface PolicyActions {
  addCommunities?: string[]
  /** Drops whatever large communities the route carries, then sets these. */
  replaceCommunities?: string[]
  localPreference?: number
  /** Adds or takes away GRACEFUL_SHUTDOWN; FRR gives what still carries it after import preference 0. */
  gracefulShutdown?: 'add' | 'remove'
  /** Times that the own AS number is put in front once more. */
  prepend?: number
}

export interface PlannedCluster {
  name: string
  site: string
  nodes: string[]
  controlPlane: string[]
  /** Reached in-band at the first control-plane node's loopback. */
  apiUrl: string
}

/** One line of the capacity table: a pool of a site. */
export interface CapacityRow {
  /** Null for what all sites share. */
  site: string | null
  resource: string
  used: number
  total: number
  /** When the last one is taken, in the user's words: `after 12 more compute racks`. Null when nothing limits it. */
  runsOut: string | null
}

/** What the routers of one role in one site have to hold. */
export interface ScaleRow {
  site: string
  role: Role
  devices: number
  /** Of the busiest one. */
  sessions: number
  /** Prefixes of one family when everything is up; service addresses come on top. */
  prefixes: number
}
