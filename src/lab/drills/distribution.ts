/** How long the outages of one failure class were, over all its scenarios and repeats. */
import type { DrillRun, RepeatResult, Verdict } from './result.ts'

export interface ClassOutages {
  failureClass: string
  isPlanned: boolean
  scenarios: string[]
  /** Outage of the worst flow of every repeat that holds, ascending, in milliseconds. */
  samples: number[]
  min: number
  median: number
  /** Null with fewer than 100 samples: nothing in them says anything about the hundredth. */
  p99: number | null
  max: number
  lost: number
  sent: number
  reset: number
  /** Repeats whose numbers must not be used. */
  voided: number
  /** Worst of its scenarios. */
  verdict: Verdict
}

/** Fewer samples say nothing about the worst in a hundred. */
const samplesForP99 = 100
const severity: Record<Verdict, number> = { ok: 0, undecided: 1, violated: 2 }

/** Outages by failure class, in the order in which the classes first ran. */
export function outagesByClass(run: DrillRun): ClassOutages[] {
  const names = [...new Set(run.scenarios.map((scenario) => scenario.failureClass))]
  return names.map((name) => summarize(run, name))
}

/** The worst of several verdicts. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce((worst, next) => (severity[next] > severity[worst] ? next : worst), 'ok')
}

/** Longest outage of any flow in a repeat, in milliseconds. */
export function worstOutageOf(repeat: RepeatResult): number {
  return Math.max(0, ...repeat.traffic.flatMap(({ flows }) => flows.map((flow) => flow.outageMs)))
}

/** Value below which the given share of ascending samples lies (nearest rank). */
export function quantile(ascending: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * ascending.length))
  return ascending[rank - 1] ?? 0
}

function summarize(run: DrillRun, failureClass: string): ClassOutages {
  const scenarios = run.scenarios.filter((scenario) => scenario.failureClass === failureClass)
  const repeats = scenarios.flatMap((scenario) => scenario.repeats)
  const valid = repeats.filter((repeat) => repeat.voidedBecause === null)
  const samples = valid.map(worstOutageOf).sort((a, b) => a - b)
  const flows = valid.flatMap(({ traffic }) => traffic.flatMap((group) => group.flows))
  const sum = (field: 'lost' | 'sent' | 'reset') => flows.reduce((total, flow) => total + flow[field], 0)
  return {
    failureClass,
    isPlanned: scenarios.every((scenario) => scenario.isPlanned),
    scenarios: scenarios.map(({ name }) => name),
    samples,
    min: samples[0] ?? 0,
    median: quantile(samples, 0.5),
    p99: samples.length >= samplesForP99 ? quantile(samples, 0.99) : null,
    max: samples.at(-1) ?? 0,
    lost: sum('lost'),
    sent: sum('sent'),
    reset: sum('reset'),
    voided: repeats.length - valid.length,
    verdict: worstVerdict(scenarios.map(({ verdict }) => verdict)),
  }
}
