/**
 * Verdicts: what was measured against what the drill, and the intent, expect.
 *
 * A number decides only if it can be trusted: a repeat in which the machine stood still, in which no flow crossed what
 * failed, or whose flows are too far apart to see the limit, decides nothing. A machine whose processors are always waited
 * for can show that a limit holds, and not that it does not. `undecided` is never `ok`.
 */
import type { Expectation } from '../../intent/model.ts'
import type { Plan } from '../../plan/model.ts'
import type { FaultSpec } from '../faults/model.ts'
import { worstVerdict } from './distribution.ts'
import type { Drill } from './drill.ts'
import { type LimitWords, limitValue } from './limit.ts'
import type { ExpectationResult, RepeatResult, TrafficResult, Verdict } from './result.ts'
import { type ExpectationDraft, type Metric, metricNames } from './scenario-schema.ts'

export interface JudgedRepeat {
  result: RepeatResult
  /** What the words of a limit stand for in it. */
  words: LimitWords
  /** Why it shows nothing about what failed, though its numbers hold. */
  missedBecause: string | null
}

/** One expectation, ready to be held against repeats. */
interface Statement {
  text: string
  source: 'scenario' | 'intent'
  path: string
  metric: Metric
  of: string | undefined
  limitOf: (words: LimitWords) => number
}

/** Above this, daemons are late because of the machine. */
const busyShare = 0.5

/** Judges every statement of a drill, and those of the intent that speak about such a failure. */
export function judgeDrill(
  drill: Drill,
  repeats: readonly JudgedRepeat[],
  fromIntent: readonly SurvivalLimit[] = [],
): { expectations: ExpectationResult[]; verdict: Verdict } {
  const statements = [
    ...drill.expect.map((draft, index) => statementOf(draft, index)),
    ...fromIntent.map(surviving),
  ]
  const expectations = statements.map((statement) => judge(statement, repeats))
  return { expectations, verdict: worstVerdict(expectations.map(({ verdict }) => verdict)) }
}

/** Results of a drill that could not be run: undecided, with the reason. */
export function leaveUndecided(drill: Drill, why: string): ExpectationResult[] {
  return drill.expect.map((draft, index) => {
    const { text, source, path } = statementOf(draft, index)
    return { text, source, path, verdict: 'undecided', found: why }
  })
}

/** What an intent says about the loss of a link, a device or a site. */
export interface SurvivalLimit {
  path: string
  text: string
  outageMs: number
}

/** The intent's statements about as many failures of this kind as these faults are. */
export function survivalLimits(
  expect: readonly Expectation[],
  faults: readonly FaultSpec[],
): SurvivalLimit[] {
  const kinds = faults.map(failureKind)
  const [kind] = kinds
  if (kind === undefined || kind === null || kinds.some((other) => other !== kind)) return []
  return expect.flatMap((statement) =>
    statement.kind === 'survive' &&
    statement.outageMilliseconds !== null &&
    statement.fail.includes(kind) &&
    faults.length <= statement.count
      ? [
          {
            path: statement.path,
            text: `survive ${statement.count} ${statement.count === 1 ? statement.fail.join(' or ') : `of ${statement.fail.join(', ')}`}, outage <= ${statement.outageMilliseconds} ms`,
            outageMs: statement.outageMilliseconds,
          },
        ]
      : [],
  )
}

/** What BFD needs to see this fault; 0 where something faster tells, or nothing has to be seen. */
export function detectionMs(plan: Plan, fault: FaultSpec, touchedLinks: readonly string[]): number {
  const isSilent =
    fault.kind === 'silent' || ('how' in fault && (fault.how === 'silent' || fault.how === 'power'))
  if (!isSilent) return 0
  const times = plan.sessions
    .filter(({ link }) => touchedLinks.includes(link))
    .map(({ bfd, timers }) => {
      const profile = bfd === null ? undefined : plan.bfdProfiles[bfd]
      if (profile === undefined) return timers.holdSeconds * 1000
      return Math.max(profile.transmitMilliseconds, profile.receiveMilliseconds) * profile.multiplier
    })
  return Math.max(0, ...times)
}

function failureKind(fault: FaultSpec): 'link' | 'device' | 'site' | null {
  switch (fault.kind) {
    case 'carrier':
    case 'silent':
      return 'traffic' in fault && fault.traffic !== undefined && fault.traffic !== 'all' ? null : 'link'
    case 'device':
      return 'device'
    case 'site':
      return (fault.boundary ?? 'all') === 'all' ? 'site' : null
    default:
      return null
  }
}

function statementOf(draft: ExpectationDraft, index: number): Statement {
  const metric = metricNames.find((name) => draft[name] !== undefined) ?? 'worst outage'
  const limit = draft[metric]
  if (limit === undefined) throw new Error(`expect[${index}] says nothing`)
  return {
    text: `${metric}: ${limit.text}${draft.of === undefined ? '' : ` (of ${draft.of})`}`,
    source: 'scenario',
    path: `expect[${index}]`,
    metric,
    of: draft.of,
    limitOf: (words) => limitValue(limit, words),
  }
}

function surviving({ path, text, outageMs }: SurvivalLimit): Statement {
  return {
    text,
    source: 'intent',
    path,
    metric: 'worst outage',
    of: undefined,
    limitOf: () => outageMs,
  }
}

function judge(statement: Statement, repeats: readonly JudgedRepeat[]): ExpectationResult {
  const { text, source, path } = statement
  const judged = repeats.map((repeat, index) => ({ ...judgeRepeat(statement, repeat), index }))
  const decided = judged.filter(({ verdict }) => verdict !== 'undecided')
  const isViolated = decided.some(({ verdict }) => verdict === 'violated')
  const verdict: Verdict = isViolated ? 'violated' : decided.length > 0 ? 'ok' : 'undecided'
  const relevant = judged.filter((one) => one.verdict === verdict)
  const worst = relevant.reduce<(typeof judged)[number] | undefined>(
    (most, next) => (most === undefined || next.value > most.value ? next : most),
    undefined,
  )
  if (worst === undefined) return { text, source, path, verdict: 'undecided', found: 'it was not run' }
  const inRepeat = repeats.length > 1 ? ` (repeat ${worst.index + 1} of ${repeats.length})` : ''
  const undecided = judged.length - decided.length
  const left =
    verdict !== 'undecided' && undecided > 0
      ? `; ${undecided} of ${judged.length} repeats decide nothing`
      : ''
  return { text, source, path, verdict, found: `${worst.found}${inRepeat}${left}` }
}

interface RepeatVerdict {
  verdict: Verdict
  value: number
  found: string
}

function judgeRepeat(
  { metric, of, limitOf }: Statement,
  { result, words, missedBecause }: JudgedRepeat,
): RepeatVerdict {
  const undecided = (found: string): RepeatVerdict => ({ verdict: 'undecided', value: 0, found })
  if (result.voidedBecause !== null) return undecided(`not measured: ${result.voidedBecause}`)
  if (missedBecause !== null) return undecided(missedBecause)
  const traffic = result.traffic.filter(({ name }) => of === undefined || name === of)
  const flows = traffic.reduce((sum, group) => sum + group.flows.length, 0)
  if (flows === 0) return undecided('no flow was measured')
  const isOutage = metric === 'worst outage'
  const injectionMs = isOutage ? words.injectionMs : 0
  const limit = limitOf(words) + injectionMs
  const { value, found } = measure(metric, traffic, result)
  const breaking = injectionMs < 1 ? '' : `, with the ${Math.round(injectionMs)} ms that breaking it took`
  const against = `${found}; allowed ${Math.round(limit)}${isOutage ? ' ms' : ''}${breaking}`
  if (value <= limit) return { verdict: 'ok', value, found: against }
  const waitShare = result.cpuWaitShare ?? 0
  if (waitShare > busyShare)
    return {
      verdict: 'undecided',
      value,
      found: `${against}, on a machine where something waited for a processor ${Math.round(100 * waitShare)} % of the time`,
    }
  if (!isOutage) return { verdict: 'violated', value, found: against }
  // A flow sees the edges of an outage only as well as its packets are close.
  const resolution = Math.max(0, ...traffic.map((group) => group.resolutionMs))
  if (value - resolution <= limit)
    return {
      verdict: 'undecided',
      value,
      found: `${against}, within the resolution of ${resolution.toFixed(0)} ms: raise the rate`,
    }
  return { verdict: 'violated', value, found: against }
}

function measure(
  metric: Metric,
  traffic: readonly TrafficResult[],
  result: RepeatResult,
): { value: number; found: string } {
  const all = traffic.flatMap((group) => group.flows.map((flow) => ({ group, flow })))
  const total = (field: 'lost' | 'sent' | 'reset' | 'stalled') =>
    all.reduce((sum, { flow }) => sum + flow[field], 0)
  switch (metric) {
    case 'worst outage': {
      const worst = all.reduce((most, next) => (next.flow.outageMs > most.flow.outageMs ? next : most))
      const value = worst.flow.outageMs
      return {
        value,
        found:
          value === 0
            ? 'no flow was interrupted'
            : `${value.toFixed(0)} ms, flow ${worst.flow.id} of ${worst.group.name}${byWay(worst.flow.pathBefore)}`,
      }
    }
    case 'lost': {
      const worst = all.reduce((most, next) => (next.flow.lost > most.flow.lost ? next : most))
      const value = total('lost')
      const most = value === 0 ? '' : `, most of them in flow ${worst.flow.id} of ${worst.group.name}`
      return { value, found: `${value} of ${total('sent')} packets${most}` }
    }
    case 'connections reset':
      return { value: total('reset'), found: `${total('reset')} connections reset` }
    case 'connections stalled':
      return { value: total('stalled'), found: `${total('stalled')} connections stalled` }
    case 'never recovered': {
      const dead = all.filter(({ flow }) =>
        flow.gaps.some(({ toMs }) => toMs >= (result.measured?.toMs ?? Infinity) - 1),
      )
      const [first] = dead
      const which = first === undefined ? '' : `, such as ${first.flow.id} of ${first.group.name}`
      return { value: dead.length, found: `${dead.length} flows without an answer at the end${which}` }
    }
    case 'moved needlessly': {
      const value = traffic.reduce((sum, group) => sum + group.movedNeedlessly, 0)
      return { value, found: `${value} flows moved that had no reason to` }
    }
  }
}

function byWay(path: readonly string[]): string {
  return path.length === 0 ? '' : `, which went over ${path.join(' ')}`
}
