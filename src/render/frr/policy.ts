/*
 * Filters and policies: prefix lists, AS-path lists, large-community lists and route maps.
 *
 * Only what the device uses is written, in the order of dependence: lists, then the route maps that read them, then
 * (elsewhere) `router bgp`. FRR accepts a name that does not exist yet, but FRR 10 complains about each of them.
 *
 * Two habits of FRR shape what is written here (measured on 8.4.4):
 * - A filter whose list or route map does not exist denies everything. That is safe, but looks like a mistake; so a
 *   list that is to match nothing is written, and says `deny any`.
 * - `match ip address` and `match ipv6 address` in one entry must both hold, which no route does. A term whose
 *   prefix set has both families therefore becomes two entries, at n and n + 5.
 */
import type { PolicyActions, PolicyTerm, PrefixEntry, RoutePolicy } from '../../plan/model.ts'
import { type DeviceView, familyOf, localName } from '../view.ts'
import { block, line, type Statement } from './statement.ts'

type Family = 'ipv4' | 'ipv6'

/**
 * AS-path list that permits nothing but what the device originates itself. `match peer local` would say it better,
 * but in an outbound route map FRR compares it with the peer the route goes to, and it never matches.
 */
export const ownRoutesList = 'OWN'
const redistributionMap = 'REDISTRIBUTE'
/** Community list of RFC 8326. */
const gracefulShutdownList = 'GRACEFUL-SHUTDOWN'

/** Name of the prefix list and the AS-path list that hold what exactly a neighbour may announce. */
export function acceptList(peerDevice: string): string {
  return `ACCEPT-${peerDevice}`
}

/** Lists and route maps of a device, as sections. */
export function renderPolicies(view: DeviceView): Statement[][] {
  const policies = usedPolicies(view)
  const sets = new Set<string>()
  const communityLists = new Map<string, string[]>()
  for (const { policy } of policies) {
    for (const { match } of policy.terms) {
      if (match.prefixSet !== undefined) sets.add(match.prefixSet)
      if (match.anyCommunity !== undefined)
        communityLists.set(communityListName(match.anyCommunity), match.anyCommunity)
    }
  }
  const redistribution = renderRedistribution(view)
  return [
    [
      ...[...sets].flatMap((name) =>
        prefixListLines(localName(name), entriesOf(view, name), ['ipv4', 'ipv6']),
      ),
      ...redistribution.lists,
      ...view.neighbors.flatMap(({ own, peer, session }) =>
        own.accept === null
          ? []
          : prefixListLines(acceptList(peer.device), own.accept, session.families, session.families),
      ),
    ],
    asPathLists(
      view,
      policies.some(({ policy }) => policy.terms.some(({ match }) => match.local === true)),
    ),
    policies.some(({ policy }) => policy.terms.some(({ match }) => match.gracefulShutdown === true))
      ? [line(`bgp community-list standard ${gracefulShutdownList} seq 5 permit graceful-shutdown`)]
      : [],
    [...communityLists].flatMap(([name, communities]) =>
      communities.map((community, index) =>
        line(
          `bgp large-community-list standard ${name} seq ${5 * (index + 1)} permit ${communityValue(view, community)}`,
        ),
      ),
    ),
    policies.flatMap(({ name, policy }) => routeMap(view, name, policy)),
    redistribution.routeMap,
  ]
}

/** Route map of `redistribute kernel` and `redistribute connected`, or null when nothing is redistributed. */
export function redistributionOf(view: DeviceView, family: Family): string | null {
  return view.device.originates.some(({ via, prefix }) => via === 'kernel' && familyOf(prefix) === family)
    ? redistributionMap
    : null
}

function usedPolicies({ plan, device, neighbors }: DeviceView): { name: string; policy: RoutePolicy }[] {
  const names = new Set<string>()
  for (const { own } of neighbors) {
    names.add(own.import).add(own.export)
    if (own.defaultOriginate !== null) names.add(own.defaultOriginate)
  }
  for (const { policy } of device.originates) if (policy !== null) names.add(policy)
  for (const name of device.extraPolicies) names.add(name)
  return [...names].map((name) => {
    const policy = plan.policies[name]
    if (policy === undefined) throw new TypeError(`${device.name} uses the unknown policy "${name}"`)
    return { name: localName(name), policy }
  })
}

function entriesOf({ plan, device }: DeviceView, name: string): PrefixEntry[] {
  const set = plan.prefixSets[name]
  if (set === undefined) throw new TypeError(`${device.name} uses the unknown prefix set "${name}"`)
  return set.entries
}

/**
 * One list for each family that has entries. For the `required` families there is a list in any case: a neighbour's
 * exact filter must deny a family that it may announce nothing of.
 */
function prefixListLines(
  name: string,
  entries: PrefixEntry[],
  families: readonly Family[],
  required: readonly Family[] = entries.length === 0 ? ['ipv4'] : [],
): Statement[] {
  return families.flatMap((family) => {
    const keyword = family === 'ipv4' ? 'ip' : 'ipv6'
    const own = entries.filter(({ prefix }) => familyOf(prefix) === family)
    if (own.length === 0)
      return required.includes(family) ? [line(`${keyword} prefix-list ${name} seq 5 deny any`)] : []
    return own.map((entry, index) =>
      line(`${keyword} prefix-list ${name} seq ${5 * (index + 1)} permit ${printEntry(entry)}`),
    )
  })
}

function printEntry({ prefix, ge, le }: PrefixEntry): string {
  return `${prefix}${ge === undefined ? '' : ` ge ${ge}`}${le === undefined ? '' : ` le ${le}`}`
}

function asPathLists({ device, neighbors }: DeviceView, matchesLocal: boolean): Statement[] {
  const exact = neighbors.flatMap(({ own, peer }) =>
    own.acceptAsPath === null
      ? []
      : [line(`bgp as-path access-list ${acceptList(peer.device)} seq 5 permit ${own.acceptAsPath}`)],
  )
  if (device.role !== 'node' && !matchesLocal) return exact
  // A node may have put its own number in front already, for a Service that asks for a longer path.
  const own = device.role === 'node' ? `^(${device.asn}_?)*$` : '^$'
  return [...exact, line(`bgp as-path access-list ${ownRoutesList} seq 5 permit ${own}`)]
}

function communityListName(communities: string[]): string {
  return communities.join('-or-')
}

function communityValue({ plan, device }: DeviceView, community: string): string {
  const value = plan.communities[community]
  if (value === undefined) throw new TypeError(`${device.name} uses the unknown community "${community}"`)
  return value
}

function routeMap(view: DeviceView, name: string, policy: RoutePolicy): Statement[] {
  if (policy.terms.length === 0) return [block(`route-map ${name} deny 10`, [])]
  return policy.terms.flatMap((term, index) =>
    prefixMatches(view, term).map(({ match, offset }) =>
      block(`route-map ${name} ${term.action} ${10 * (index + 1) + offset}`, [
        ...(term.match.local === true ? [line(`match as-path ${ownRoutesList}`)] : []),
        ...match,
        ...(term.match.anyCommunity === undefined
          ? []
          : [line(`match large-community ${communityListName(term.match.anyCommunity)}`)]),
        ...(term.match.gracefulShutdown === true ? [line(`match community ${gracefulShutdownList}`)] : []),
        ...(term.match.localPreference === undefined
          ? []
          : [line(`match local-preference ${term.match.localPreference}`)]),
        ...(term.action === 'permit' ? setLines(view, term.set) : []),
      ]),
    ),
  )
}

function prefixMatches(view: DeviceView, { match }: PolicyTerm): { match: Statement[]; offset: number }[] {
  if (match.prefixSet === undefined) return [{ match: [], offset: 0 }]
  const name = localName(match.prefixSet)
  const families = new Set(entriesOf(view, match.prefixSet).map(({ prefix }) => familyOf(prefix)))
  const entries = []
  if (families.has('ipv4') || families.size === 0)
    entries.push({ match: [line(`match ip address prefix-list ${name}`)], offset: 0 })
  if (families.has('ipv6'))
    entries.push({ match: [line(`match ipv6 address prefix-list ${name}`)], offset: 5 })
  return entries
}

function setLines(view: DeviceView, set: PolicyActions): Statement[] {
  const lines: Statement[] = []
  const added = set.addCommunities ?? []
  if (set.prepend !== undefined && set.prepend > 0)
    lines.push(line(`set as-path prepend ${Array(set.prepend).fill(view.device.asn).join(' ')}`))
  if (set.gracefulShutdown === 'add') lines.push(line('set community graceful-shutdown additive'))
  if (set.gracefulShutdown === 'remove') lines.push(line(`set comm-list ${gracefulShutdownList} delete`))
  if (set.localPreference !== undefined) lines.push(line(`set local-preference ${set.localPreference}`))
  if (set.replaceCommunities !== undefined) {
    const all = [...set.replaceCommunities, ...added].map((community) => communityValue(view, community))
    lines.push(line(`set large-community ${all.length === 0 ? 'none' : all.join(' ')}`))
  } else if (added.length > 0) {
    const values = added.map((community) => communityValue(view, community))
    lines.push(line(`set large-community ${values.join(' ')} additive`))
  }
  return lines
}

/**
 * `redistribute` in a bare form would announce the management network's default route and every bridge of the host
 * to the whole fabric. Only the very prefixes that the plan names pass, and as origin IGP: with the default,
 * incomplete, they would lose against, and not share traffic with, the same prefix from a `network` statement.
 */
function renderRedistribution({ device }: DeviceView): { lists: Statement[]; routeMap: Statement[] } {
  const byPolicy = Map.groupBy(
    device.originates.filter(({ via }) => via === 'kernel'),
    ({ policy }) => policy,
  )
  const lists: Statement[] = []
  const entries: Statement[] = []
  for (const [index, [policy, originations]] of [...byPolicy].entries()) {
    const name = index === 0 ? redistributionMap : `${redistributionMap}-${index + 1}`
    const prefixes = originations.map(({ prefix }) => ({ prefix }))
    lists.push(...prefixListLines(name, prefixes, ['ipv4', 'ipv6']))
    for (const family of ['ipv4', 'ipv6'] as const) {
      if (!prefixes.some(({ prefix }) => familyOf(prefix) === family)) continue
      const keyword = family === 'ipv4' ? 'ip' : 'ipv6'
      entries.push(
        block(`route-map ${redistributionMap} permit ${10 * (index + 1) + (family === 'ipv4' ? 0 : 5)}`, [
          line(`match ${keyword} address prefix-list ${name}`),
          ...(policy === null ? [] : [line(`call ${localName(policy)}`)]),
          line('set origin igp'),
        ]),
      )
    }
  }
  return { lists, routeMap: entries }
}
