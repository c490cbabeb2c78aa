import type { ExpectationDraft, StepDraft, TrafficDraft } from './scenario-schema.ts'

/** One drill as it was asked for: still in terms of roles, for any fabric. */
export interface Drill {
  name: string
  title: string
  failureClass: string
  isPlanned: boolean
  /** Traffic need not cross what fails: it must not notice. */
  isUnaffected: boolean
  /** Fabrics with fewer sites are not for it. */
  minimumSites: number
  traffic: (TrafficDraft & { name: string })[]
  steps: StepDraft[]
  /** How long traffic goes on after the last step. */
  settleMs: number
  expect: ExpectationDraft[]
  /** Place in its file. */
  path: (string | number)[]
}

/** What one file holds. */
export interface DrillSource {
  kind: 'drill' | 'suite'
  name: string
  title: string
  file: string
  /** The intent that it is meant for. */
  intent: string | null
  /** Names of other drills and suites that belong to it. */
  include: string[]
  drills: Drill[]
}
