/** Judges `expect: - survive:`: that users notice no failure of the kinds named, or not for longer than allowed. */
import type { Expectation } from '../../intent/model.ts'
import type { Plan } from '../../plan/model.ts'
import { type Analysis, type ClassResult, FailureAnalyst } from './analysis.ts'
import { nameFailures } from './failure.ts'
import { type Outage, predictOutages } from './outage.ts'
import { isUserTraffic } from './tally.ts'

export interface SurviveJudgement {
  verdict: 'ok' | 'violated' | 'undecided'
  /** The counter-example; or what was looked at; or why there is no answer. */
  message: string
  /** The devices of the counter-example. */
  devices: string[]
  /** How many more failures are like it. */
  others: number
  mend?: string
}

type Survive = Extract<Expectation, { kind: 'survive' }>

const analysts = new WeakMap<Plan, FailureAnalyst>()

/** Says whether the plan survives what the expectation lets fail. */
export function judgeSurvive(plan: Plan, expectation: Survive): SurviveJudgement {
  const { fail, count, outageMilliseconds } = expectation
  if (count > 2) {
    return undecided(
      `more than two failures at once are not played through: ${count} were asked for`,
      'ask for 2, and for the groups that fail together with: weft verify failures --domain rack,plane,site',
    )
  }
  const analyst = analysts.get(plan) ?? new FailureAnalyst(plan)
  analysts.set(plan, analyst)
  const single = analyst.analyse({ domains: fail, count: 1 })
  const analyses = count === 1 ? [single] : [single, analyst.analyse({ domains: fail, count: 2 })]
  const loss = firstOf(analyses, (result) => losesUsers(result))
  if (loss !== null) return describeLoss(loss.result, loss.others)
  if (outageMilliseconds !== null) {
    const slow = firstOf(analyses, (result) => worstOutage(result, analyst).outageMs.max > outageMilliseconds)
    if (slow !== null) return describeSlow(slow.result, slow.others, analyst, outageMilliseconds)
  }
  if (analyses.some(({ isUnsettled }) => isUnsettled)) return undecided('routes of some prefix do not settle')
  const dubious = firstOf(analyses, ({ tally }) => tally.isOrderDependent)
  if (dubious !== null) {
    return undecided(
      `after ${nameFailures(dubious.result.failure)} what is used depends on which of several equal paths is older`,
    )
  }
  return { verdict: 'ok', message: summary(analyses, analyst), devices: [], others: 0 }
}

/** Does a failure cut off users? What only the failed device brings in goes with it, and is not counted here. */
function losesUsers({ tally }: ClassResult): boolean {
  return tally.lost.some(isUserTraffic)
}

/** The slower of how a failure may show. */
function worstOutage({ failure, tally }: ClassResult, analyst: Pick<FailureAnalyst, 'network'>): Outage {
  return predictOutages(analyst.network, failure, tally.repair.hops).reduce((worst, outage) =>
    outage.outageMs.max > worst.outageMs.max ? outage : worst,
  )
}

function firstOf(
  analyses: readonly Analysis[],
  test: (result: ClassResult) => boolean,
): { result: ClassResult; others: number } | null {
  const found = analyses.flatMap(({ results }) => results.filter(test))
  const [result] = found
  if (result === undefined) return null
  return { result, others: found.reduce((sum, { failure }) => sum + failure.members, 0) - 1 }
}

function describeLoss({ failure, tally }: ClassResult, others: number): SurviveJudgement {
  const lost = tally.lost.find(isUserTraffic)!
  const { from, to } = lost.example
  const what = `${lost.isPartial ? 'part of the flows' : 'nothing'} from ${from} reaches ${to} (${lost.destination})`
  return {
    verdict: 'violated',
    message: `with ${nameFailures(failure)} down, ${what}`,
    devices: [...new Set([...failure.failures.map(({ name }) => name), from])],
    others,
    mend: 'give it a second way: another leaf, spine, border leaf or peer',
  }
}

function describeSlow(
  result: ClassResult,
  others: number,
  analyst: FailureAnalyst,
  limitMs: number,
): SurviveJudgement {
  const { outageMs, detectedBy, detectionMs, hops } = worstOutage(result, analyst)
  return {
    verdict: 'violated',
    message:
      `${nameFailures(result.failure)}: an outage of up to ${outageMs.max} ms is predicted, ${limitMs} ms are allowed ` +
      `(${detectedBy} notices after ${detectionMs.max} ms at the latest, then ${hops} BGP ${hops === 1 ? 'hop' : 'hops'})`,
    devices: result.failure.failures.map(({ name }) => name),
    others,
    mend: 'shorten the BFD interval of this class of links (`bfd`), or allow more',
  }
}

function summary(analyses: readonly Analysis[], analyst: FailureAnalyst): string {
  const failures = analyses.reduce((sum, analysis) => sum + analysis.failures, 0)
  const results = analyses.flatMap((analysis) => analysis.results)
  const worst = Math.max(0, ...results.map((result) => worstOutage(result, analyst).outageMs.max))
  return `${failures.toLocaleString('en-US')} failures in ${results.length} classes; outage of at most ${worst} ms predicted`
}

function undecided(message: string, mend?: string): SurviveJudgement {
  return { verdict: 'undecided', message, devices: [], others: 0, ...(mend === undefined ? {} : { mend }) }
}
