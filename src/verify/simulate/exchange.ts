/*
 * What happens to a route on its way over one session: the sender's export, the wire, the receiver's import, in FRR's
 * order. Whatever refuses the route is named, so that "why is it not there" has an answer.
 *
 * FRR has no split horizon between external neighbours: the best route also goes back to where it came from, and is
 * dropped there for the own AS number in its path.
 */

import type { Prefix } from '../../net/prefix.ts'
import { isPrivateAsn } from '../../net/private-asn.ts'
import { type BgpRoute, gracefulShutdown } from './bgp-route.ts'
import { applyRouteMap, isInAsPathList, isInPrefixList, type RouteMapContext } from './route-map.ts'
import type { Family } from './router-model.ts'
import type { SessionSide } from './sessions.ts'

/** Why a route did not pass. */
export interface Refusal {
  stage: 'export' | 'import'
  reason:
    | 'learned from an internal neighbour'
    | 'community forbids it'
    | 'more specific of a summary'
    | 'no policy (RFC 8212)'
    | 'prefix list'
    | 'AS-path list'
    | 'route map'
    | 'own AS number in the path'
    | 'own router ID or cluster ID'
    | 'path does not begin with the neighbour’s AS number'
  /** Name of the list or route map. */
  filter: string | null
  /** Entry of the route map that denied it; null when none matched. */
  sequence: number | null
}

export type Passage = { route: BgpRoute; refusal: null } | { route: null; refusal: Refusal }

/** What the sender chose, as far as its export looks at it. */
export interface Selected {
  route: BgpRoute
  /** Session that it was learned over; null for own routes. */
  from: SessionSide | null
  isSuppressed: boolean
  /** Sum of the bandwidths of all paths when every path has one, and their number. */
  multipaths: { cumulative: number; count: number }
}

export interface Subject {
  prefix: Prefix
  family: Family
}

const noAdvertise = '65535:65282'
const noExport = new Set(['65535:65281', '65535:65283'])

/** The route as it leaves `side`, or why it does not. */
export function exportRoute(side: SessionSide, selected: Selected, { prefix, family }: Subject): Passage {
  const { router, neighbor, remote } = side
  const config = neighbor.families[family]!
  const isExternal = side.type === 'ebgp'
  let { route } = selected
  const refuse = (reason: Refusal['reason'], filter: string | null = null, sequence: number | null = null) =>
    refused('export', reason, filter, sequence)

  if (route.communities.includes(noAdvertise)) return refuse('community forbids it')
  if (isExternal && route.communities.some((community) => noExport.has(community)))
    return refuse('community forbids it')
  if (selected.isSuppressed) return refuse('more specific of a summary')
  const isReflected = !isExternal && selected.from?.type === 'ibgp'
  if (isReflected) {
    const from = selected.from!
    const isClient = from.neighbor.families[family]!.routeReflectorClient || config.routeReflectorClient
    if (!isClient || from.remote.router === remote.router) return refuse('learned from an internal neighbour')
    if (route.originatorId !== null && route.originatorId === remote.router.routerId)
      return refuse('learned from an internal neighbour')
  }
  if (isExternal && router.bgp.requiresPolicy && !hasPolicy(side, family, 'out'))
    return refuse('no policy (RFC 8212)')
  if (config.prefixListOut !== null && !isInPrefixList(router, family, config.prefixListOut, prefix))
    return refuse('prefix list', config.prefixListOut)
  if (config.filterListOut !== null && !isInAsPathList(router, config.filterListOut, route.asPath))
    return refuse('AS-path list', config.filterListOut)

  const isOwn = selected.from === null
  // MED of others does not leave the AS, and a policy of an earlier router's bandwidth is just a value here.
  route = {
    ...route,
    med: isExternal && !isOwn ? null : route.med,
    asPath: isExternal ? withoutPrivate(side, family, route.asPath) : route.asPath,
    bandwidthIsSet: false,
  }
  if (config.asOverride && isExternal)
    route = {
      ...route,
      asPath: route.asPath.map((asn) => (asn === remote.router.asn ? router.asn : asn)),
    }
  if (config.routeMapOut !== null) {
    const context: RouteMapContext = {
      prefix,
      family,
      neighbor: neighbor.id,
      multipaths: selected.multipaths,
    }
    const result = applyRouteMap(router, config.routeMapOut, route, context)
    if (result.route === null) return refuse('route map', config.routeMapOut, result.entry?.sequence ?? null)
    // What is reflected passes or not, but is not changed (`bgp route-reflector allow-outbound-policy` is off).
    if (!isReflected) route = result.route
  }
  return { route: onTheWire(side, selected, route, family, isReflected), refusal: null }
}

function onTheWire(
  side: SessionSide,
  selected: Selected,
  route: BgpRoute,
  family: Family,
  isReflected: boolean,
): BgpRoute {
  const { router, neighbor, remote } = side
  const config = neighbor.families[family]!
  const isExternal = side.type === 'ebgp'
  const { standard, extended, large } = config.sendsCommunities
  const isSelf =
    isExternal ||
    selected.from === null ||
    neighbor.interface !== null ||
    config.nextHopSelf === 'force' ||
    (config.nextHopSelf === 'yes' && selected.from.type === 'ebgp')
  const isSummed = isSelf && !route.bandwidthIsSet && selected.multipaths.cumulative > 0
  return {
    ...route,
    asPath: isExternal ? [router.asn, ...route.asPath] : route.asPath,
    localPreference: isExternal ? remote.router.bgp.localPreference : route.localPreference,
    weight: 0,
    communities: standard ? route.communities : [],
    largeCommunities: large ? route.largeCommunities : [],
    bandwidth: !extended ? null : isSummed ? selected.multipaths.cumulative : route.bandwidth,
    bandwidthIsSet: false,
    nextHop: isSelf ? null : (route.nextHop ?? selected.from?.neighbor.address ?? null),
    originatorId: isReflected
      ? (route.originatorId ?? selected.from!.remote.router.routerId)
      : isExternal
        ? null
        : route.originatorId,
    clusterList: isReflected
      ? [router.bgp.clusterId ?? router.routerId ?? '', ...route.clusterList]
      : isExternal
        ? []
        : route.clusterList,
  }
}

/** The route as `side` (the receiver's end) takes it, or why it does not. */
export function importRoute(side: SessionSide, arrived: BgpRoute, { prefix, family }: Subject): Passage {
  const { router, neighbor, remote } = side
  const config = neighbor.families[family]!
  const isExternal = side.type === 'ebgp'
  const refuse = (reason: Refusal['reason'], filter: string | null = null, sequence: number | null = null) =>
    refused('import', reason, filter, sequence)

  if (isExternal && neighbor.enforcesFirstAs && arrived.asPath[0] !== remote.router.asn)
    return refuse('path does not begin with the neighbour’s AS number')
  if (arrived.asPath.filter((asn) => asn === router.asn).length > config.allowAsIn)
    return refuse('own AS number in the path')
  const ownIds = [router.routerId, router.bgp.clusterId ?? router.routerId]
  if (arrived.originatorId !== null && arrived.originatorId === router.routerId)
    return refuse('own router ID or cluster ID')
  if (arrived.clusterList.some((id) => ownIds.includes(id))) return refuse('own router ID or cluster ID')
  if (isExternal && router.bgp.requiresPolicy && !hasPolicy(side, family, 'in'))
    return refuse('no policy (RFC 8212)')
  if (config.prefixListIn !== null && !isInPrefixList(router, family, config.prefixListIn, prefix))
    return refuse('prefix list', config.prefixListIn)
  if (config.filterListIn !== null && !isInAsPathList(router, config.filterListIn, arrived.asPath))
    return refuse('AS-path list', config.filterListIn)

  let route: BgpRoute = config.weight === null ? arrived : { ...arrived, weight: config.weight }
  if (config.routeMapIn !== null) {
    const result = applyRouteMap(router, config.routeMapIn, route, { prefix, family, neighbor: neighbor.id })
    if (result.route === null) return refuse('route map', config.routeMapIn, result.entry?.sequence ?? null)
    route = result.route
  }
  // RFC 8326: what still carries it comes last.
  if (isExternal && route.communities.includes(gracefulShutdown)) route = { ...route, localPreference: 0 }
  return { route: { ...route, bandwidthIsSet: false }, refusal: null }
}

function hasPolicy({ neighbor }: SessionSide, family: Family, direction: 'in' | 'out'): boolean {
  const config = neighbor.families[family]!
  return direction === 'in'
    ? (config.routeMapIn ?? config.prefixListIn ?? config.filterListIn) !== null
    : (config.routeMapOut ?? config.prefixListOut ?? config.filterListOut) !== null
}

/** The receiver's own number stays in the path, private or not, so that it sees a loop. */
function withoutPrivate(
  { router, neighbor, remote }: SessionSide,
  family: Family,
  asPath: readonly number[],
): readonly number[] {
  const mode = neighbor.families[family]!.removePrivateAs
  if (mode === 'no') return asPath
  const isRemoved = (asn: number) => isPrivateAsn(asn) && asn !== remote.router.asn
  if (mode === 'replace') return asPath.map((asn) => (isRemoved(asn) ? router.asn : asn))
  // Without `all`, one public number in the path leaves it as it is.
  if (mode === 'only-private' && !asPath.every(isPrivateAsn)) return asPath
  return asPath.filter((asn) => !isRemoved(asn))
}

function refused(
  stage: Refusal['stage'],
  reason: Refusal['reason'],
  filter: string | null,
  sequence: number | null,
): Passage {
  return { route: null, refusal: { stage, reason, filter, sequence } }
}
