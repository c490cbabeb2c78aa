import type { FlowSeries } from './protocol.ts'

export interface FlowReport {
  flows: FlowResult[]
  /** The flow that fared worst decides (RFC 7747: loss duration). */
  worst: FlowResult
  sent: number
  lost: number
  /** Outages shorter than this cannot be told from none. */
  resolutionMs: number
  /** Why these numbers must not be used: the machine did not let the sender send. Null when they hold. */
  voidedBecause: string | null
}

export interface FlowResult {
  sourcePort: number
  sent: number
  lost: number
  /** From the first lost packet of the longest run of losses until the next that got through, by sending times. */
  longestGapMs: number
  /** When that run began, in milliseconds after the first packet of the flow; null without losses. */
  gapStartedMs: number | null
  answeredBy: string[]
}

/** A sender that paused longer than this has missed what it was there to see. */
const longestStallMs = 50

/** Turns what a sender recorded into losses and outages. */
export function analyzeFlows(series: FlowSeries): FlowReport {
  const flows = series.flows.map((flow) => analyzeFlow(flow, series.intervalMs))
  const [first, ...others] = flows
  if (first === undefined) throw new Error('a flow series without flows')
  return {
    flows,
    worst: others.reduce((worst, flow) => (flow.longestGapMs > worst.longestGapMs ? flow : worst), first),
    sent: flows.reduce((sum, flow) => sum + flow.sent, 0),
    lost: flows.reduce((sum, flow) => sum + flow.lost, 0),
    resolutionMs: Math.max(series.intervalMs, series.senderStallMs),
    voidedBecause:
      series.senderStallMs > longestStallMs
        ? `the sender stood still for ${Math.round(series.senderStallMs)} ms: the machine is too busy to measure`
        : null,
  }
}

function analyzeFlow(flow: FlowSeries['flows'][number], intervalMs: number): FlowResult {
  const { sentAt, answeredAt } = flow
  let lost = 0
  let longestGapMs = 0
  let gapStartedMs: number | null = null
  let runStart: number | null = null
  const endRun = (endMs: number) => {
    if (runStart !== null && endMs - runStart > longestGapMs) {
      longestGapMs = endMs - runStart
      gapStartedMs = runStart - (sentAt[0] ?? 0)
    }
    runStart = null
  }
  for (const [index, time] of sentAt.entries()) {
    if (answeredAt[index] === null) {
      lost++
      runStart ??= time
    } else endRun(time)
  }
  // A run that was still going on at the end lasted at least until the next packet would have been due.
  endRun((sentAt.at(-1) ?? 0) + intervalMs)
  return {
    sourcePort: flow.sourcePort,
    sent: sentAt.length,
    lost,
    longestGapMs,
    gapStartedMs,
    answeredBy: flow.answeredBy,
  }
}
