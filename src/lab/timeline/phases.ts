import type { TimelineEvent } from './model.ts'

/** An outage taken apart: who was slow. */
export interface OutagePhase {
  name: 'detection' | 'propagation' | 'fib' | 'rest'
  fromMs: number
  toMs: number
}

/** Times of an outage, on the clock of the events. */
export interface Gap {
  fromMs: number
  toMs: number
}

/** Events may be seen this much later than what they caused: their readers are processes like others. */
const toleranceMs = 5

/**
 * Takes an outage apart by what the fabric said meanwhile; null when it said nothing about it.
 *
 * detection: until the first session or interface was known to be down; propagation: until the last routing decision;
 * fib: until the last kernel table was written; rest: until packets arrived again.
 */
export function explainOutage(events: readonly TimelineEvent[], gap: Gap): OutagePhase[] | null {
  const during = events.filter(
    ({ atMs }) => atMs >= gap.fromMs - toleranceMs && atMs <= gap.toMs + toleranceMs,
  )
  const clamp = (ms: number) => Math.min(Math.max(ms, gap.fromMs), gap.toMs)
  const down = during.find(
    ({ source, text }) =>
      (source === 'link' || source === 'bfd' || source === 'bgp') && /\bdown\b/i.test(text),
  )
  if (down === undefined) return null
  const detectedMs = clamp(down.atMs)
  const after = during.filter(({ atMs }) => atMs >= down.atMs)
  const lastFib = after.findLast(({ source }) => source === 'fib')
  const decisions = after.filter(
    ({ source, atMs }) =>
      (source === 'rib' || source === 'bgp') && (lastFib === undefined || atMs <= lastFib.atMs),
  )
  const decidedMs = clamp(decisions.at(-1)?.atMs ?? detectedMs)
  const writtenMs = clamp(lastFib?.atMs ?? decidedMs)
  return [
    { name: 'detection', fromMs: gap.fromMs, toMs: detectedMs },
    { name: 'propagation', fromMs: detectedMs, toMs: decidedMs },
    { name: 'fib', fromMs: decidedMs, toMs: writtenMs },
    { name: 'rest', fromMs: writtenMs, toMs: gap.toMs },
  ]
}
