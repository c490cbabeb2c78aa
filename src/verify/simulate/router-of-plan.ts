/*
 * A device of the plan as a router model: the same thing that its rendered configuration says, without the detour over
 * text. `router-of-plan.test.ts` reads the rendered text back and wants exactly this.
 */
import type { Device, Plan, PolicyActions, PolicyTerm, PrefixEntry, RoutePolicy } from '../../plan/model.ts'
import { acceptList, ownRoutesList } from '../../render/frr/policy.ts'
import {
  type DeviceView,
  familiesOf,
  familyOf,
  localName,
  type Neighbor,
  viewDevice,
} from '../../render/view.ts'
import { gracefulShutdown } from './bgp-route.ts'
import type { RoutedNetwork } from './control-plane.ts'
import type { Failed } from './propagate.ts'
import {
  type CommunityList,
  type Family,
  type MatchTerm,
  type NeighborFamily,
  type NeighborModel,
  type PrefixListEntry,
  plainNeighborFamily,
  type RouteMapEntry,
  type RouterFamily,
  type RouterLink,
  type RouterModel,
  type SetTerm,
} from './router-model.ts'

const families: readonly Family[] = ['ipv4', 'ipv6']
const gracefulShutdownList = 'GRACEFUL-SHUTDOWN'
const redistributionMap = 'REDISTRIBUTE'
/** What FRR takes without a line: all that the build allows, 256 in Debian's. */
export const unlimitedPaths = 256

/**
 * A plan as the simulator takes it, less what failed.
 *
 * @param options.pods false when no node has its pod prefix in the kernel
 */
export function networkOfPlan(plan: Plan, options: { without?: Failed; pods?: boolean } = {}): RoutedNetwork {
  const { links: deadLinks = none, devices: dead = none } = options.without ?? {}
  const isDown = ({ id, a, b }: Plan['links'][number]) =>
    deadLinks.has(id) || dead.has(a.device) || dead.has(b.device)
  const down = new Set(
    plan.links
      .filter(isDown)
      .flatMap(({ a, b }) => [a, b])
      .map((end) => `${end.device} ${end.interface}`),
  )
  const routers = plan.devices
    .filter(({ name }) => !dead.has(name))
    .map((device) => withoutInterfaces(routerOfPlan(plan, device), down))
  return {
    routers,
    links: linksOfPlan({ ...plan, links: plan.links.filter((link) => !isDown(link)) }),
    kernelRoutes: options.pods === false ? new Map() : kernelRoutesOfPlan(plan),
  }
}

const none: ReadonlySet<string> = new Set()

/** A link that is down has no addresses, by which a numbered neighbour would be found. */
export function withoutInterfaces(router: RouterModel, down: ReadonlySet<string>): RouterModel {
  return {
    ...router,
    interfaces: router.interfaces.map((found) =>
      down.has(`${router.name} ${found.name}`) ? { ...found, addresses: [] } : found,
    ),
  }
}

/** The plan's cables. */
export function linksOfPlan({ links }: Pick<Plan, 'links'>): RouterLink[] {
  return links.map(({ a, b }) => ({
    a: { router: a.device, interface: a.interface },
    b: { router: b.device, interface: b.interface },
  }))
}

/** Pod prefixes that the kernel of each node has. */
function kernelRoutesOfPlan(plan: Plan): Map<string, string[]> {
  return new Map(
    plan.devices.map(({ name, originates }) => [
      name,
      originates.filter(({ via }) => via === 'kernel').map(({ prefix }) => prefix),
    ]),
  )
}

/** One device of a plan as a router. */
export function routerOfPlan(plan: Plan, device: Device): RouterModel {
  const view = viewDevice(plan, device)
  const { neighbors } = view
  const used = usedPolicies(view)
  const terms = used.flatMap(({ policy }) => policy.terms)
  const prefixLists: Record<string, PrefixListEntry[]> = {}
  for (const { match } of terms)
    if (match.prefixSet !== undefined) {
      const { entries } = plan.prefixSets[match.prefixSet]!
      addPrefixLists(prefixLists, localName(match.prefixSet), entries, entries.length === 0 ? ['ipv4'] : [])
    }
  const kernel = device.originates.filter(({ via }) => via === 'kernel')
  if (kernel.length > 0)
    addPrefixLists(
      prefixLists,
      redistributionMap,
      kernel.map(({ prefix }) => ({ prefix })),
      [],
    )
  for (const { own, peer, session } of neighbors)
    if (own.accept !== null)
      addPrefixLists(prefixLists, acceptList(peer.device), own.accept, session.families)
  return {
    name: device.hostname,
    release: plan.frr,
    profile: 'datacenter',
    asn: device.asn,
    routerId: device.routerId,
    interfaces: [
      { name: 'lo', addresses: [...device.loopbacks, ...device.vips] },
      ...device.interfaces.map(({ name, addresses }) => ({ name, addresses })),
    ],
    staticRoutes: [],
    bgp: {
      requiresPolicy: true,
      multipathRelax: true,
      importCheck: false,
      deterministicMed: true,
      alwaysCompareMed: false,
      compareRouterId: false,
      ignoreAsPath: false,
      localPreference: 100,
      bandwidth: 'all-or-none',
      clusterId: null,
    },
    families: { ipv4: familyModel(view, 'ipv4'), ipv6: familyModel(view, 'ipv6') },
    neighbors: neighbors.map((neighbor) => neighborModel(view, neighbor)),
    prefixLists,
    asPathLists: asPathLists(view, terms),
    communityLists: terms.some(({ match }) => match.gracefulShutdown === true)
      ? { [gracefulShutdownList]: standardList([gracefulShutdown]) }
      : {},
    largeCommunityLists: Object.fromEntries(
      terms.flatMap(({ match }) =>
        match.anyCommunity === undefined
          ? []
          : [
              [
                match.anyCommunity.join('-or-'),
                standardList(match.anyCommunity.map((name) => plan.communities[name]!)),
              ],
            ],
      ),
    ),
    routeMaps: {
      ...Object.fromEntries(used.map(({ name, policy }) => [name, routeMapEntries(view, policy)])),
      ...(kernel.length > 0
        ? { [redistributionMap]: redistribution(kernel.map(({ prefix }) => prefix)) }
        : {}),
    },
  }
}

function familyModel(view: DeviceView, family: Family): RouterFamily {
  const { device, neighbors } = view
  const own = device.originates.filter(({ prefix }) => familyOf(prefix) === family)
  const routeMap = (policy: string | null) => (policy === null ? null : localName(policy))
  const isSpoken = familiesOf(view).includes(family)
  return {
    networks: own
      .filter(({ via }) => via === 'network')
      .map(({ prefix, policy }) => ({ prefix, routeMap: routeMap(policy) })),
    aggregates: own
      .filter(({ via }) => via === 'aggregate')
      .map(({ prefix, policy }) => ({ prefix, summaryOnly: false, routeMap: routeMap(policy) })),
    redistribute: own.some(({ via }) => via === 'kernel')
      ? (['kernel', 'connected'] as const).map((source) => ({ source, routeMap: redistributionMap }))
      : [],
    maximumPaths: isSpoken ? device.maximumPaths : unlimitedPaths,
    maximumPathsIbgp:
      isSpoken && neighbors.some(({ session }) => session.type === 'ibgp')
        ? device.maximumPaths
        : unlimitedPaths,
  }
}

function neighborModel(view: DeviceView, neighbor: Neighbor): NeighborModel {
  const { session, own, peer } = neighbor
  return {
    id: session.unnumbered ? own.interface : own.neighborAddress!,
    interface: session.unnumbered ? own.interface : null,
    address: session.unnumbered ? null : own.neighborAddress,
    group: own.group,
    description: `${peer.device} ${peer.interface}`,
    remoteAs: remoteAs(view, neighbor),
    isShutdown: false,
    isPassive: false,
    password: session.password,
    ttlSecurityHops: session.gtsm ? 1 : null,
    multihop: null,
    bfd: session.bfd,
    keepaliveSeconds: session.timers.keepaliveSeconds,
    holdSeconds: session.timers.holdSeconds,
    enforcesFirstAs: session.type === 'ebgp' || view.plan.frr.major >= 10,
    families: { ipv4: neighborFamily(view, neighbor, 'ipv4'), ipv6: neighborFamily(view, neighbor, 'ipv6') },
  }
}

/** Inside `external` or `internal`; towards another organisation its number, where the whole group has one. */
function remoteAs({ device, neighbors }: DeviceView, { session, own }: Neighbor): NeighborModel['remoteAs'] {
  if (session.type === 'ibgp') return 'internal'
  const group = neighbors.filter((other) => other.own.group === own.group)
  const crosses = device.role === 'external' || group.some(({ peerDevice }) => peerDevice.role === 'external')
  const numbers = new Set(group.map(({ peerDevice }) => peerDevice.asn))
  return crosses && numbers.size === 1 ? group[0]!.peerDevice.asn : 'external'
}

function neighborFamily(
  { device }: DeviceView,
  { session, own, peer }: Neighbor,
  family: Family,
): NeighborFamily | null {
  if (!session.families.includes(family)) return null
  return {
    ...plainNeighborFamily,
    routeMapIn: localName(own.import),
    routeMapOut: localName(own.export),
    prefixListIn: own.accept === null ? null : acceptList(peer.device),
    filterListIn: own.acceptAsPath === null ? null : acceptList(peer.device),
    filterListOut: device.role === 'node' ? ownRoutesList : null,
    routeReflectorClient: own.routeReflectorClient,
    nextHopSelf: own.nextHopSelf ? 'force' : 'no',
    removePrivateAs: own.removePrivateAs ? 'all' : 'no',
    defaultOriginate: own.defaultOriginate === null ? null : { routeMap: localName(own.defaultOriginate) },
    maximumPrefixes: own.maximumPrefixes,
  }
}

function usedPolicies({ plan, device, neighbors }: DeviceView): { name: string; policy: RoutePolicy }[] {
  const names = new Set<string>(device.extraPolicies)
  for (const { policy } of device.originates) if (policy !== null) names.add(policy)
  for (const { own } of neighbors) {
    names.add(own.import).add(own.export)
    if (own.defaultOriginate !== null) names.add(own.defaultOriginate)
  }
  return [...names].map((name) => ({ name: localName(name), policy: plan.policies[name]! }))
}

function addPrefixLists(
  lists: Record<string, PrefixListEntry[]>,
  name: string,
  entries: readonly PrefixEntry[],
  required: readonly Family[],
): void {
  for (const family of families) {
    const own = entries.filter(({ prefix }) => familyOf(prefix) === family)
    if (own.length > 0)
      lists[`${family} ${name}`] = own.map(({ prefix, ge = null, le = null }, index) => ({
        sequence: 5 * (index + 1),
        action: 'permit',
        prefix,
        ge,
        le,
      }))
    else if (required.includes(family))
      lists[`${family} ${name}`] = [{ sequence: 5, action: 'deny', prefix: 'any', ge: null, le: null }]
  }
}

function asPathLists(
  { device, neighbors }: DeviceView,
  terms: readonly PolicyTerm[],
): RouterModel['asPathLists'] {
  const lists: RouterModel['asPathLists'] = {}
  const permit = (name: string, expression: string) => {
    lists[name] = [{ sequence: 5, action: 'permit', expression }]
  }
  for (const { own, peer } of neighbors)
    if (own.acceptAsPath !== null) permit(acceptList(peer.device), own.acceptAsPath)
  if (device.role === 'node') permit(ownRoutesList, `^(${device.asn}_?)*$`)
  else if (terms.some(({ match }) => match.local === true)) permit(ownRoutesList, '^$')
  return lists
}

function standardList(values: readonly string[]): CommunityList {
  return {
    kind: 'standard',
    entries: values.map((value, index) => ({ sequence: 5 * (index + 1), action: 'permit', values: [value] })),
  }
}

function routeMapEntries(view: DeviceView, { terms }: RoutePolicy): RouteMapEntry[] {
  if (terms.length === 0) return [entry(10, 'deny', [], [])]
  return terms.flatMap((term, index) =>
    prefixMatches(view, term).map(({ matches, offset }) =>
      entry(
        10 * (index + 1) + offset,
        term.action,
        [...otherMatches(term), ...matches],
        [...(term.action === 'permit' ? setTerms(view, term.set) : [])],
      ),
    ),
  )
}

/** A term over both families is two entries. */
function prefixMatches(
  { plan }: DeviceView,
  { match }: PolicyTerm,
): { matches: MatchTerm[]; offset: number }[] {
  if (match.prefixSet === undefined) return [{ matches: [], offset: 0 }]
  const list = localName(match.prefixSet)
  const present = new Set(plan.prefixSets[match.prefixSet]!.entries.map(({ prefix }) => familyOf(prefix)))
  const of = (family: Family, offset: number) => ({
    matches: [{ on: 'prefix-list', family, list } as const],
    offset,
  })
  return [
    ...(present.has('ipv4') || present.size === 0 ? [of('ipv4', 0)] : []),
    ...(present.has('ipv6') ? [of('ipv6', 5)] : []),
  ]
}

function otherMatches({ match }: PolicyTerm): MatchTerm[] {
  return [
    ...(match.local === true ? [{ on: 'as-path', list: ownRoutesList } as const] : []),
    ...(match.anyCommunity === undefined
      ? []
      : [{ on: 'large-community', list: match.anyCommunity.join('-or-'), exact: false } as const]),
    ...(match.gracefulShutdown === true
      ? [{ on: 'community', list: gracefulShutdownList, exact: false } as const]
      : []),
    ...(match.localPreference === undefined
      ? []
      : [{ on: 'local-preference', value: match.localPreference } as const]),
  ]
}

function setTerms({ plan, device }: DeviceView, set: PolicyActions): SetTerm[] {
  const terms: SetTerm[] = []
  const values = (names: readonly string[]) => names.map((name) => plan.communities[name]!)
  const added = set.addCommunities ?? []
  if (set.prepend !== undefined && set.prepend > 0)
    terms.push({ set: 'prepend', asns: Array<number>(set.prepend).fill(device.asn) })
  if (set.gracefulShutdown === 'add')
    terms.push({ set: 'community', values: [gracefulShutdown], additive: true })
  if (set.gracefulShutdown === 'remove') terms.push({ set: 'delete-communities', list: gracefulShutdownList })
  if (set.localPreference !== undefined) terms.push({ set: 'local-preference', value: set.localPreference })
  if (set.replaceCommunities !== undefined)
    terms.push({
      set: 'large-community',
      values: values([...set.replaceCommunities, ...added]),
      additive: false,
    })
  else if (added.length > 0) terms.push({ set: 'large-community', values: values(added), additive: true })
  return terms
}

function redistribution(prefixes: readonly string[]): RouteMapEntry[] {
  return families.flatMap((family, index) =>
    prefixes.some((prefix) => familyOf(prefix) === family)
      ? [
          entry(
            10 + 5 * index,
            'permit',
            [{ on: 'prefix-list', family, list: redistributionMap }],
            [{ set: 'origin', value: 'igp' }],
          ),
        ]
      : [],
  )
}

function entry(
  sequence: number,
  action: 'permit' | 'deny',
  matches: MatchTerm[],
  sets: SetTerm[],
): RouteMapEntry {
  return { sequence, action, matches, sets, call: null, onMatch: null }
}
