/**
 * What a drill measured, as plain data: `weft drill run -o json` prints it, the report draws it, `weft drill compare`
 * reads two of them. All times are milliseconds; `atMs` counts from the moment the first fault took effect (negative
 * before it), on one clock for the whole machine.
 */

import type { LinkClass } from '../../intent/model.ts'
import type { Role } from '../../plan/model.ts'
import type { FaultSpec } from '../faults/model.ts'
import type { TimelineEvent } from '../timeline/model.ts'

export type Verdict = 'ok' | 'violated' | 'undecided'

export interface DrillRun {
  version: 1
  fabric: string
  /** RFC 3339. */
  startedAt: string
  seed: number
  environment: Environment
  /** What the report draws. */
  topology: Topology
  scenarios: ScenarioResult[]
  /** Asked for, but this fabric has nothing that it could be done to. */
  skipped?: { name: string; title: string; why: string }[]
  /** The worst of its scenarios; undecided when there are none. */
  verdict: Verdict
}

/** The fabric as a drawing needs it: a run must be readable years later, without its plan. */
export interface Topology {
  devices: { name: string; role: Role; site: string | null; tier: number; position: number }[]
  links: { id: string; a: string; b: string; class: LinkClass }[]
}

export interface Environment {
  kernel: string
  frr: string
  weft: string
  cpus: number
  memoryMiB: number
  /** Load average of one minute when the run began. */
  load: number
  devices: number
  sessions: number
  /** Detection time that each class of link was planned with, and that the lab really ran. */
  bfd: { class: string; transmitMs: number; multiplier: number }[]
}

export interface ScenarioResult {
  name: string
  title: string
  /** Groups repeats and like scenarios in tables, such as `silent link, leaf to node`. */
  failureClass: string
  /** Planned work must lose nothing. */
  isPlanned: boolean
  repeats: RepeatResult[]
  expectations: ExpectationResult[]
  verdict: Verdict
}

export interface RepeatResult {
  /** Name of the device and link ids that the picture marks: what failed, or was worked on. */
  marked: { devices: string[]; links: string[] }
  /** First and last packet, on the clock of the results: what is outside was not measured. */
  measured?: { fromMs: number; toMs: number }
  /** How long the fabric took to be as planned again, counted from the last action; null when it did not. */
  restoredMs?: number | null
  actions: { atMs: number; text: string; fault?: FaultSpec }[]
  traffic: TrafficResult[]
  timeline: TimelineEvent[]
  /** The outage of the worst flow, taken apart; null when nothing was lost or the timeline does not say. */
  phases: { name: 'detection' | 'propagation' | 'fib' | 'rest'; fromMs: number; toMs: number }[] | null
  /**
   * Share of the time in which something on this machine waited for a processor: near 1, what is slow is the machine.
   * Absent where the kernel does not say.
   */
  cpuWaitShare?: number
  /** Why the numbers must not be used: the machine stood still. */
  voidedBecause: string | null
}

/** One group of flows between the same two ends. */
export interface TrafficResult {
  name: string
  from: string
  to: string
  protocol: 'udp' | 'tcp' | 'http'
  flows: FlowOutcome[]
  /** Outages shorter than this cannot be told from none. */
  resolutionMs: number
  /** Who answered how many packets before the first fault, and after the last action. */
  balance: { before: Share[]; after: Share[] }
  /** Flows whose answering host changed although the one they used was not touched by the fault. */
  movedNeedlessly: number
}

export interface Share {
  /** Host, or path as device names. */
  name: string
  share: number
  ideal: number
}

export interface FlowOutcome {
  id: string
  sent: number
  lost: number
  reordered: number
  /** Longest run without an answer. */
  outageMs: number
  /** Every run of losses. */
  gaps: { fromMs: number; toMs: number }[]
  /** Devices on its way before the fault and after it; empty when it was not followed. */
  pathBefore: string[]
  pathAfter: string[]
  /** TCP and HTTP: connections that were reset, or stood still and went on. */
  reset: number
  stalled: number
}

export interface ExpectationResult {
  /** As the scenario or the intent says it. */
  text: string
  source: 'scenario' | 'intent'
  /** Place in the file, such as `expect[2]`. */
  path: string
  verdict: Verdict
  /** What was found, with the repeat and the flow that decided. */
  found: string
}
