/*
 * Expected traffic on every link and at every place where it ends, for a traffic matrix: each demand is split at every
 * router over its next hops by their weights. Demands to one destination are carried together, so the work grows with
 * destinations times routers, not with pairs.
 */
import type { ControlPlane } from '../simulate/control-plane.ts'
import { type Forwarding, forward } from '../simulate/forwarding.ts'

export interface Demand {
  from: string
  /** Address that the packets are for. */
  to: string
  amount: number
}

export interface LinkLoad {
  from: string
  to: string
  interface: string
  amount: number
}

export interface LoadResult {
  links: LinkLoad[]
  /** Router → amount that ends there. */
  delivered: Map<string, number>
  /** What does not arrive, by router and reason. */
  lost: { router: string; reason: 'discarded' | 'no route' | 'loop'; amount: number }[]
  offered: number
}

/** Carries all demands through the network. */
export function computeLoad(plane: ControlPlane, demands: readonly Demand[]): LoadResult {
  const links = new Map<string, LinkLoad>()
  const result: LoadResult = { links: [], delivered: new Map(), lost: [], offered: 0 }
  for (const [address, together] of Map.groupBy(demands, ({ to }) => to)) {
    const sources = new Map<string, number>()
    for (const { from, amount } of together) sources.set(from, (sources.get(from) ?? 0) + amount)
    result.offered += together.reduce((sum, { amount }) => sum + amount, 0)
    carry(plane, address, sources, links, result)
  }
  result.links = [...links.values()].sort((a, b) => b.amount - a.amount)
  return result
}

function carry(
  plane: ControlPlane,
  address: string,
  sources: ReadonlyMap<string, number>,
  links: Map<string, LinkLoad>,
  result: LoadResult,
): void {
  const graph = new Map<string, Forwarding>()
  const state = new Map<string, 'open' | 'done'>()
  const closing = new Set<string>()
  const finished: string[] = []
  const visit = (name: string) => {
    state.set(name, 'open')
    const forwarding = forward(plane, plane.routers.get(name)!, address)
    graph.set(name, forwarding)
    for (const hop of forwarding.kind === 'forward' ? forwarding.nextHops : []) {
      if (state.get(hop.router) === 'open') closing.add(`${name} ${hop.router}`)
      else if (!state.has(hop.router)) visit(hop.router)
    }
    state.set(name, 'done')
    finished.push(name)
  }
  for (const name of sources.keys()) if (!state.has(name)) visit(name)
  const amounts = new Map(sources)
  const lose = (router: string, reason: LoadResult['lost'][number]['reason'], amount: number) => {
    const known = result.lost.find((entry) => entry.router === router && entry.reason === reason)
    if (known === undefined) result.lost.push({ router, reason, amount })
    else known.amount += amount
  }
  for (const name of finished.reverse()) {
    const amount = amounts.get(name) ?? 0
    const forwarding = graph.get(name)!
    if (forwarding.kind === 'deliver') result.delivered.set(name, (result.delivered.get(name) ?? 0) + amount)
    else if (forwarding.kind === 'discard') lose(name, 'discarded', amount)
    else if (forwarding.kind === 'no route') lose(name, 'no route', amount)
    else {
      const total = forwarding.nextHops.reduce((sum, hop) => sum + hop.weight, 0)
      for (const hop of forwarding.nextHops) {
        const part = (amount * hop.weight) / total
        if (closing.has(`${name} ${hop.router}`)) {
          lose(name, 'loop', part)
          continue
        }
        const key = `${name} ${hop.interface}`
        const link = links.get(key) ?? { from: name, to: hop.router, interface: hop.interface, amount: 0 }
        link.amount += part
        links.set(key, link)
        amounts.set(hop.router, (amounts.get(hop.router) ?? 0) + part)
      }
    }
  }
}
