import type { ControlPlane } from './control-plane.ts'
import type { SessionSide } from './sessions.ts'

export interface OverLimit {
  /** End that counts, and closes the session. */
  side: SessionSide
  limit: number
  received: number
}

/**
 * Sessions over which a neighbour announces more prefixes than it may: FRR closes them, and they stay closed. Everything
 * announced counts, also what the receiver's filters deny.
 */
export function overLimit(plane: ControlPlane): OverLimit[] {
  const counts = new Map<SessionSide, { ipv4: number; ipv6: number }>()
  for (const prefix of plane.prefixes()) {
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
    for (const name of plane.table(prefix).entries.keys())
      for (const side of plane.sides.get(name) ?? []) {
        if (side.remote.neighbor.families[family]?.maximumPrefixes == null) continue
        if (plane.passage(side, prefix)?.export.route == null) continue
        const count = counts.get(side.remote) ?? { ipv4: 0, ipv6: 0 }
        count[family]++
        counts.set(side.remote, count)
      }
  }
  return [...counts].flatMap(([side, count]) =>
    (['ipv4', 'ipv6'] as const).flatMap((family) => {
      const limit = side.neighbor.families[family]?.maximumPrefixes ?? null
      return limit !== null && count[family] > limit ? [{ side, limit, received: count[family] }] : []
    }),
  )
}
