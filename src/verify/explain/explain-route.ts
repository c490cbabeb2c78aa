/*
 * Why a router has the route it has: every path that reached it, the step of the decision that put it aside, and every
 * neighbour that has the prefix and whose announcement did not pass, with the filter that stopped it.
 */

import type { BgpRoute } from '../simulate/bgp-route.ts'
import type { ControlPlane, Path, TableEntry } from '../simulate/control-plane.ts'
import type { Step } from '../simulate/decide.ts'
import type { Refusal } from '../simulate/exchange.ts'
import { type NextHop, nextHopsOf } from '../simulate/forwarding.ts'
import { orderEffects } from '../simulate/order-effects.ts'

export interface ExplainedPath {
  /** Neighbour, or null for the router's own. */
  from: string | null
  source: Path['source']
  route: BgpRoute
  standing: 'best' | 'equal' | 'lost' | 'next hop unreachable'
  /** Where it lost, and against what. */
  step: Step | null
  had: string | null
  against: string | null
}

export interface ExplainedRefusal {
  from: string
  /** Router whose filter it was. */
  at: string
  refusal: Refusal
}

export interface RouteExplanation {
  router: string
  prefix: string
  paths: ExplainedPath[]
  nextHops: NextHop[]
  refused: ExplainedRefusal[]
  /** Neighbours that do not have the prefix themselves. */
  withoutRoute: string[]
  /** Its choice, or what it is told, depends on which path came first. */
  dependsOnOrder: boolean
}

/** Explains one router's table entry for a prefix, or why there is none. */
export function explainRoute(plane: ControlPlane, router: string, prefix: string): RouteExplanation {
  const table = plane.table(prefix)
  const entry = table.entries.get(router)
  const refused: ExplainedRefusal[] = []
  const withoutRoute: string[] = []
  const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
  for (const side of plane.sides.get(router) ?? []) {
    const neighbor = side.remote.router.name
    if (!side.families.includes(family)) continue
    const passage = plane.passage(side.remote, prefix)
    if (passage === null) withoutRoute.push(neighbor)
    else if (passage.export.refusal !== null)
      refused.push({ from: neighbor, at: neighbor, refusal: passage.export.refusal })
    else if (passage.import !== null && passage.import.refusal !== null)
      refused.push({ from: neighbor, at: router, refusal: passage.import.refusal })
  }
  return {
    router,
    prefix,
    paths: (entry?.paths ?? []).map((path) => explainPath(path, entry!.decision)),
    nextHops: entry === undefined ? [] : nextHopsOf(plane.routers.get(router)!, entry),
    refused,
    withoutRoute,
    dependsOnOrder: orderEffects(plane, prefix).some((effect) => effect.router === router),
  }
}

function explainPath(path: Path, decision: TableEntry['decision']): ExplainedPath {
  const lost = decision.eliminated.find(({ candidate }) => candidate === path)
  const standing =
    path === decision.best
      ? 'best'
      : decision.multipath.includes(path)
        ? 'equal'
        : lost === undefined
          ? 'next hop unreachable'
          : 'lost'
  return {
    from: path.from?.remote.router.name ?? null,
    source: path.source,
    route: path.route,
    standing,
    step: lost?.step ?? null,
    had: lost?.had ?? null,
    against: lost?.against ?? null,
  }
}
