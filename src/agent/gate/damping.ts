import type { DampingConfig } from '../config.ts'

/*
 * How often health may change what is said about one address.
 *
 * Only what brings traffic back waits: announcing again after health had withdrawn, and new weights. A withdrawal never
 * waits, since it takes traffic from where it would be lost. So an address that flaps for ever causes two UPDATEs per
 * hold-down at most, and the hold-down doubles up to its maximum; a quiet time forgets one change after the other.
 *
 * Pure: the clock is an argument.
 */

export interface Pace {
  /** Recent changes, those that were forgotten taken off. */
  readonly changes: number
  readonly lastAtMs: number
}

export const untroubled: Pace = { changes: 0, lastAtMs: Number.NEGATIVE_INFINITY }

/** When the next change may be made; now or earlier means at once. */
export function allowedAtMs(pace: Pace, config: DampingConfig): number {
  const beyond = pace.changes - config.freeChanges
  if (beyond < 0) return Number.NEGATIVE_INFINITY
  const seconds = Math.min(config.holdDownSeconds * 2 ** beyond, config.maxHoldDownSeconds)
  return pace.lastAtMs + seconds * 1000
}

/** The pace after a change made now. */
export function afterChange(pace: Pace, nowMs: number, config: DampingConfig): Pace {
  const quietSeconds = (nowMs - pace.lastAtMs) / 1000
  const forgotten = Math.floor(Math.min(quietSeconds / config.forgetSeconds, pace.changes))
  // More than the longest hold-down needs would only make forgetting longer.
  const most = config.freeChanges + 32
  return { changes: Math.min(pace.changes - forgotten + 1, most), lastAtMs: nowMs }
}
