import { contains, parsePrefix } from '../../net/prefix.ts'
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
 * detection: until the first session or interface was known to be down, or a route was taken back; propagation: until
 * the last routing decision; fib: until the last kernel table was written; rest: until packets arrived again.
 *
 * @param addresses both ends of the flow; decisions and tables about other prefixes then do not count
 */
export function explainOutage(
  events: readonly TimelineEvent[],
  gap: Gap,
  addresses: readonly string[] = [],
): OutagePhase[] | null {
  const during = events.filter(
    (event) =>
      event.atMs >= gap.fromMs - toleranceMs &&
      event.atMs <= gap.toMs + toleranceMs &&
      matters(event, addresses),
  )
  const first = during.find(isNotice)
  if (first === undefined) return null
  const after = during.filter(({ atMs }) => atMs >= first.atMs)
  const lastWritten = after.findLast(({ source }) => source === 'fib')
  const lastDecided = after.findLast(
    ({ source, atMs }) => source === 'rib' && (lastWritten === undefined || atMs <= lastWritten.atMs),
  )
  const detectedMs = clamp(first.atMs, gap)
  const decidedMs = clamp(lastDecided?.atMs ?? first.atMs, gap)
  const writtenMs = clamp(lastWritten?.atMs ?? decidedMs, gap)
  return [
    { name: 'detection', fromMs: gap.fromMs, toMs: detectedMs },
    { name: 'propagation', fromMs: detectedMs, toMs: decidedMs },
    { name: 'fib', fromMs: decidedMs, toMs: writtenMs },
    { name: 'rest', fromMs: writtenMs, toMs: gap.toMs },
  ]
}

/** From it on somebody knew: a neighbour is gone, an agent acted, or a route was decided on for whatever reason. */
function isNotice({ source, text }: TimelineEvent): boolean {
  if (source === 'rib' || source === 'fib' || source === 'agent') return true
  return (source === 'link' || source === 'bfd' || source === 'bgp') && text.startsWith('down')
}

function matters({ source, subject }: TimelineEvent, addresses: readonly string[]): boolean {
  if ((source !== 'rib' && source !== 'fib') || addresses.length === 0) return true
  const prefix = parsePrefix(subject)
  return addresses.some((address) =>
    contains(prefix, parsePrefix(`${address}/${address.includes(':') ? 128 : 32}`)),
  )
}

function clamp(ms: number, { fromMs, toMs }: Gap): number {
  return Math.min(Math.max(ms, fromMs), toMs)
}
