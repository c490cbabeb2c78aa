/*
 * BGP between routers, prefix by prefix, until nothing changes: the simulator.
 *
 * Prefixes do not meet in BGP except where an aggregate or a conditional default route depends on others, so a table is
 * worked out for a prefix only when somebody asks for it, and kept. Asking for one path in a fabric of ten thousand
 * routers costs the few prefixes on that path.
 *
 * The result is a stable state, the one that FRR reaches where there is only one. Where the order of arrival decides,
 * `dependsOnOrder` and order-effects.ts say so; where there is no stable state, `isStable` is false and the table is the last one seen.
 *
 * Not modelled: time (MRAI, timers, BFD), VRFs, EVPN, confederations, route servers, additional paths, damping.
 */
import { parseAddress } from '../../net/address.ts'
import { contains, hostPrefix, type Prefix, parsePrefix } from '../../net/prefix.ts'
import { type BgpRoute, isSameRoute, localRoute } from './bgp-route.ts'
import { type Candidate, type Decision, decide, isOwn } from './decide.ts'
import { exportRoute, importRoute, type Passage, type Selected, type Subject } from './exchange.ts'
import {
  type Aggregate,
  collectOrigins,
  type Origin,
  type Origins,
  type OwnRoute,
  originate,
  ownRoutes,
} from './origins.ts'
import { applyRouteMap } from './route-map.ts'
import type { RouterLink, RouterModel } from './router-model.ts'
import {
  interfaceTowards,
  orderOf,
  resolveSessions,
  type SessionProblem,
  type SessionSide,
} from './sessions.ts'

/** A path in a router's table. */
export interface Path extends Candidate {
  /** Session that it came by; null for own routes. */
  from: SessionSide | null
}

export interface TableEntry {
  paths: Path[]
  decision: Decision<Path>
}

/** Router → what it has for one prefix. */
export interface PrefixTable {
  prefix: string
  entries: Map<string, TableEntry>
  isStable: boolean
}

export interface RoutedNetwork {
  routers: readonly RouterModel[]
  links: readonly RouterLink[]
  /** Prefixes that routers' kernels have, by router: pod prefixes for instance. */
  kernelRoutes?: ReadonlyMap<string, readonly string[]>
}

/** How often one router may change its mind about one prefix before the design counts as unstable. */
const patience = 100

export class ControlPlane {
  readonly routers: ReadonlyMap<string, RouterModel>
  readonly links: readonly RouterLink[]
  readonly sides: ReadonlyMap<string, readonly SessionSide[]>
  readonly problems: readonly SessionProblem[]
  readonly #origins: Origins
  readonly #parsed = new Map<string, Prefix>()
  readonly #own = new Map<string, OwnRoute[]>()
  readonly #tables = new Map<string, PrefixTable>()
  readonly #inProgress = new Set<string>()

  constructor({ routers, links, kernelRoutes = new Map() }: RoutedNetwork) {
    this.routers = new Map(routers.map((router) => [router.name, router]))
    this.links = links
    const { sides, problems } = resolveSessions(routers, links)
    this.sides = sides
    this.problems = problems
    this.#origins = collectOrigins(routers, kernelRoutes)
    for (const router of routers)
      this.#own.set(router.name, ownRoutes(router, kernelRoutes.get(router.name) ?? []))
    for (const prefix of this.#origins.routes.keys()) this.#parsed.set(prefix, parsePrefix(prefix))
    for (const prefix of this.#origins.aggregates.keys()) this.#parsed.set(prefix, parsePrefix(prefix))
    if (this.#defaultOriginators().length > 0)
      for (const prefix of ['0.0.0.0/0', '::/0']) this.#parsed.set(prefix, parsePrefix(prefix))
  }

  /** Every prefix that some router may originate. */
  prefixes(): string[] {
    return [...this.#parsed.keys()]
  }

  /** Routes of a router that are not BGP's. */
  ownRoutes(router: string): readonly OwnRoute[] {
    return this.#own.get(router) ?? []
  }

  /** Prefixes that an address lies in, longest first, whether or not anybody has them. */
  covering(address: string): string[] {
    const parsed = parseAddress(address)
    if (parsed === null) return []
    const host = hostPrefix(parsed)
    return [...this.#parsed]
      .filter(([, prefix]) => contains(prefix, host))
      .sort(([, a], [, b]) => b.length - a.length)
      .map(([text]) => text)
  }

  /** What every router has for a prefix. */
  table(prefix: string): PrefixTable {
    const known = this.#tables.get(prefix)
    if (known !== undefined) return known
    const empty: PrefixTable = { prefix, entries: new Map(), isStable: true }
    // A next hop that is reached by the very route it belongs to: that route cannot stand on itself.
    if (this.#inProgress.has(prefix) || !this.#parsed.has(prefix)) return empty
    this.#inProgress.add(prefix)
    try {
      const table = this.#simulate(prefix)
      this.#tables.set(prefix, table)
      return table
    } finally {
      this.#inProgress.delete(prefix)
    }
  }

  /** What `side` tells its neighbour about a prefix, and what the neighbour makes of it. */
  passage(side: SessionSide, prefix: string): { export: Passage; import: Passage | null } | null {
    const subject = this.#subject(prefix)
    const entry = this.table(prefix).entries.get(side.router.name)
    if (entry === undefined || !side.families.includes(subject.family)) return null
    const exported = exportRoute(side, this.#selected(side.router, entry, subject), subject)
    return {
      export: exported,
      import: exported.route === null ? null : importRoute(side.remote, exported.route, subject),
    }
  }

  /** What the receiver of `side` would have if the sender had chosen another path; null for nothing. */
  ifChosen(side: SessionSide, prefix: string, best: Path): TableEntry | null {
    const subject = this.#subject(prefix)
    const entry = this.table(prefix).entries.get(side.router.name)!
    const chosen = { ...entry, decision: { ...entry.decision, best } }
    const exported = exportRoute(side, this.#selected(side.router, chosen, subject), subject).route
    const route = exported === null ? null : importRoute(side.remote, exported, subject).route
    const receiver = side.remote.router
    const known = this.table(prefix).entries.get(receiver.name)?.paths ?? []
    const own = known.filter(({ from }) => from === null).map((path) => ({ ...path, router: receiver }))
    const received = new Map(
      known.flatMap(({ from, route: kept }) => (from === null ? [] : [[from, kept] as const])),
    )
    if (route === null) received.delete(side.remote)
    else received.set(side.remote, route)
    return this.#select(receiver, subject, own, received)
  }

  #subject(prefix: string): Subject {
    return {
      prefix: this.#parsed.get(prefix) ?? parsePrefix(prefix),
      family: prefix.includes(':') ? 'ipv6' : 'ipv4',
    }
  }

  #simulate(prefix: string): PrefixTable {
    const subject = this.#subject(prefix)
    const origins = this.#originsOf(prefix, subject)
    const received = new Map<string, Map<SessionSide, BgpRoute>>()
    const entries = new Map<string, TableEntry>()
    const changes = new Map<string, number>()
    const queue = new Set<string>()
    let isStable = true

    const reselect = (router: RouterModel) => {
      const before = entries.get(router.name)
      const after = this.#select(
        router,
        subject,
        origins.own.get(router.name) ?? [],
        received.get(router.name),
      )
      if (after === null) entries.delete(router.name)
      else entries.set(router.name, after)
      if (announcesTheSame(before, after)) return
      const count = (changes.get(router.name) ?? 0) + 1
      changes.set(router.name, count)
      if (count > patience) isStable = false
      else queue.add(router.name)
    }
    const deliver = (side: SessionSide, route: BgpRoute | null) => {
      const receiver = side.remote
      const arrived = route === null ? null : importRoute(receiver, route, subject).route
      const table = received.get(receiver.router.name) ?? new Map<SessionSide, BgpRoute>()
      received.set(receiver.router.name, table)
      const before = table.get(receiver)
      if (arrived === null ? before === undefined : before !== undefined && isSameRoute(before, arrived))
        return
      if (arrived === null) table.delete(receiver)
      else table.set(receiver, arrived)
      reselect(receiver.router)
    }

    for (const name of origins.own.keys()) reselect(this.routers.get(name)!)
    for (const [side, route] of origins.injected) deliver(side, route)
    for (const name of queue) {
      queue.delete(name)
      const entry = entries.get(name)
      const router = this.routers.get(name)!
      for (const side of this.sides.get(name) ?? []) {
        if (!side.families.includes(subject.family) || origins.injected.has(side)) continue
        const selected = entry === undefined ? null : this.#selected(router, entry, subject)
        deliver(side, selected === null ? null : exportRoute(side, selected, subject).route)
      }
    }
    return { prefix, entries, isStable }
  }

  #originsOf(prefix: string, subject: Subject) {
    const own = new Map<string, Origin[]>()
    const add = (origin: Origin) =>
      own.set(origin.router.name, [...(own.get(origin.router.name) ?? []), origin])
    for (const origin of this.#origins.routes.get(prefix) ?? []) add(origin)
    for (const aggregate of this.#origins.aggregates.get(prefix) ?? []) {
      const route = this.#aggregateRoute(aggregate, prefix, subject)
      if (route !== null) add({ router: aggregate.router, source: 'aggregate', route })
    }
    return {
      own,
      injected:
        subject.prefix.length === 0 ? this.#injectedDefaults(subject) : new Map<SessionSide, BgpRoute>(),
    }
  }

  /** Null while nothing more specific is known, or when its route map denies it. */
  #aggregateRoute(
    { router, prefix, routeMap }: Aggregate,
    text: string,
    { family }: Subject,
  ): BgpRoute | null {
    const contributors = this.#contributors(router, prefix)
    if (contributors.length === 0) return null
    const has = (origin: BgpRoute['origin']) => contributors.some(({ route }) => route.origin === origin)
    const origin = has('incomplete') ? 'incomplete' : has('egp') ? 'egp' : 'igp'
    return originate(router, family, text, routeMap, { ...localRoute, med: null, origin })
  }

  /** Every path counts, chosen or not; another aggregate of the same router does not. */
  #contributors(router: RouterModel, aggregate: Prefix): Path[] {
    const found: Path[] = []
    for (const [text, prefix] of this.#parsed) {
      if (prefix.length <= aggregate.length || !contains(aggregate, prefix)) continue
      const paths = this.table(text).entries.get(router.name)?.paths ?? []
      found.push(...paths.filter(({ source }) => source !== 'aggregate'))
    }
    return found
  }

  #defaultOriginators(): SessionSide[] {
    return [...this.sides.values()]
      .flat()
      .filter(({ neighbor }) =>
        (['ipv4', 'ipv6'] as const).some((family) => neighbor.families[family]?.defaultOriginate != null),
      )
  }

  /** Sessions that send a default route whatever their router has, or because some route meets their condition. */
  #injectedDefaults(subject: Subject): Map<SessionSide, BgpRoute> {
    const injected = new Map<SessionSide, BgpRoute>()
    for (const side of this.#defaultOriginators()) {
      if (!side.families.includes(subject.family)) continue
      const condition = side.neighbor.families[subject.family]?.defaultOriginate
      if (condition == null) continue
      if (condition.routeMap !== null && !this.#isConditionMet(side.router, condition.routeMap, subject))
        continue
      const { router, type, remote } = side
      injected.set(side, {
        ...localRoute,
        weight: 0,
        asPath: type === 'ebgp' ? [router.asn] : [],
        localPreference: remote.router.bgp.localPreference,
      })
    }
    return injected
  }

  #isConditionMet(router: RouterModel, routeMap: string, { family }: Subject): boolean {
    for (const [text, prefix] of this.#parsed) {
      if (prefix.length === 0 || text.includes(':') !== (family === 'ipv6')) continue
      for (const { route } of this.table(text).entries.get(router.name)?.paths ?? [])
        if (applyRouteMap(router, routeMap, route, { prefix, family }).route !== null) return true
    }
    return false
  }

  #select(
    router: RouterModel,
    { family }: Subject,
    own: readonly Origin[],
    received: ReadonlyMap<SessionSide, BgpRoute> | undefined,
  ): TableEntry | null {
    const paths: Path[] = own.map(({ source, route }) => ({
      source,
      route,
      from: null,
      order: '',
      neighborAsn: router.asn,
      neighborId: router.routerId,
      neighborAddress: null,
    }))
    for (const [side, route] of received ?? [])
      paths.push({
        source: side.type,
        route,
        from: side,
        order: orderOf(side),
        neighborAsn: side.remote.router.asn,
        neighborId: side.remote.router.routerId,
        neighborAddress: side.neighbor.address,
      })
    const { maximumPaths, maximumPathsIbgp } = router.families[family]
    const usable = paths.filter(
      (path) => path.route.nextHop === null || this.#resolves(router, path.route.nextHop),
    )
    const decision = decide(router, { ebgp: maximumPaths, ibgp: maximumPathsIbgp }, usable)
    return decision === null ? null : { paths, decision }
  }

  /** Is there a route to a next hop that is not simply the neighbour? */
  #resolves(router: RouterModel, nextHop: string): boolean {
    if (interfaceTowards(router, nextHop) !== null) return true
    const host = hostPrefix(parseAddress(nextHop)!)
    if (this.ownRoutes(router.name).some(({ prefix }) => contains(parsePrefix(prefix), host))) return true
    return this.covering(nextHop).some((prefix) => this.table(prefix).entries.has(router.name))
  }

  #selected(router: RouterModel, entry: TableEntry, subject: Subject): Selected {
    const { best, multipath } = entry.decision
    const bandwidths = multipath.map(({ route }) => route.bandwidth)
    const hasAll = multipath.length > 1 && bandwidths.every((bandwidth) => bandwidth !== null)
    return {
      route: best.route,
      from: best.from,
      isSuppressed: best.source !== 'aggregate' && this.#isSuppressed(router, subject.prefix),
      multipaths: {
        cumulative: hasAll ? bandwidths.reduce((sum, bandwidth) => sum! + bandwidth!, 0)! : 0,
        count: multipath.length,
      },
    }
  }

  #isSuppressed(router: RouterModel, prefix: Prefix): boolean {
    for (const aggregates of this.#origins.aggregates.values())
      for (const aggregate of aggregates)
        if (aggregate.summaryOnly && aggregate.router === router)
          if (aggregate.prefix.length < prefix.length && contains(aggregate.prefix, prefix)) return true
    return false
  }
}

function announcesTheSame(before: TableEntry | undefined, after: TableEntry | null): boolean {
  if (before === undefined || after === null) return before === undefined && after === null
  const [old, now] = [before.decision, after.decision]
  return (
    old.best.from === now.best.from &&
    isSameRoute(old.best.route, now.best.route) &&
    bandwidthOf(old.multipath) === bandwidthOf(now.multipath)
  )
}

/** What is announced depends on the whole set only by its bandwidth. */
function bandwidthOf(multipath: readonly Path[]): string {
  return multipath.map(({ route }) => route.bandwidth).join(' ')
}

/** Is the best path the router's own? */
export function isLocal(entry: TableEntry): boolean {
  return isOwn(entry.decision.best.source)
}
