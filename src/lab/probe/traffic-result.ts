import type { Share, TrafficResult } from '../drills/result.ts'
import { countNeedlessMoves, sharesOf } from './balance.ts'
import type { FlowReport } from './flow-report.ts'
import type { FlowPath } from './path.ts'
import type { FlowRecord } from './protocol.ts'

/** One group of flows with everything that was found out about it. */
export interface MeasuredGroup {
  spec: Pick<TrafficResult, 'name' | 'from' | 'to' | 'protocol'>
  report: FlowReport
  /** Paths in the order of the flows; none when they were not followed. */
  before: readonly FlowPath[]
  after: readonly FlowPath[]
}

/** Puts what was measured on the clock of a drill: milliseconds after its first fault. Pure. */
export function summarizeTraffic(
  { spec, report, before, after }: MeasuredGroup,
  zeroAt: number,
  lastActionAt: number,
): TrafficResult {
  const records = report.series.flows
  // Balance is of the time in which traffic had settled again.
  const settledAt = Math.max(
    lastActionAt,
    ...report.flows.flatMap(({ gaps }) => gaps.map(({ toMs }) => toMs)),
  )
  return {
    name: spec.name,
    from: spec.from,
    to: spec.to,
    protocol: spec.protocol,
    flows: report.flows.map((flow, index) => ({
      id: String(flow.sourcePort),
      sent: flow.sent,
      lost: flow.lost,
      reordered: flow.reordered,
      outageMs: flow.longestGapMs,
      gaps: flow.gaps.map(({ fromMs, toMs }) => ({ fromMs: fromMs - zeroAt, toMs: toMs - zeroAt })),
      pathBefore: before[index]?.devices ?? [],
      // A connection that was opened again has another port and another way.
      pathAfter: flow.reset > 0 ? [] : (after[index]?.devices ?? []),
      reset: flow.reset,
      stalled: flow.stalled,
    })),
    resolutionMs: report.resolutionMs,
    balance: {
      before: countAnswers(records, Number.NEGATIVE_INFINITY, zeroAt),
      after: countAnswers(records, settledAt, Number.POSITIVE_INFINITY),
    },
    movedNeedlessly: countNeedlessMoves(
      records.map((record) => ({
        before: lastAnswerer(record, zeroAt),
        after: lastAnswerer(record, Number.POSITIVE_INFINITY),
      })),
    ),
  }
}

/** Who answered what was sent within a time. */
function countAnswers(records: readonly FlowRecord[], fromMs: number, untilMs: number): Share[] {
  const counts = new Map<string, number>()
  for (const { sentAt, answeredBy, answerers } of records)
    for (const [index, place] of answeredBy.entries()) {
      const name = answerers[place]
      const sent = sentAt[index] as number
      if (name === undefined || sent < fromMs || sent >= untilMs) continue
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  return sharesOf(counts)
}

function lastAnswerer({ sentAt, answeredBy, answerers }: FlowRecord, untilMs: number): string | null {
  for (let index = sentAt.length - 1; index >= 0; index--) {
    const place = answeredBy[index] as number
    if (place >= 0 && (sentAt[index] as number) < untilMs) return answerers[place] ?? null
  }
  return null
}
