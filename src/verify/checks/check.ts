/**
 * What a check is, and what it finds.
 *
 * A check looks at the finished plan, not at the planner's intentions: a plan may have been edited by hand, merged or
 * written by another tool, and then nothing may be taken for granted. It yields one hit for each place that is wrong;
 * `collectFindings` shows the first of those that are alike and counts the rest.
 */
import type { SourcePosition } from '../../diagnostics/diagnostic.ts'
import type { Spread } from '../routes/spread.ts'
import type { VerifyContext } from './context.ts'

/** Errors make the verdict `violated`; warnings and notes are reported only. */
export type Severity = 'error' | 'warning' | 'note'

export interface Check {
  /** Stable: scripts, suppressions and dashboards hold on to it. */
  id: string
  /** What is wrong, in general. */
  title: string
  /** Of a hit that does not say otherwise. */
  severity: Severity
  why: string
  mend: string
  /** Looks at the plan as it stands. */
  find?(context: VerifyContext): Iterable<Hit>
  /** Looks at where one prefix travels. */
  findOnRoute?(spread: Spread, context: VerifyContext): Iterable<Hit>
}

export interface Hit {
  /** With names and numbers; understandable without the check's title. */
  message: string
  /** Devices concerned, the most telling one first. */
  devices: string[]
  /** Place in the intent that asked for it. */
  path: string
  /** Hits of a check with the same `like` are one finding: they have one cause and one mend. */
  like: string
  severity?: Severity
  mend?: string
}

export interface Finding {
  check: string
  severity: Severity
  title: string
  message: string
  devices: string[]
  /** How many more hits are like this one. */
  others: number
  path: string
  at: SourcePosition | null
  mend: string
}

const rank: Record<Severity, number> = { error: 0, warning: 1, note: 2 }

/** Hits of one check as findings: the first of each kind, and how many are like it. */
export class FindingCollector {
  readonly #locate: VerifyContext['locate']
  readonly #found = new Map<string, Finding>()

  constructor(locate: VerifyContext['locate']) {
    this.#locate = locate
  }

  add(check: Check, hits: Iterable<Hit>): void {
    for (const hit of hits) {
      const severity = hit.severity ?? check.severity
      const key = `${check.id} ${severity} ${hit.like}`
      const known = this.#found.get(key)
      if (known !== undefined) {
        known.others++
        continue
      }
      this.#found.set(key, {
        check: check.id,
        severity,
        title: check.title,
        message: hit.message,
        devices: hit.devices,
        others: 0,
        path: hit.path,
        at: this.#locate(hit.path) ?? null,
        mend: hit.mend ?? check.mend,
      })
    }
  }

  /** Errors first, then in the order of the checks. */
  findings(): Finding[] {
    return [...this.#found.values()].toSorted((a, b) => rank[a.severity] - rank[b.severity])
  }
}
