/*
 * Where packets go: from one router towards an address, hop by hop, over all equal paths at once with their shares, and
 * flow by flow as the kernels' hashes would spread them.
 *
 * Forwarding depends on the destination only, so the ways from one place form a graph in which each router stands once.
 * A router that is reached again on a way is a loop.
 */
import type { ControlPlane } from '../simulate/control-plane.ts'
import { type Forwarding, forward, type NextHop } from '../simulate/forwarding.ts'

/** What one router does with its share of the packets. */
export interface Hop {
  router: string
  /** Hops from the source, counted on the longest way. */
  depth: number
  /** Part of the packets that come by, from 0 to 1. */
  share: number
  forwarding: Forwarding
}

export interface Ending {
  router: string
  share: number
  outcome: 'delivered' | 'discarded' | 'no route' | 'loop'
  /** The route that decided, where there is one. */
  prefix: string | null
}

export interface Trace {
  from: string
  address: string
  hops: Hop[]
  endings: Ending[]
  /** Number of different ways that deliver; at most 2^53. */
  paths: number
  /** Fewest equal next hops on any way, not counting the last hop to the address. */
  narrowest: number
  /** One way, as an example: the first by name. */
  example: string[]
}

/** Follows packets from a router to an address. */
export function tracePackets(plane: ControlPlane, from: string, address: string): Trace {
  const graph = explore(plane, from, address)
  const order = arrange(graph, from)
  const shares = new Map<string, number>([[from, 1]])
  const endings: Ending[] = []
  const hops: Hop[] = []
  for (const { router, depth } of order.sequence) {
    const share = shares.get(router) ?? 0
    const forwarding = graph.get(router)!
    hops.push({ router, depth, share, forwarding })
    if (forwarding.kind !== 'forward') {
      endings.push({ router, share, ...endingOf(forwarding) })
      continue
    }
    const total = forwarding.nextHops.reduce((sum, hop) => sum + hop.weight, 0)
    for (const hop of forwarding.nextHops) {
      const part = (share * hop.weight) / total
      if (order.loops.has(`${router} ${hop.router}`))
        endings.push({ router, share: part, outcome: 'loop', prefix: forwarding.prefix })
      else shares.set(hop.router, (shares.get(hop.router) ?? 0) + part)
    }
  }
  return {
    from,
    address,
    hops,
    endings,
    paths: countPaths(order.sequence, graph, order.loops),
    narrowest: narrowestOf(hops),
    example: exampleOf(graph, from),
  }
}

/** One flow's way by the kernels' hashes. */
export function traceFlow(
  plane: ControlPlane,
  from: string,
  address: string,
  choose: (router: string, hops: readonly NextHop[]) => NextHop,
): { way: string[]; outcome: Ending['outcome'] } {
  const way = [from]
  for (;;) {
    const here = way.at(-1)!
    const forwarding = forward(plane, plane.routers.get(here)!, address)
    if (forwarding.kind !== 'forward') return { way, outcome: endingOf(forwarding).outcome }
    const next = choose(here, forwarding.nextHops).router
    if (way.includes(next)) return { way: [...way, next], outcome: 'loop' }
    way.push(next)
  }
}

function explore(plane: ControlPlane, from: string, address: string): Map<string, Forwarding> {
  const graph = new Map<string, Forwarding>()
  const pending = [from]
  while (pending.length > 0) {
    const name = pending.pop()!
    if (graph.has(name)) continue
    const forwarding = forward(plane, plane.routers.get(name)!, address)
    graph.set(name, forwarding)
    if (forwarding.kind === 'forward') pending.push(...forwarding.nextHops.map((hop) => hop.router))
  }
  return graph
}

/** Routers so that each comes after all that send to it; the edges that close a circle are left out. */
function arrange(graph: ReadonlyMap<string, Forwarding>, from: string) {
  const state = new Map<string, 'open' | 'done'>()
  const loops = new Set<string>()
  const reversed: string[] = []
  const visit = (name: string) => {
    state.set(name, 'open')
    for (const hop of successors(graph, name)) {
      if (state.get(hop.router) === 'open') loops.add(`${name} ${hop.router}`)
      else if (!state.has(hop.router)) visit(hop.router)
    }
    state.set(name, 'done')
    reversed.push(name)
  }
  visit(from)
  const names = reversed.reverse()
  const depths = new Map<string, number>([[from, 0]])
  for (const name of names)
    for (const hop of successors(graph, name))
      if (!loops.has(`${name} ${hop.router}`))
        depths.set(hop.router, Math.max(depths.get(hop.router) ?? 0, depths.get(name)! + 1))
  const sequence = names.map((router) => ({ router, depth: depths.get(router)! }))
  return { sequence, loops }
}

function successors(graph: ReadonlyMap<string, Forwarding>, name: string): readonly NextHop[] {
  const forwarding = graph.get(name)!
  return forwarding.kind === 'forward' ? forwarding.nextHops : []
}

function endingOf(forwarding: Forwarding): Pick<Ending, 'outcome' | 'prefix'> {
  if (forwarding.kind === 'deliver') return { outcome: 'delivered', prefix: forwarding.prefix }
  if (forwarding.kind === 'discard') return { outcome: 'discarded', prefix: forwarding.prefix }
  return { outcome: 'no route', prefix: null }
}

function countPaths(
  sequence: readonly { router: string }[],
  graph: ReadonlyMap<string, Forwarding>,
  loops: ReadonlySet<string>,
): number {
  const counts = new Map<string, number>()
  for (const { router } of sequence.toReversed()) {
    const isEnd = graph.get(router)!.kind === 'deliver'
    const further = successors(graph, router)
      .filter((hop) => !loops.has(`${router} ${hop.router}`))
      .reduce((sum, hop) => sum + (counts.get(hop.router) ?? 0), 0)
    counts.set(router, isEnd ? 1 : further)
  }
  return Math.min(counts.get(sequence[0]!.router) ?? 0, Number.MAX_SAFE_INTEGER)
}

/** The last router before the one that has the address can have one next hop only. */
function narrowestOf(hops: readonly Hop[]): number {
  const ends = new Set(
    hops.filter(({ forwarding }) => forwarding.kind === 'deliver').map(({ router }) => router),
  )
  const widths = hops.flatMap(({ forwarding }) =>
    forwarding.kind === 'forward' && !forwarding.nextHops.every((hop) => ends.has(hop.router))
      ? [forwarding.nextHops.length]
      : [],
  )
  return widths.length === 0 ? 1 : Math.min(...widths)
}

function exampleOf(graph: ReadonlyMap<string, Forwarding>, from: string): string[] {
  const way = [from]
  for (;;) {
    const next = successors(graph, way.at(-1)!)[0]?.router
    if (next === undefined) return way
    way.push(next)
    if (way.indexOf(next) < way.length - 1) return way
  }
}
