/*
 * What a router does with a packet: the longest matching route of its own interfaces, its static and kernel routes,
 * or BGP's, and the shares of its next hops.
 *
 * Shares follow link bandwidths as FRR turns them into the kernel's weights: a percentage, rounded down, at least 1,
 * and only when every equal path carries one (`bgp bestpath bandwidth` can say otherwise).
 */
import { parseAddress } from '../../net/address.ts'
import { contains, hostPrefix, parsePrefix } from '../../net/prefix.ts'
import { type ControlPlane, isLocal, type Path, type TableEntry } from './control-plane.ts'
import type { RouterModel } from './router-model.ts'
import { interfaceTowards } from './sessions.ts'

export interface NextHop {
  interface: string
  router: string
  /** Relative to the other next hops of the route. */
  weight: number
}

/** Where a packet goes from here. */
export type Forwarding =
  | { kind: 'forward'; prefix: string; nextHops: NextHop[]; source: 'bgp' | 'static' }
  /** The router has the address itself, or the subnet it lies in. */
  | { kind: 'deliver'; prefix: string; via: string }
  /** An aggregate or blackhole route takes it. */
  | { kind: 'discard'; prefix: string; via: string }
  | { kind: 'no route' }

/** Next hops of a table entry with their weights; none for routes of the router's own. */
export function nextHopsOf(router: RouterModel, entry: TableEntry): NextHop[] {
  const paths = entry.decision.multipath.filter(({ from }) => from !== null)
  const weights = weightsOf(router, paths)
  return paths.flatMap(({ from }, index) => {
    const weight = weights[index]!
    return from === null || weight === 0
      ? []
      : [{ interface: from.interface, router: from.remote.router.name, weight }]
  })
}

function weightsOf({ bgp }: RouterModel, paths: readonly Path[]): number[] {
  const bandwidths = paths.map(({ route }) => route.bandwidth)
  const present = bandwidths.filter((bandwidth) => bandwidth !== null)
  const isWeighted =
    paths.length > 1 &&
    bgp.bandwidth !== 'ignore' &&
    (present.length === paths.length || (bgp.bandwidth !== 'all-or-none' && present.length > 0))
  if (!isWeighted) return paths.map(() => 1)
  const total = present.reduce((sum, bandwidth) => sum + bandwidth, 0)
  return bandwidths.map((bandwidth) => {
    if (bandwidth === null) return bgp.bandwidth === 'skip-missing' ? 0 : 1
    return Math.max(1, Math.floor((bandwidth * 100) / total))
  })
}

/** What a router does with packets to an address. */
export function forward(plane: ControlPlane, router: RouterModel, address: string): Forwarding {
  const parsed = parseAddress(address)
  if (parsed === null) return { kind: 'no route' }
  const host = hostPrefix(parsed)
  const own = plane
    .ownRoutes(router.name)
    .map((route) => ({ ...route, length: parsePrefix(route.prefix).length }))
    .filter(({ prefix }) => contains(parsePrefix(prefix), host))
    .sort((a, b) => b.length - a.length)[0]
  for (const prefix of plane.covering(address)) {
    const { length } = parsePrefix(prefix)
    if (own !== undefined && own.length >= length) break
    const entry = plane.table(prefix).entries.get(router.name)
    if (entry === undefined) continue
    if (!isLocal(entry))
      return { kind: 'forward', prefix, nextHops: nextHopsOf(router, entry), source: 'bgp' }
    if (entry.decision.best.source === 'aggregate') return { kind: 'discard', prefix, via: 'aggregate' }
    // `network` without import check announces what the router may not have: then the next shorter route counts.
    if (isHost(prefix)) return { kind: 'deliver', prefix, via: 'announced here' }
  }
  if (own === undefined) return { kind: 'no route' }
  if (own.via === 'blackhole') return { kind: 'discard', prefix: own.prefix, via: 'blackhole' }
  if (own.source !== 'static') return { kind: 'deliver', prefix: own.prefix, via: own.via }
  return forwardStatic(plane, router, own.prefix, own.via)
}

function isHost(prefix: string): boolean {
  return prefix.endsWith(prefix.includes(':') ? '/128' : '/32')
}

/** A static route to a neighbouring address or over an interface: whoever stands at the other end. */
function forwardStatic(plane: ControlPlane, router: RouterModel, prefix: string, via: string): Forwarding {
  const name = parseAddress(via) === null ? via : interfaceTowards(router, via)
  const link = plane.links.find(({ a, b }) =>
    [a, b].some((end) => end.router === router.name && end.interface === name),
  )
  if (link === undefined || name === null) return { kind: 'deliver', prefix, via }
  const far = link.a.router === router.name ? link.b : link.a
  return {
    kind: 'forward',
    prefix,
    nextHops: [{ interface: name, router: far.router, weight: 1 }],
    source: 'static',
  }
}
