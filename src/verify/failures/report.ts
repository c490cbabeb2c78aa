/** The answer to "what if it fails": verdict, counter-example first, one row a class. Plain data for text and JSON. */
import type { Analysis, ClassResult } from './analysis.ts'
import { nameFailures } from './failure.ts'
import { type Outage, predictOutages } from './outage.ts'
import { isUserTraffic, type LossGroup, type NarrowGroup, type PairGroup, type ServiceLoss } from './tally.ts'

export type Verdict = 'ok' | 'violated' | 'undecided'

export interface FailureReport {
  verdict: Verdict
  /** The first of what is wrong, in a sentence; null when nothing is. */
  counterExample: string | null
  failures: number
  classes: number
  /** Exchanges of devices that were proved to leave the plan as it is, and carry results over. */
  symmetries: number
  simulations: number
  minimumWidth: number
  /** What is wrong first, then in the order of the plan. */
  results: ClassReport[]
}

export interface ClassReport {
  verdict: Verdict
  /** One of the class; `alike` others do the same under other names. */
  failure: string
  alike: number
  /** Pairs of source and prefix that are cut off: users' traffic, and what only switches send or are sent. */
  lost: LossGroup[]
  lostBySwitches: LossGroup[]
  narrowed: NarrowGroup[]
  services: ServiceLoss[]
  /** Prefixes that go with their owner. */
  gone: number
  outages: Outage[]
  /** What routers use depends on which of several equal paths is older. */
  dependsOnAge: boolean
}

/** @param minimumWidth users' traffic that ends with fewer equal next hops is a violation */
export function reportFailures(analysis: Analysis, minimumWidth: number): FailureReport {
  const results = analysis.results.map((result) => reportClass(result, analysis, minimumWidth))
  const worst: Verdict[] = ['violated', 'undecided', 'ok']
  results.sort((x, y) => worst.indexOf(x.verdict) - worst.indexOf(y.verdict))
  const first = results.find(({ verdict }) => verdict === 'violated')
  const alike =
    results.reduce((sum, { verdict, alike }) => sum + (verdict === 'violated' ? alike + 1 : 0), 0) - 1
  const verdict = analysis.isUnsettled && first === undefined ? 'undecided' : (results[0]?.verdict ?? 'ok')
  return {
    verdict,
    counterExample: first === undefined ? null : describeViolation(first, minimumWidth, alike),
    failures: analysis.failures,
    classes: results.length,
    symmetries: analysis.symmetries,
    simulations: analysis.simulations,
    minimumWidth,
    results,
  }
}

function reportClass({ failure, tally }: ClassResult, analysis: Analysis, minimumWidth: number): ClassReport {
  const lost = tally.lost.filter(isUserTraffic)
  const isTooNarrow = tally.narrowed.some((group) => isUserTraffic(group) && group.after < minimumWidth)
  return {
    verdict: lost.length > 0 || isTooNarrow ? 'violated' : tally.isOrderDependent ? 'undecided' : 'ok',
    failure: nameFailures(failure),
    alike: failure.members - 1,
    lost,
    lostBySwitches: tally.lost.filter((group) => !isUserTraffic(group)),
    narrowed: tally.narrowed,
    services: tally.services,
    gone: tally.gone,
    outages: predictOutages(analysis.network, failure, tally.repair.hops),
    dependsOnAge: tally.isOrderDependent,
  }
}

/** What is wrong with a class, in a sentence. */
export function describeViolation(result: ClassReport, minimumWidth: number, alike: number): string {
  const [lost] = result.lost
  const narrow = result.narrowed.find((group) => isUserTraffic(group) && group.after < minimumWidth)
  const what =
    lost === undefined
      ? `${pairText(narrow!)} over ${narrow!.after} of ${narrow!.before} paths only, ${minimumWidth} are wanted`
      : `${lost.isPartial ? 'only part of the flows arrives' : 'nothing arrives'}: ${pairText(lost)}`
  const same =
    alike === 0
      ? ''
      : `; as bad for ${alike.toLocaleString('en-US')} other ${alike === 1 ? 'failure' : 'failures'}`
  return `with ${result.failure} down ${what}${same}`
}

function pairText({ example, destination, pairs }: PairGroup): string {
  const others = pairs === 1 ? '' : ` and ${(pairs - 1).toLocaleString('en-US')} more such pairs`
  return `${example.from} to ${example.to} (${destination})${others}`
}
