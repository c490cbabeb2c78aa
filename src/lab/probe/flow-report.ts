import type { FlowRecord, FlowSeries } from './protocol.ts'

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
  /** What the results were made of. */
  series: FlowSeries
}

/** Times are milliseconds since the epoch. */
export interface Gap {
  fromMs: number
  toMs: number
}

export interface FlowResult {
  sourcePort: number
  sent: number
  lost: number
  reordered: number
  duplicated: number
  /** TCP and HTTP: connections that were broken. */
  reset: number
  /** TCP and HTTP: times in which nothing was answered although something was asked. */
  stalled: number
  /** Every run of losses: from its first packet to the next that got through, by sending times. */
  gaps: Gap[]
  longestGapMs: number
  /** When the longest began, in milliseconds after the first packet of the flow; null without losses. */
  gapStartedMs: number | null
  answeredBy: string[]
}

/** A sender that paused longer than this has missed what it was there to see. */
const longestStallMs = 50

/** Turns what a sender recorded into losses and outages. */
export function analyzeFlows(series: FlowSeries): FlowReport {
  const flows = series.flows.map((flow) => analyzeFlow(flow, series))
  const [first, ...others] = flows
  if (first === undefined) throw new Error('a flow series without flows')
  return {
    flows,
    worst: others.reduce((worst, flow) => (flow.longestGapMs > worst.longestGapMs ? flow : worst), first),
    sent: flows.reduce((sum, flow) => sum + flow.sent, 0),
    lost: flows.reduce((sum, flow) => sum + flow.lost, 0),
    resolutionMs: Math.max(series.intervalMs, series.senderStallMs, series.stallAfterMs ?? 0),
    voidedBecause: whyVoid(series),
    series,
  }
}

function whyVoid({ senderStallMs, missedByCapture }: FlowSeries): string | null {
  if (senderStallMs > longestStallMs)
    return `the sender stood still for ${Math.round(senderStallMs)} ms: the machine is too busy to measure`
  if (missedByCapture > 0)
    return `the kernel could not keep ${missedByCapture} packets for the meter: the machine is too busy to measure`
  return null
}

function analyzeFlow(flow: FlowRecord, { intervalMs, stallAfterMs }: FlowSeries): FlowResult {
  const gaps =
    stallAfterMs === null ? findLosses(flow, intervalMs) : findStalls(flow, intervalMs, stallAfterMs)
  const lengthOf = ({ fromMs, toMs }: Gap) => toMs - fromMs
  const longest = gaps.reduce<Gap | null>(
    (found, gap) => (found === null || lengthOf(gap) > lengthOf(found) ? gap : found),
    null,
  )
  return {
    sourcePort: flow.sourcePort,
    sent: flow.sentAt.length,
    lost: flow.answeredAt.reduce((sum, time) => sum + (Number.isNaN(time) ? 1 : 0), 0),
    reordered: flow.reordered,
    duplicated: flow.duplicated,
    reset: flow.reset,
    stalled: stallAfterMs === null ? 0 : gaps.length,
    gaps,
    longestGapMs: longest === null ? 0 : lengthOf(longest),
    gapStartedMs: longest === null ? null : longest.fromMs - (flow.sentAt[0] ?? 0),
    answeredBy: flow.answerers,
  }
}

/** Runs of packets without an answer. */
function findLosses({ sentAt, answeredAt }: FlowRecord, intervalMs: number): Gap[] {
  const gaps: Gap[] = []
  let runStart: number | null = null
  const endRun = (toMs: number) => {
    if (runStart !== null) gaps.push({ fromMs: runStart, toMs })
    runStart = null
  }
  for (const [index, time] of sentAt.entries()) {
    if (Number.isNaN(answeredAt[index])) runStart ??= time
    else endRun(time)
  }
  // A run that was still going on at the end lasted at least until the next packet would have been due.
  endRun((sentAt.at(-1) ?? 0) + intervalMs)
  return gaps
}

/** Times in which something that was asked waited longer than usual for its answer; overlapping ones are one. */
function findStalls({ sentAt, answeredAt }: FlowRecord, intervalMs: number, stallAfterMs: number): Gap[] {
  const gaps: Gap[] = []
  const endMs = (sentAt.at(-1) ?? 0) + intervalMs
  for (const [index, fromMs] of sentAt.entries()) {
    const answered = answeredAt[index] as number
    // What was never answered was missed until the next answer to a later question.
    const toMs = Number.isNaN(answered) ? nextAnswer(answeredAt, index, endMs) : answered
    if (!Number.isNaN(answered) && toMs - fromMs <= stallAfterMs) continue
    const last = gaps.at(-1)
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else gaps.push({ fromMs, toMs })
  }
  return gaps
}

function nextAnswer(answeredAt: Float64Array, index: number, endMs: number): number {
  for (let later = index + 1; later < answeredAt.length; later++)
    if (!Number.isNaN(answeredAt[later])) return answeredAt[later] as number
  return endMs
}
