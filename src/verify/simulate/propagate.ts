/**
 * Carries one prefix through the fabric until nothing changes: FRR's BGP for this family of designs.
 *
 * Modelled: import and export policy, exact filters, AS-path loop check on receipt, local preference (0 for what still
 * carries GRACEFUL_SHUTDOWN after import), local routes first, AS-path length, eBGP before iBGP, multipath-relax, route
 * reflection towards clients, maximum-paths. All routes have origin IGP and no MED, because nothing in a plan sets them. Where FRR lets the age of a path decide which of
 * several equal ones is announced, the lowest neighbour name decides here; the set of equal paths does not depend on it.
 */
import { isPrivateAsn } from '../../net/private-asn.ts'
import type { Plan, Session, SessionEnd } from '../../plan/model.ts'
import { bareRoute, evaluatorOf, type RouteAttributes } from './policy.ts'

/** One end of a session as its device sees it. */
export interface Adjacency {
  session: Session
  local: SessionEnd
  remote: SessionEnd
  remoteAsn: number
  localAsn: number
  /** The same session seen from the other end. */
  twin: Adjacency
}

export interface Network {
  plan: Plan
  adjacencies: ReadonlyMap<string, readonly Adjacency[]>
  /** ECMP width that each device allows. */
  maximumPaths: ReadonlyMap<string, number>
  /** Devices that are out of service: they originate nothing and have no sessions. */
  dead: ReadonlySet<string>
}

/** What is out of service: links by id, devices by name. A device takes its links with it. */
export interface Failed {
  links?: ReadonlySet<string>
  devices?: ReadonlySet<string>
}

/** Best paths of one device for one prefix. */
export interface Selection {
  /** Originated here; then there are no paths. */
  local: boolean
  /** The equal best paths, in order of the neighbour's name. */
  paths: { via: Adjacency; attributes: RouteAttributes }[]
  /** What it announces: its own route, or the first of the equal ones. */
  attributes: RouteAttributes
}

/** The plan as a graph, less what failed; build it once for many prefixes. */
export function buildNetwork(plan: Plan, options: { without?: Failed | undefined } = {}): Network {
  const { links: deadLinks = none, devices: dead = none } = options.without ?? {}
  const asn = new Map(plan.devices.map((device) => [device.name, device.asn]))
  const adjacencies = new Map<string, Adjacency[]>(plan.devices.map((device) => [device.name, []]))
  for (const session of plan.sessions) {
    const { a, b } = session
    if (deadLinks.has(session.link) || dead.has(a.device) || dead.has(b.device)) continue
    const [asnA, asnB] = [asn.get(a.device)!, asn.get(b.device)!]
    const fromA = { session, local: a, remote: b, localAsn: asnA, remoteAsn: asnB } as Adjacency
    const fromB: Adjacency = {
      session,
      local: b,
      remote: a,
      localAsn: asnB,
      remoteAsn: asnA,
      twin: fromA,
    }
    fromA.twin = fromB
    adjacencies.get(a.device)!.push(fromA)
    adjacencies.get(b.device)!.push(fromB)
  }
  for (const list of adjacencies.values()) list.sort((x, y) => (x.remote.device < y.remote.device ? -1 : 1))
  const maximumPaths = new Map(plan.devices.map((device) => [device.name, device.maximumPaths]))
  return { plan, adjacencies, maximumPaths, dead }
}

const none: ReadonlySet<string> = new Set()

/**
 * Every device's selection for `prefix`, given which devices originate it.
 *
 * @param origins device → attributes it originates with
 * @param injected session ends that send the prefix whatever their device has (default-originate)
 */
export function propagate(
  network: Network,
  prefix: string,
  origins: ReadonlyMap<string, RouteAttributes>,
  injected: readonly Adjacency[] = [],
): Map<string, Selection> {
  const evaluator = evaluatorOf(network.plan, prefix)
  const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
  const received = new Map<string, Map<Adjacency, RouteAttributes>>()
  const selections = new Map<string, Selection>()
  const queue = new Set<string>()
  const forced = new Set(injected)

  for (const [device, attributes] of origins) {
    if (network.dead.has(device)) continue
    selections.set(device, { local: true, paths: [], attributes })
    queue.add(device)
  }
  for (const adjacency of injected) {
    deliver(adjacency, bareRoute)
  }
  for (const device of queue) {
    queue.delete(device)
    const selection = selections.get(device)
    for (const adjacency of network.adjacencies.get(device)!) {
      if (!adjacency.session.families.includes(family) || forced.has(adjacency)) continue
      deliver(adjacency, selection === undefined ? null : exported(adjacency, selection))
    }
  }
  return selections

  function exported(adjacency: Adjacency, selection: Selection): RouteAttributes | null {
    const learnedFrom = selection.paths[0]?.via
    const fromIbgp = learnedFrom?.session.type === 'ibgp'
    if (fromIbgp && adjacency.session.type === 'ibgp') {
      // RFC 4456: between iBGP neighbours only from or to a client, and never back to where it came from.
      const reflects = learnedFrom.local.routeReflectorClient || adjacency.local.routeReflectorClient
      if (!reflects || learnedFrom.remote.device === adjacency.remote.device) return null
    }
    return evaluator.apply(adjacency.local.export, selection.attributes)
  }

  /** Hands a route (or its withdrawal) to the other end, and notes whether that changes anything there. */
  function deliver(adjacency: Adjacency, route: RouteAttributes | null): void {
    const receiver = adjacency.remote.device
    const arrived = route === null ? null : imported(adjacency, onTheWire(adjacency, route))
    const seenAs = adjacency.twin
    const known = received.get(receiver)
    const before = known?.get(seenAs)
    if (arrived === null ? before === undefined : before !== undefined && sameRoute(before, arrived)) return
    const table = known ?? new Map<Adjacency, RouteAttributes>()
    received.set(receiver, table)
    if (arrived === null) table.delete(seenAs)
    else table.set(seenAs, arrived)
    reselect(receiver, table)
  }

  function imported(adjacency: Adjacency, route: RouteAttributes): RouteAttributes | null {
    const { remote, remoteAsn } = adjacency
    if (route.asPath.includes(remoteAsn)) return null
    if (remote.accept !== null && !evaluator.accepts(remote.accept)) return null
    if (remote.acceptAsPath !== null && !asPathMatches(remote.acceptAsPath, route.asPath)) return null
    const accepted = evaluator.apply(remote.import, route)
    // FRR does this for external neighbours only.
    const isLast = accepted?.gracefulShutdown === true && adjacency.session.type === 'ebgp'
    return isLast ? { ...accepted, localPreference: 0 } : accepted
  }

  function reselect(device: string, table: ReadonlyMap<Adjacency, RouteAttributes>): void {
    const before = selections.get(device)
    if (before?.local) return
    const candidates = [...table].map(([via, attributes]) => ({ via, attributes }))
    const highest = Math.max(...candidates.map((path) => path.attributes.localPreference))
    const preferred = candidates.filter((path) => path.attributes.localPreference === highest)
    const shortest = Math.min(...preferred.map((path) => path.attributes.asPath.length))
    const short = preferred.filter((path) => path.attributes.asPath.length === shortest)
    const external = short.filter((path) => path.via.session.type === 'ebgp')
    const paths = (external.length > 0 ? external : short)
      .sort((x, y) => (x.via.remote.device < y.via.remote.device ? -1 : 1))
      .slice(0, network.maximumPaths.get(device))
    const best = paths[0]
    if (best === undefined) selections.delete(device)
    else selections.set(device, { local: false, paths, attributes: best.attributes })
    const announcesTheSame =
      before !== undefined &&
      best !== undefined &&
      before.paths[0]?.via === best.via &&
      sameRoute(before.attributes, best.attributes)
    if (!announcesTheSame) queue.add(device)
  }
}

function onTheWire(
  { session, local, localAsn, remoteAsn }: Adjacency,
  route: RouteAttributes,
): RouteAttributes {
  if (session.type === 'ibgp') return { ...route, prepend: 0 }
  // remove-private-AS leaves the receiver's own number in the path, private or not, so that it sees a loop.
  const inner = local.removePrivateAs
    ? route.asPath.filter((asn) => asn === remoteAsn || !isPrivateAsn(asn))
    : route.asPath
  // Local preference does not leave the AS (RFC 4271 §5.1.5).
  const asPath = [...new Array<number>(1 + route.prepend).fill(localAsn), ...inner]
  return { ...route, asPath, localPreference: bareRoute.localPreference, prepend: 0 }
}

const expressions = new Map<string, RegExp>()

function asPathMatches(expression: string, asPath: readonly number[]): boolean {
  let compiled = expressions.get(expression)
  if (compiled === undefined) {
    // One for each node: a big fabric is checked once, not kept.
    if (expressions.size > 10_000) expressions.clear()
    compiled = new RegExp(expression.replaceAll('_', '( |^|$)'))
    expressions.set(expression, compiled)
  }
  return compiled.test(asPath.join(' '))
}

function sameRoute(a: RouteAttributes, b: RouteAttributes): boolean {
  return (
    a.asPath.length === b.asPath.length &&
    a.asPath.every((asn, index) => asn === b.asPath[index]) &&
    a.localPreference === b.localPreference &&
    a.gracefulShutdown === b.gracefulShutdown &&
    a.communities.size === b.communities.size &&
    [...a.communities].every((name) => b.communities.has(name))
  )
}
