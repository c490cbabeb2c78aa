import type { ControlPlane } from '../simulate/control-plane.ts'
import type { Refusal } from '../simulate/exchange.ts'

/** Where a route ends on its way to a router that does not have it. */
export interface Barrier {
  /** From the router that lacks the route to the nearest one that has it. */
  way: string[]
  /** The one that has it. */
  from: string
  /** Whose filter refused it; that of `from`, or of the next router on the way. */
  at: string
  refusal: Refusal | null
}

/** The nearest router, over BGP sessions, that has the prefix, and what keeps it from coming nearer; null when nobody has it. */
export function findBarrier(plane: ControlPlane, router: string, prefix: string): Barrier | null {
  const { entries } = plane.table(prefix)
  const cameFrom = new Map<string, string | null>([[router, null]])
  for (const name of cameFrom.keys()) {
    if (entries.has(name)) {
      const way: string[] = []
      for (let step: string | null = name; step !== null; step = cameFrom.get(step) ?? null) way.unshift(step)
      return { way, from: name, ...stop(plane, name, way.at(-2) ?? name, prefix) }
    }
    for (const { remote } of plane.sides.get(name) ?? [])
      if (!cameFrom.has(remote.router.name)) cameFrom.set(remote.router.name, name)
  }
  return null
}

function stop(
  plane: ControlPlane,
  from: string,
  to: string,
  prefix: string,
): Pick<Barrier, 'at' | 'refusal'> {
  const side = (plane.sides.get(from) ?? []).find(({ remote }) => remote.router.name === to)
  const passage = side === undefined ? null : plane.passage(side, prefix)
  const exported = passage?.export.refusal ?? null
  if (exported !== null) return { at: from, refusal: exported }
  return { at: to, refusal: passage?.import?.refusal ?? null }
}
