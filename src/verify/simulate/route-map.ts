/*
 * Route maps and the lists they read, evaluated as FRR does.
 *
 * FRR's habits that matter: a list that does not exist matches nothing, and used directly as a neighbour's filter
 * denies everything; a route that no entry matches is denied; a standard community list entry with several communities
 * wants all of them; a list that ends without a match denies; `call` must permit, and keeps what it set; after
 * `on-match next` the last entry looked at decides, so that a route which only the first matched is denied; prefix-list
 * entries without `ge` and `le` match one length only.
 */
import { contains, type Prefix, parsePrefix } from '../../net/prefix.ts'
import { ExpressionError, matchesExpression } from './as-path-expression.ts'
import type { BgpRoute } from './bgp-route.ts'
import type {
  CommunityList,
  Family,
  MatchTerm,
  PrefixListEntry,
  RouteMapEntry,
  RouterModel,
  SetTerm,
} from './router-model.ts'

/** What a route map is asked about, beside the route itself. */
export interface RouteMapContext {
  prefix: Prefix
  family: Family
  /** Interface that a connected route belongs to. */
  interface?: string
  /** Neighbour by which the route comes or to which it goes. */
  neighbor?: string
  /** For `set extcommunity bandwidth cumulative` and `num-multipaths`. */
  multipaths?: { cumulative: number; count: number }
}

/** What came out, and which entry decided: null when none matched. */
export interface RouteMapResult {
  route: BgpRoute | null
  entry: { map: string; sequence: number; action: 'permit' | 'deny' } | null
}

/** A route map that calls itself would not end; nobody nests them deeper than this. */
const deepestCall = 16

/** Applies a route map of a router; one that does not exist denies. */
export function applyRouteMap(
  router: RouterModel,
  name: string,
  route: BgpRoute,
  context: RouteMapContext,
  depth = 0,
): RouteMapResult {
  const entries = router.routeMaps[name]
  if (entries === undefined || depth > deepestCall) return { route: null, entry: null }
  let current = route
  let result: RouteMapResult = { route: null, entry: null }
  let from = 0
  for (const entry of entries) {
    if (entry.sequence < from) continue
    if (!entry.matches.every((term) => matches(router, term, current, context))) {
      // Whoever was told to go on needs a further match: without one the route is denied after all.
      result = { route: null, entry: null }
      continue
    }
    const decided = { map: name, sequence: entry.sequence, action: entry.action }
    if (entry.action === 'deny') return { route: null, entry: decided }
    const changed = permit(router, entry, current, context, depth)
    if (changed === null) return { route: null, entry: decided }
    current = changed
    result = { route: current, entry: decided }
    if (entry.onMatch === null) return result
    from = entry.onMatch === 'next' ? entry.sequence + 1 : entry.onMatch
  }
  return result
}

function permit(
  router: RouterModel,
  entry: RouteMapEntry,
  route: BgpRoute,
  context: RouteMapContext,
  depth: number,
): BgpRoute | null {
  const changed = entry.sets.reduce((before, term) => set(router, term, before, context), route)
  return entry.call === null ? changed : applyRouteMap(router, entry.call, changed, context, depth + 1).route
}

function matches(router: RouterModel, term: MatchTerm, route: BgpRoute, context: RouteMapContext): boolean {
  switch (term.on) {
    case 'prefix-list':
      return term.family === context.family && isInPrefixList(router, term.family, term.list, context.prefix)
    case 'as-path':
      return isInAsPathList(router, term.list, route.asPath)
    case 'community':
      return isInCommunityList(router.communityLists[term.list], route.communities, term.exact)
    case 'large-community':
      return isInCommunityList(router.largeCommunityLists[term.list], route.largeCommunities, term.exact)
    case 'local-preference':
      return route.localPreference === term.value
    case 'metric':
      return (route.med ?? 0) === term.value
    case 'origin':
      return route.origin === term.value
    case 'interface':
      return context.interface === term.value
    case 'peer':
      return context.neighbor === term.value
    case 'unsupported':
      return false
  }
}

/** Is the prefix permitted by a list? One that does not exist permits nothing. */
export function isInPrefixList(router: RouterModel, family: Family, name: string, prefix: Prefix): boolean {
  const list = router.prefixLists[`${family} ${name}`]
  return list?.find((entry) => entryCovers(entry, prefix))?.action === 'permit'
}

/** Is the path permitted by a list? One that does not exist permits nothing. */
export function isInAsPathList(router: RouterModel, name: string, asPath: readonly number[]): boolean {
  const text = asPath.join(' ')
  const found = router.asPathLists[name]?.find(({ expression }) => safelyMatches(expression, text))
  return found?.action === 'permit'
}

function safelyMatches(expression: string, text: string): boolean {
  try {
    return matchesExpression(expression, text)
  } catch (error) {
    // FRR refuses the line, so the list goes without it; the reader of the configuration has said so.
    if (error instanceof ExpressionError) return false
    throw error
  }
}

function isInCommunityList(
  list: CommunityList | undefined,
  communities: readonly string[],
  exact: boolean,
): boolean {
  const found = list?.entries.find(({ values }) =>
    list.kind === 'expanded'
      ? safelyMatches(values[0] ?? '', communities.join(' '))
      : values.every((value) => communities.includes(value)) &&
        (!exact || values.length === communities.length),
  )
  return found?.action === 'permit'
}

const parsed = new WeakMap<PrefixListEntry, Prefix>()

function entryCovers(entry: PrefixListEntry, prefix: Prefix): boolean {
  if (entry.prefix === 'any') return true
  let outer = parsed.get(entry)
  if (outer === undefined) {
    outer = parsePrefix(entry.prefix)
    parsed.set(entry, outer)
  }
  if (!contains(outer, prefix)) return false
  if (entry.ge === null && entry.le === null) return prefix.length === outer.length
  return prefix.length >= (entry.ge ?? outer.length) && prefix.length <= (entry.le ?? 128)
}

function set(router: RouterModel, term: SetTerm, route: BgpRoute, context: RouteMapContext): BgpRoute {
  switch (term.set) {
    case 'local-preference':
      return { ...route, localPreference: term.value }
    case 'weight':
      return { ...route, weight: term.value }
    case 'metric':
      return { ...route, med: term.value }
    case 'origin':
      return { ...route, origin: term.value }
    case 'prepend':
      return { ...route, asPath: [...term.asns, ...route.asPath] }
    case 'prepend-last': {
      // A route of the router's own has no last AS number: FRR then puts nothing in front.
      const [first] = route.asPath
      if (first === undefined) return route
      return { ...route, asPath: [...Array<number>(term.times).fill(first), ...route.asPath] }
    }
    case 'exclude':
      return { ...route, asPath: route.asPath.filter((asn) => !term.asns.includes(asn)) }
    case 'community':
      return { ...route, communities: merge(route.communities, term.values, term.additive) }
    case 'large-community':
      return { ...route, largeCommunities: merge(route.largeCommunities, term.values, term.additive) }
    case 'delete-communities':
      return { ...route, communities: withoutListed(router.communityLists[term.list], route.communities) }
    case 'delete-large-communities':
      return {
        ...route,
        largeCommunities: withoutListed(router.largeCommunityLists[term.list], route.largeCommunities),
      }
    case 'bandwidth':
      return { ...route, bandwidth: bandwidthOf(term.megabits, route, context), bandwidthIsSet: true }
    case 'unsupported':
      return route
  }
}

const bytesPerMegabit = 125_000

function bandwidthOf(
  megabits: number | 'cumulative' | 'num-multipaths',
  route: BgpRoute,
  { multipaths }: RouteMapContext,
): number | null {
  if (typeof megabits === 'number') return megabits * bytesPerMegabit
  if (megabits === 'num-multipaths') return (multipaths?.count ?? 1) * bytesPerMegabit
  return multipaths !== undefined && multipaths.cumulative > 0 ? multipaths.cumulative : route.bandwidth
}

function merge(old: readonly string[], values: readonly string[], additive: boolean): string[] {
  return [...new Set(additive ? [...old, ...values] : values)].sort()
}

/** `set comm-list … delete` takes away every community that an entry permits by itself. */
function withoutListed(list: CommunityList | undefined, communities: readonly string[]): string[] {
  return communities.filter((community) => !isInCommunityList(list, [community], false))
}
