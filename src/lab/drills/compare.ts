/**
 * Two runs side by side: what became better or worse by more than chance explains, and what is newly violated.
 *
 * Outages of one failure class vary by a BFD interval from repeat to repeat, so a difference counts only when it is
 * larger than the spread of either run, and larger than the meters can see.
 */
import { type ClassOutages, outagesByClass, quantile } from './distribution.ts'
import type { DrillRun, Verdict } from './result.ts'

export interface ClassChange {
  failureClass: string
  before: ClassFigures | null
  after: ClassFigures | null
  change: 'better' | 'worse' | 'same' | 'new' | 'gone' | 'too few'
  /** A difference of the medians up to this says nothing. */
  noiseMs: number
  verdicts: { before: Verdict | null; after: Verdict | null }
}

export interface ClassFigures {
  samples: number
  min: number
  median: number
  p99: number | null
  max: number
  lost: number
}

export interface Comparison {
  classes: ClassChange[]
  /** Drills that were not violated before and are now. */
  newViolations: { name: string; title: string; found: string }[]
  /** Something became worse, or is newly violated. */
  isRegression: boolean
}

/** A median of fewer says nothing about the next run. */
const fewest = 3
/** Two machines, or two minutes, differ by this much at least. */
const leastNoiseMs = 20

/** Compares a run with an earlier one. */
export function compareRuns(before: DrillRun, after: DrillRun): Comparison {
  const earlier = new Map(outagesByClass(before).map((outages) => [outages.failureClass, outages]))
  const later = new Map(outagesByClass(after).map((outages) => [outages.failureClass, outages]))
  const names = [...new Set([...earlier.keys(), ...later.keys()])]
  const classes = names.map((name) =>
    compareClass(name, earlier.get(name) ?? null, later.get(name) ?? null, resolutionOf(before, after, name)),
  )
  const newViolations = findNewViolations(before, after)
  return {
    classes,
    newViolations,
    isRegression: newViolations.length > 0 || classes.some(({ change }) => change === 'worse'),
  }
}

function compareClass(
  failureClass: string,
  before: ClassOutages | null,
  after: ClassOutages | null,
  resolutionMs: number,
): ClassChange {
  const noiseMs = Math.max(leastNoiseMs, resolutionMs, spreadOf(before), spreadOf(after))
  return {
    failureClass,
    before: figuresOf(before),
    after: figuresOf(after),
    change: changeOf(before, after, noiseMs),
    noiseMs,
    verdicts: { before: before?.verdict ?? null, after: after?.verdict ?? null },
  }
}

function changeOf(
  before: ClassOutages | null,
  after: ClassOutages | null,
  noiseMs: number,
): ClassChange['change'] {
  if (before === null) return 'new'
  if (after === null) return 'gone'
  // Planned work that begins to lose packets needs no statistics.
  if (before.isPlanned && after.isPlanned && before.samples.length > 0 && after.samples.length > 0) {
    if (before.lost === 0 && after.lost > 0) return 'worse'
    if (before.lost > 0 && after.lost === 0) return 'better'
  }
  if (before.samples.length < fewest || after.samples.length < fewest) return 'too few'
  const difference = after.median - before.median
  if (Math.abs(difference) <= noiseMs) return 'same'
  return difference > 0 ? 'worse' : 'better'
}

/** The middle half of the samples: what a median may move by without meaning anything. */
function spreadOf(outages: ClassOutages | null): number {
  if (outages === null) return 0
  return quantile(outages.samples, 0.75) - quantile(outages.samples, 0.25)
}

function resolutionOf(before: DrillRun, after: DrillRun, failureClass: string): number {
  const groups = [before, after].flatMap(({ scenarios }) =>
    scenarios
      .filter((scenario) => scenario.failureClass === failureClass)
      .flatMap(({ repeats }) => repeats.flatMap(({ traffic }) => traffic)),
  )
  return Math.max(0, ...groups.map(({ resolutionMs }) => resolutionMs))
}

function figuresOf(outages: ClassOutages | null): ClassFigures | null {
  if (outages === null) return null
  const { samples, min, median, p99, max, lost } = outages
  return { samples: samples.length, min, median, p99, max, lost }
}

function findNewViolations(before: DrillRun, after: DrillRun): Comparison['newViolations'] {
  const wasViolated = new Set(
    before.scenarios.filter(({ verdict }) => verdict === 'violated').map(({ name }) => name),
  )
  return after.scenarios
    .filter(({ name, verdict }) => verdict === 'violated' && !wasViolated.has(name))
    .map(({ name, title, expectations }) => {
      const failed = expectations.find(({ verdict }) => verdict === 'violated')
      return { name, title, found: failed === undefined ? '' : `${failed.text}: ${failed.found}` }
    })
}
