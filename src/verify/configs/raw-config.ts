/*
 * One file while it is being read: what was said so far, before defaults and peer groups are applied, and everything
 * that was not understood.
 */
import type {
  CommunityList,
  ExpressionEntry,
  Family,
  NeighborFamily,
  NeighborModel,
  PrefixListEntry,
  RouteMapEntry,
  RouterFamily,
  RouterInterface,
  StaticRoute,
} from '../simulate/router-model.ts'
import type { Statement } from './statements.ts'

export interface Unsupported {
  file: string
  line: number
  text: string
  why: string
}

/** Session settings, each only if it was written. */
export type RawSession = Partial<Omit<NeighborModel, 'id' | 'interface' | 'address' | 'group' | 'families'>>

export interface RawFamily extends Partial<NeighborFamily> {
  isActive?: boolean
}

export interface RawNeighbor extends RawSession {
  id: string
  isInterface: boolean
  group: string | null
  families: Record<Family, RawFamily>
}

export type Outcome = 'taken' | 'unknown' | Unknown | Enter
/** Recognised, but without a model for what it does. */
export interface Unknown {
  unsupported: string
}
/** The statement opens a section. */
export interface Enter {
  enter: Context
}

export type Context =
  | { kind: 'top' }
  | { kind: 'interface'; interface: RouterInterface }
  | { kind: 'bgp' }
  | { kind: 'family'; family: Family }
  | { kind: 'route-map'; entry: RouteMapEntry }
  | { kind: 'bfd' }
  /** A section that nothing here understands; its header has been listed. */
  | { kind: 'foreign' }

export interface RawConfig {
  file: string
  hostname: string | null
  release: { major: number; minor: number } | null
  profile: 'datacenter' | 'traditional' | null
  asn: number
  routerId: string | null
  interfaces: RouterInterface[]
  /** Interfaces that are shut down. */
  shut: Set<string>
  /** Description by interface. */
  descriptions: Map<string, string>
  staticRoutes: StaticRoute[]
  /** Switches of `router bgp`, each only if it was written. */
  options: Map<string, string | number | boolean>
  neighbors: Map<string, RawNeighbor>
  groups: Map<string, RawNeighbor>
  families: Record<Family, RouterFamily & { hasLimit: { ebgp: boolean; ibgp: boolean } }>
  prefixLists: Record<string, PrefixListEntry[]>
  asPathLists: Record<string, ExpressionEntry[]>
  communityLists: Record<string, CommunityList>
  largeCommunityLists: Record<string, CommunityList>
  routeMaps: Record<string, RouteMapEntry[]>
  /** Line of what is named, such as `route-map TO-SPINE 10` or `neighbor eth1`. */
  lines: Map<string, number>
  unsupported: Unsupported[]
  statements: number
}

/** Reads one statement in a context; `unknown` lets the enclosing section try. */
export type Reader<C extends Context = Context> = (
  config: RawConfig,
  statement: Statement,
  context: C,
) => Outcome

export function emptyConfig(file: string): RawConfig {
  return {
    file,
    hostname: null,
    release: null,
    profile: null,
    asn: 0,
    routerId: null,
    interfaces: [],
    shut: new Set(),
    descriptions: new Map(),
    staticRoutes: [],
    options: new Map(),
    neighbors: new Map(),
    groups: new Map(),
    families: { ipv4: emptyFamily(), ipv6: emptyFamily() },
    prefixLists: emptyRecord(),
    asPathLists: emptyRecord(),
    communityLists: emptyRecord(),
    largeCommunityLists: emptyRecord(),
    routeMaps: emptyRecord(),
    lines: new Map(),
    unsupported: [],
    statements: 0,
  }
}

/** Names come from files: one called `constructor` must not find anything. */
function emptyRecord<E>(): Record<string, E> {
  return Object.create(null) as Record<string, E>
}

function emptyFamily(): RawConfig['families']['ipv4'] {
  return {
    networks: [],
    aggregates: [],
    redistribute: [],
    maximumPaths: 0,
    maximumPathsIbgp: 0,
    hasLimit: { ebgp: false, ibgp: false },
  }
}

/** A number as FRR takes it, within bounds; null otherwise. */
export function readNumber(text: string | undefined, least: number, most: number): number | null {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return null
  const value = Number(text)
  return value >= least && value <= most ? value : null
}
