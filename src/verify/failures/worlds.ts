/**
 * A world is the plan with some failure in force; world 0 is the one without. Each has its own classes of prefixes: those
 * that symmetries which leave the failure alone take to each other.
 */
import type { PrefixUniverse } from '../symmetry/prefix-universe.ts'
import { prefixClasses, type Symmetry, swapsThatMove } from '../symmetry/symmetry.ts'
import type { FailureClass } from './failure.ts'

export interface World {
  /** Null in world 0. */
  failure: FailureClass | null
  devices: readonly number[]
  sessions: readonly number[]
  /** Swaps that do not leave the failure alone. */
  moving: ReadonlySet<number>
  /** Prefix, size of its class, prefix, size, …: one prefix of each class. Null when every prefix stands alone. */
  classes: Int32Array | null
  /** By condition (conditions.ts): does it hold here? */
  holds: Uint8Array
}

/** World 0 and one for each class of failures. */
export function makeWorlds(
  symmetry: Symmetry,
  universe: PrefixUniverse,
  classes: readonly FailureClass[],
): World[] {
  const known = new Map<string, Int32Array | null>()
  return [null, ...classes].map((failure): World => {
    const failures = failure?.failures ?? []
    const moving = swapsThatMove(
      symmetry,
      failures.map(({ anchor }) => anchor),
    )
    const key = [...moving].sort((x, y) => x - y).join()
    let prefixes = known.get(key)
    if (prefixes === undefined) {
      prefixes =
        symmetry.swaps.length === 0 ? null : flatten(prefixClasses(symmetry, universe.texts.length, moving))
      known.set(key, prefixes)
    }
    const devices = [...new Set(failures.flatMap((entry) => entry.devices))]
    return {
      failure,
      devices,
      sessions: [...new Set(failures.flatMap((entry) => entry.sessions))],
      moving,
      classes: prefixes,
      holds: new Uint8Array(0),
    }
  })

  function flatten(sizes: ReadonlyMap<number, number>): Int32Array {
    return Int32Array.from([...sizes].flat())
  }
}

/** For each prefix the worlds in which it stands for its class, with the size of that class. */
export function worldsByPrefix(
  worlds: readonly World[],
  prefixes: number,
): { world: number; size: number }[][] {
  if (worlds.every(({ classes }) => classes === null)) {
    const everywhere = Array.from(worlds.keys(), (world) => ({ world, size: 1 }))
    return new Array(prefixes).fill(everywhere)
  }
  const byPrefix: { world: number; size: number }[][] = Array.from({ length: prefixes }, () => [])
  for (const [world, { classes }] of worlds.entries()) {
    if (classes === null) for (const list of byPrefix) list.push({ world, size: 1 })
    else
      for (let at = 0; at < classes.length; at += 2)
        byPrefix[classes[at]!]!.push({ world, size: classes[at + 1]! })
  }
  return byPrefix
}
