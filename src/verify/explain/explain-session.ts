/** What a session is, or why there is none: both ends, what they agree on, and what passes in each direction. */
import type { ControlPlane } from '../simulate/control-plane.ts'
import type { Refusal } from '../simulate/exchange.ts'
import type { SessionProblem, SessionSide } from '../simulate/sessions.ts'

export interface Direction {
  from: string
  to: string
  /** Prefixes that `from` has chosen a route to. */
  known: number
  sent: number
  accepted: number
  /** Reason and filter → prefixes, most first. */
  refused: { at: string; refusal: Refusal; count: number; example: string }[]
}

export interface SessionExplanation {
  a: string
  b: string
  sessions: { side: SessionSide; directions: [Direction, Direction] }[]
  problems: SessionProblem[]
  /** A cable joins them. */
  isCabled: boolean
}

/** Explains the sessions between two routers. */
export function explainSession(plane: ControlPlane, a: string, b: string): SessionExplanation {
  const sides = (plane.sides.get(a) ?? []).filter(({ remote }) => remote.router.name === b)
  const cables = plane.links.filter(
    ({ a: x, b: y }) => [x.router, y.router].sort().join() === [a, b].sort().join(),
  )
  return {
    a,
    b,
    sessions: sides.map((side) => ({
      side,
      directions: [direction(plane, side), direction(plane, side.remote)],
    })),
    problems: plane.problems.filter(({ router, neighbor, detail }) => {
      if (router !== a && router !== b) return false
      const other = router === a ? b : a
      return (
        detail.includes(other) ||
        cables.some(({ a: x, b: y }) =>
          [x, y].some((end) => end.router === router && end.interface === neighbor),
        )
      )
    }),
    isCabled: cables.length > 0,
  }
}

function direction(plane: ControlPlane, side: SessionSide): Direction {
  const to = side.remote.router.name
  const result: Direction = { from: side.router.name, to, known: 0, sent: 0, accepted: 0, refused: [] }
  for (const prefix of plane.prefixes()) {
    const passage = plane.passage(side, prefix)
    if (passage === null) continue
    result.known++
    if (passage.export.route !== null) result.sent++
    if (passage.import?.route != null) result.accepted++
    const refusal = passage.export.refusal ?? passage.import?.refusal ?? null
    if (refusal === null) continue
    const at = refusal.stage === 'export' ? side.router.name : to
    const known = result.refused.find(
      (entry) => entry.at === at && JSON.stringify(entry.refusal) === JSON.stringify(refusal),
    )
    if (known === undefined) result.refused.push({ at, refusal, count: 1, example: prefix })
    else known.count++
  }
  result.refused.sort((x, y) => y.count - x.count)
  return result
}
