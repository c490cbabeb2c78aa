/**
 * What the user wants, after parsing: every default filled in, every count expanded into names.
 *
 * `Intent` is the only thing the planner reads. Each element that the user named or counted carries `path`, the place
 * in weft.yaml it comes from (`sites.dc1.fabric.racks.compute`), so that whatever is found wrong later can still
 * point at the line that asked for it.
 */
import type { Address } from '../net/address.ts'
import type { Prefix } from '../net/prefix.ts'

export interface Intent {
  name: string
  /** FRR release the configuration is written for, such as 8.4 or 10.3: picks syntax, defaults and work-arounds. */
  frr: FrrRelease
  sites: SiteIntent[]
  dci: DciIntent
  peers: PeerIntent[]
  clusters: ClusterIntent[]
  /** Service addresses that several sites may announce at once (anycast between sites). */
  globalServices: ServicePoolIntent | null
  bgp: BgpIntent
  bfd: Record<LinkClass, BfdProfile | null>
  ecmp: EcmpIntent
  overrides: OverrideIntent[]
  expect: Expectation[]
}

export interface FrrRelease {
  major: number
  minor: number
}

/** Kinds of link; timers and BFD are chosen per kind. */
export type LinkClass = 'node' | 'fabric' | 'border' | 'dci' | 'edge'

export type Attachment = 'ebgp' | 'ibgp'

export interface BgpIntent {
  /** How nodes attach to their leaves, unless a rack type says otherwise. */
  attachment: Attachment
  asn: { first: number; last: number }
  timers: BgpTimers
  /** ECMP width that every router allows. */
  maximumPaths: number
  /** RFC 5082: accept only packets sent with hop limit 255, so that nobody off the link can speak to bgpd. */
  gtsm: boolean
  /** What a node learns from its leaves: every route, a default route only, or by size of the site. */
  nodeRoutes: 'auto' | 'full' | 'default'
}

export interface BgpTimers {
  keepaliveSeconds: number
  holdSeconds: number
}

export interface BfdProfile {
  transmitMilliseconds: number
  receiveMilliseconds: number
  multiplier: number
}

export interface EcmpIntent {
  /** Which fields of a packet choose its path: addresses only (l3), with ports (l4), or the inner packet's (inner). */
  hash: 'l3' | 'l4' | 'inner'
  /** Nodes take a dead link out of all routes as soon as BFD says so, ahead of FRR. */
  fastLocalRepair: boolean
}

export interface SiteIntent {
  name: string
  path: string
  addresses: SiteAddresses
  fabric: FabricIntent
  /** Routers towards the other sites; 0 when the site stands alone. */
  dciRouters: number
  edge: EdgeIntent | null
}

export interface SiteAddresses {
  /** One host address per switch and router. */
  switches: Segment
  /** One host address per Kubernetes node. */
  nodes: Segment
  /** One prefix of `lengthPerNode` bits per Kubernetes node. */
  pods: PodSegment
  services: ServicePoolIntent
}

/** An IPv4 prefix, and an IPv6 one in dual-stack sites. */
export interface Segment {
  path: string
  v4: Prefix
  v6: Prefix | null
}

export interface PodSegment extends Segment {
  lengthPerNode: { v4: number; v6: number | null }
}

export interface ServicePoolIntent extends Segment {
  /** How far a service address travels when the Service itself does not say. */
  scope: Scope
}

/** How far a service address travels: its rack, its site, every site, or out of the edge as well. */
export type Scope = 'rack' | 'site' | 'global' | 'edge'

export interface FabricIntent {
  path: string
  /** Spines per pod; with planes, spine k of every pod belongs to plane k. */
  spines: number
  superSpines: { planes: number; perPlane: number } | null
  pods: PodIntent[]
  borderLeaves: number
}

/** A group of racks under one set of spines; a three-stage fabric is one pod. */
export interface PodIntent {
  /** Empty in a three-stage fabric, where device names do not need it. */
  name: string
  path: string
  racks: RackIntent[]
}

export interface RackIntent {
  name: string
  path: string
  leaves: number
  nodes: NodeIntent[]
  attachment: Attachment
  /** Interfaces of a node, in the order of the rack's leaves. */
  uplinks: string[]
}

export interface NodeIntent {
  /** Device name: `<rack>-n3` when counted, verbatim when the user listed names. */
  name: string
  path: string
}

export interface EdgeIntent {
  path: string
  routers: number
  /** AS number of the site's edge routers; null lets the planner choose a private one. */
  asn: number | null
}

export interface DciIntent {
  path: string
  /** Which segments of a site the other sites learn. */
  carry: ('nodes' | 'pods' | 'services')[]
}

/** A neighbour network beyond the edge: an Internet provider, a campus, a firewall pair. */
export interface PeerIntent {
  name: string
  path: string
  site: string
  asn: number
  /** Addresses for one /31 (IPv6: /127) per edge router, or `unnumbered`. */
  link: Segment | 'unnumbered'
  password: string | null
  gtsm: boolean
  /** What it is told. `services` are host routes, `service-pools` the pools as aggregates. */
  send: ('services' | 'service-pools' | 'nodes' | 'pods' | 'default')[]
  /** What is accepted from it, and nothing else. The default route is the prefix of length 0. */
  receive: Prefix[]
  maximumPrefixes: number
}

export interface ClusterIntent {
  name: string
  path: string
  site: string
  /** Nodes that run the control plane, by device name. */
  controlPlane: string[]
  apiPort: number
}

/** Exceptions to the rules, by selector. Later ones win. */
export interface OverrideIntent {
  path: string
  select: Selector
  set: OverrideSettings
}

export interface Selector {
  /** Device name, `*` matches any run of characters. */
  device: string | null
  role: string | null
  site: string | null
  rack: string | null
}

export interface OverrideSettings {
  hostname?: string
  asn?: number
  loopback?: Address
  loopback6?: Address
  podCidr?: Prefix
  podCidr6?: Prefix
  /** Service addresses that the node announces by configuration, without an agent. */
  vips?: Address[]
  maximumPaths?: number
  /** For the sessions of the selected devices. */
  timers?: BgpTimers
  /** For the links of the selected devices; null turns BFD off. */
  bfd?: BfdProfile | null
}

/** What must hold; judged by verify and drills. Endpoints are written as `dc1.nodes`, `peers`, `services` or a name. */
export type Expectation =
  | { kind: 'reach'; path: string; from: string; to: string[]; minimumWidth: number }
  | { kind: 'isolate'; path: string; from: string; to: string[] }
  | {
      kind: 'survive'
      path: string
      fail: ('link' | 'device' | 'site')[]
      count: number
      outageMilliseconds: number | null
    }
