/**
 * Carries one prefix through the compact network, and then plays failures through on what came out.
 *
 * The same BGP as src/verify/simulate, written for speed and without any order among equals: a router's best paths are a
 * set, and what it announces stands for all of them (as-paths.ts, route-marks.ts). Where it would matter which one is
 * announced, the route is refused and remembered in `doubtRank`; {@link Propagation.isOrderDependent} says whether such a
 * route could have been used. So results hold whatever the age of paths, and devices that a symmetry of the plan
 * exchanges get the same results.
 *
 * A failure changes the arrays in place and is undone from a journal: its cost is what it touches. Changes travel in
 * rounds; one round is one BGP hop, which is what predicted outages count.
 */
import { matchesExpression } from '../simulate/as-path-expression.ts'
import { acceptsAll, type CompactNetwork, flag, isExact, receiverOf } from '../symmetry/compact-network.ts'
import type { PrefixUniverse } from '../symmetry/prefix-universe.ts'
import { AsPaths, emptyPath } from './as-paths.ts'
import { RouteMarks } from './route-marks.ts'
import { type Change, RoutingState } from './routing-state.ts'

/** Rank of a route that the device originates itself. */
export const localRank = Number.POSITIVE_INFINITY

/** A fabric of seven tiers settles in twenty rounds; what takes this many goes round in circles. */
const mostRounds = 500

export class Propagation {
  readonly network: CompactNetwork
  readonly universe: PrefixUniverse
  readonly marks: RouteMarks
  readonly paths: AsPaths
  /** By edge: how good the route is that the receiver holds; 0 none. Equal ranks are equal-cost. */
  readonly rank: Float64Array
  /** By device: rank of its best routes; 0 none. */
  readonly bestRank: Float64Array
  /** Devices that some change reached since it began, each once. */
  touched: number[] = []
  isUnsettled = false
  prefix = -1

  readonly #state: RoutingState
  readonly #touchMark: Int32Array
  readonly #dirtyMark: Int32Array
  #epoch = 0
  #round = 0
  #dirty: number[] = []
  readonly #offer = { rank: 0, marks: 0, path: 0, isDoubtful: false }

  constructor(network: CompactNetwork, universe: PrefixUniverse, drained?: ReadonlySet<number>) {
    this.network = network
    this.universe = universe
    this.marks = new RouteMarks(network, universe, drained)
    this.paths = new AsPaths(network.asns)
    this.#state = new RoutingState(network)
    this.rank = this.#state.rank
    this.bestRank = this.#state.bestRank
    this.#touchMark = new Int32Array(network.devices.length)
    this.#dirtyMark = new Int32Array(network.devices.length)
  }

  /**
   * The world without failures for one prefix.
   *
   * @param active devices that originate it
   * @param injected edges whose sender makes a default route for this session
   */
  load(prefix: number, active: readonly number[], injected: readonly number[] = []): void {
    this.#clear()
    this.prefix = prefix
    const { origins, kindOf } = this.universe
    for (const { device, policy } of origins[prefix]!) {
      const own = this.marks.originate(policy, kindOf[prefix]!)
      if (own === null) continue
      this.#state.noteDevice(device)
      this.#state.ownMarks[device] = this.marks.intern([own])
      if (active.includes(device)) this.#setOrigin(device, true)
    }
    for (const edge of injected) this.#setInjection(edge, true)
    this.#settle()
    this.touched = []
  }

  /** Plays a change; `onRound` sees the world after each BGP hop. Undone by {@link Propagation.undo}. */
  apply(change: Change, onRound?: (round: number) => void): void {
    this.#state.begin(change)
    this.#epoch++
    this.touched = []
    for (const session of change.sessions) {
      this.#refresh(2 * session)
      this.#refresh(2 * session + 1)
    }
    for (const { device, isActive } of change.origins ?? []) this.#setOrigin(device, isActive)
    for (const { edge, isActive } of change.injections ?? []) this.#setInjection(edge, isActive)
    this.#settle(onRound)
  }

  undo(): void {
    this.#state.undo()
  }

  isDead(device: number): boolean {
    return this.#state.isDeadDevice[device] === 1
  }

  hasRoute(device: number): boolean {
    return this.bestRank[device]! > 0 && this.#state.isDeadDevice[device] === 0
  }

  /** How many equal next hops the device uses; 0 without a route, and for its own. */
  widthOf(device: number): number {
    const best = this.bestRank[device]!
    if (best === 0 || best === localRank) return 0
    let width = 0
    const { inStart, inEdges } = this.network
    for (let at = inStart[device]!; at < inStart[device + 1]!; at++) {
      if (this.rank[inEdges[at]!] === best) width++
    }
    return Math.min(width, this.network.devices[device]!.maximumPaths)
  }

  /** Edges from its equal next hops. */
  nextHopsOf(device: number): number[] {
    const best = this.bestRank[device]!
    const { inStart, inEdges } = this.network
    if (best === 0 || best === localRank) return []
    const edges: number[] = []
    for (let at = inStart[device]!; at < inStart[device + 1]!; at++) {
      if (this.rank[inEdges[at]!] === best) edges.push(inEdges[at]!)
    }
    return edges
  }

  /** Is the edge one of its receiver's equal next hops? */
  isUsed(edge: number): boolean {
    const rank = this.rank[edge]!
    return rank > 0 && rank === this.bestRank[this.network.to[edge]!]
  }

  /** Does what the device knows satisfy the condition of a default-originate? */
  satisfies(device: number, condition: number): boolean {
    if (!this.hasRoute(device)) return false
    const kind = this.universe.kindOf[this.prefix]!
    const path = this.#state.announcedPath[device]!
    return this.marks.satisfies(condition, kind, this.#state.announcedMarks[device]!, path === emptyPath)
  }

  /** AS path length of what the device announces. */
  pathLengthOf(device: number): number {
    return this.paths.lengthOf(this.#state.announcedPath[device]!)
  }

  /** Could the age of paths have changed what one of the devices uses? */
  isOrderDependent(devices: readonly number[]): boolean {
    const { inStart, inEdges } = this.network
    return devices.some((device) => {
      const best = this.bestRank[device]!
      for (let at = inStart[device]!; at < inStart[device + 1]!; at++) {
        const doubt = this.#state.doubtRank[inEdges[at]!]!
        if (doubt > 0 && doubt >= best) return true
      }
      return false
    })
  }

  #clear(): void {
    this.#state.clear()
    this.paths.clear()
    this.#epoch++
    this.touched = []
    this.#dirty = []
  }

  #setOrigin(device: number, isActive: boolean): void {
    if (this.#state.ownMarks[device]! < 0) return
    this.#state.noteDevice(device)
    this.bestRank[device] = isActive ? localRank : 0
    // When it goes, the device still seems to announce it: so it notices, and tells its neighbours.
    if (isActive) {
      this.#state.announcedMarks[device] = this.#state.ownMarks[device]!
      this.#state.announcedPath[device] = emptyPath
    }
    this.#markDirty(device)
  }

  #setInjection(edge: number, isActive: boolean): void {
    this.#state.isInjected[edge] = isActive ? 1 : 0
    this.#state.noteEdge(edge)
    this.#refresh(edge)
  }

  #settle(onRound?: (round: number) => void): void {
    const start = this.#round
    const { inStart, inEdges } = this.network
    while (this.#dirty.length > 0) {
      this.#round++
      if (this.#round - start > mostRounds) {
        this.isUnsettled = true
        this.#dirty = []
        return
      }
      const dirty = this.#dirty
      this.#dirty = []
      const changed = dirty.filter((device) => this.#reselect(device))
      onRound?.(this.#round - start)
      for (const device of changed) {
        for (let at = inStart[device]!; at < inStart[device + 1]!; at++) this.#refresh(inEdges[at]! ^ 1)
      }
    }
  }

  #markDirty(device: number): void {
    if (this.#state.isDeadDevice[device] === 1) return
    if (this.#touchMark[device] !== this.#epoch) {
      this.#touchMark[device] = this.#epoch
      this.touched.push(device)
    }
    const next = this.#round + 1
    if (this.#dirtyMark[device] === next) return
    this.#dirtyMark[device] = next
    this.#dirty.push(device)
  }

  /** Chooses the best routes of a device; says whether it has to tell its neighbours. */
  #reselect(device: number): boolean {
    if (this.bestRank[device] === localRank) return true
    const { inStart, inEdges, flags } = this.network
    let best = 0
    let first = -1
    let isUniform = true
    for (let at = inStart[device]!; at < inStart[device + 1]!; at++) {
      const edge = inEdges[at]!
      const rank = this.rank[edge]!
      if (rank === 0 || rank < best) continue
      if (rank > best) {
        best = rank
        first = edge
        isUniform = true
      } else if (
        this.#state.routeMarks[edge] !== this.#state.routeMarks[first] ||
        this.#state.routePath[edge] !== this.#state.routePath[first]
      ) {
        isUniform = false
      }
    }
    let marks = -1
    let path = emptyPath
    if (best > 0 && isUniform) {
      marks = this.#state.routeMarks[first]!
      path = this.#state.routePath[first]!
    } else if (best > 0) {
      const equal: number[] = []
      for (let at = inStart[device]!; at < inStart[device + 1]!; at++) {
        if (this.rank[inEdges[at]!] === best) equal.push(inEdges[at]!)
      }
      marks = this.marks.union([...new Set(equal.map((edge) => this.#state.routeMarks[edge]!))])
      path = this.paths.union([...new Set(equal.map((edge) => this.#state.routePath[edge]!))])
    }
    const isIbgp = best > 0 && (flags[first]! & flag.ibgp) !== 0
    // What iBGP neighbours are told depends on whom it was learned from as well.
    const isSame =
      this.#state.announcedMarks[device] === marks && this.#state.announcedPath[device] === path && !isIbgp
    if (isSame && this.bestRank[device] === best) return false
    this.#state.noteDevice(device)
    this.bestRank[device] = best
    this.#state.announcedMarks[device] = marks
    this.#state.announcedPath[device] = path
    return !isSame
  }

  /** Works out what the edge carries now, and marks its receiver when that changed. */
  #refresh(edge: number): void {
    const offer = this.#offer
    this.#makeOffer(edge)
    const rank = offer.isDoubtful ? 0 : offer.rank
    const doubt = offer.isDoubtful ? offer.rank : 0
    const isSame =
      this.rank[edge] === rank &&
      (rank === 0 ||
        (this.#state.routeMarks[edge] === offer.marks && this.#state.routePath[edge] === offer.path))
    if (isSame && this.#state.doubtRank[edge] === doubt) return
    this.#state.noteEdge(edge)
    this.rank[edge] = rank
    this.#state.doubtRank[edge] = doubt
    if (rank > 0) {
      this.#state.routeMarks[edge] = offer.marks
      this.#state.routePath[edge] = offer.path
    }
    if (!isSame) this.#markDirty(this.network.to[edge]!)
  }

  /** Fills in `#offer`: what the sender of the edge tells its receiver, and what the receiver makes of it. */
  #makeOffer(edge: number): void {
    const { network } = this
    const offer = this.#offer
    offer.rank = 0
    offer.isDoubtful = false
    const flags = network.flags[edge]!
    const sender = network.from[edge]!
    const isInjected = this.#state.isInjected[edge] === 1
    const held = this.#state.announcedMarks[sender]!
    if (!isInjected && held < 0) return
    if (this.#state.isDeadEdge[edge] === 1 || this.#state.isDeadDevice[sender] === 1) return
    if ((flags & (this.universe.isIpv6[this.prefix] === 1 ? flag.ipv6 : flag.ipv4)) === 0) return
    const kind = this.universe.kindOf[this.prefix]!
    const isIbgp = (flags & flag.ibgp) !== 0
    const from = isInjected ? emptyPath : this.#state.announcedPath[sender]!
    const transfer = isInjected
      ? this.marks.inject(edge, kind)
      : this.marks.transfer(edge, kind, held, from === emptyPath)
    if (transfer === null) return
    const reflection = isInjected || !isIbgp ? 'yes' : this.#reflects(sender, edge)
    if (reflection === 'no') return
    offer.isDoubtful = transfer.isAmbiguous || reflection === 'perhaps'
    const own = network.asnOf[network.to[edge]!]!
    let path = from
    if (!isIbgp) {
      if ((flags & flag.removePrivate) !== 0) {
        const stripped = this.paths.withoutPrivate(path, own)
        if (stripped === null) offer.isDoubtful = true
        else path = stripped
      }
      path = this.paths.extend(path, network.asnOf[sender]!, 1 + transfer.prepend)
    }
    if (this.paths.mayHold(path, own)) {
      if (this.paths.surelyHolds(path, own)) return
      offer.isDoubtful = true
    }
    if (network.accept[edge] !== acceptsAll && !this.#isAccepted(edge, kind)) return
    if ((flags & flag.expression) !== 0 && !this.#passesExpression(edge, path)) return
    const length = Math.min(this.paths.lengthOf(path), 4000)
    offer.rank = (transfer.localPreference * 4096 + (4000 - length)) * 2 + (isIbgp ? 1 : 2)
    offer.marks = transfer.marks
    offer.path = path
  }

  #passesExpression(edge: number, path: number): boolean {
    const expression = receiverOf(this.network, edge).acceptAsPath!
    // Every path of a session begins with the sender, so an expression about the first number knows enough.
    if (!this.paths.isCertain(path) && !/^\^\d+\(_\|\$\)$/.test(expression)) this.#offer.isDoubtful = true
    return matchesExpression(expression, this.paths.textOf(path))
  }

  /** RFC 4456: between iBGP neighbours only from or to a client, and never back to where it came from. */
  #reflects(sender: number, edge: number): 'yes' | 'no' | 'perhaps' {
    if (this.bestRank[sender] === localRank) return 'yes'
    const { flags, from, to } = this.network
    const sources = this.nextHopsOf(sender).filter((source) => (flags[source]! & flag.ibgp) !== 0)
    if (sources.length === 0) return 'yes'
    const told = sources.filter(
      (source) =>
        from[source] !== to[edge] &&
        ((flags[source]! & flag.fromClient) !== 0 || (flags[edge]! & flag.toClient) !== 0),
    )
    return told.length === sources.length ? 'yes' : told.length === 0 ? 'no' : 'perhaps'
  }

  #isAccepted(edge: number, kind: number): boolean {
    const { universe } = this
    const range = this.network.accept[edge]!
    if (range >= 0 && universe.kinds[kind]!.includes(universe.sets.length + range)) return true
    const text = universe.texts[this.prefix]!
    return receiverOf(this.network, edge).accept!.some((entry) => entry.prefix === text && isExact(entry))
  }
}
