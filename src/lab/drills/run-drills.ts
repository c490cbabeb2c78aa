import type { LabState } from '../state.ts'
import { NotApplicable, NotMet } from './choose.ts'
import { nowMs } from './clock.ts'
import { worstVerdict } from './distribution.ts'
import type { Drill } from './drill.ts'
import { readEnvironment, topologyOf } from './environment.ts'
import { type JudgedRepeat, judgeDrill, leaveUndecided, survivalLimits } from './judge.ts'
import type { Replan } from './perform.ts'
import { awaitRestored } from './restore.ts'
import type { DrillRun, ScenarioResult } from './result.ts'
import { type DrillSetting, runOnce } from './run-drill.ts'
import { deployWorkload, type Workload } from './workload.ts'

/*
 * A whole run: drill after drill, repeat after repeat, each from a lab that is as planned. When it does not become so
 * again, what is left is undecided by name: numbers from a broken lab are worth nothing.
 */

export interface RunOptions {
  seed: number
  repeats: number
  /** Added to limits that say so: what a shared machine takes. */
  allowanceMs: number
  /** How long the lab may take to be as planned again. */
  restoreMs?: number
  signal?: AbortSignal
  /** For drills that change the plan; absent where the lab's intent is not known. */
  replan?: Replan
  onProgress?: (progress: DrillProgress) => void
}

export type DrillProgress =
  | { kind: 'drill'; index: number; total: number; drill: Drill; repeat: number }
  | { kind: 'action'; text: string }
  | { kind: 'voided'; why: string }
  | { kind: 'skipped'; drill: Drill; why: string }
  | { kind: 'result'; result: ScenarioResult }

/** A repeat in which the machine stood still is made again this often. */
const extraAttempts = 2

/** Runs drills in a lab that is up. */
export async function runDrills(
  state: LabState,
  drills: readonly Drill[],
  options: RunOptions,
): Promise<DrillRun> {
  const startedAt = new Date().toISOString()
  const environment = await readEnvironment(state)
  const workload = await deployWorkload(state)
  const run = new Runner(state, workload, options)
  try {
    await run.begin()
    for (const [index, drill] of drills.entries()) await run.add(drill, index, drills.length)
  } finally {
    workload?.close()
  }
  return {
    version: 1,
    fabric: state.plan.name,
    startedAt,
    seed: options.seed,
    environment,
    topology: topologyOf(state.plan),
    scenarios: run.results,
    skipped: run.skipped,
    verdict: run.results.length === 0 ? 'undecided' : worstVerdict(run.results.map(({ verdict }) => verdict)),
  }
}

class Runner {
  readonly results: ScenarioResult[] = []
  readonly skipped: NonNullable<DrillRun['skipped']> = []
  readonly #state: LabState
  readonly #workload: Workload | null
  readonly #options: RunOptions
  readonly #restoreMs: number
  /** Why nothing more can be measured. */
  #brokenBecause: string | null = null

  constructor(state: LabState, workload: Workload | null, options: RunOptions) {
    this.#state = state
    this.#workload = workload
    this.#options = options
    this.#restoreMs = options.restoreMs ?? 60_000
  }

  /** Numbers from a lab that is not as planned are worth nothing, from the first drill on. */
  async begin(): Promise<void> {
    const { signal } = this.#options
    const problem = await awaitRestored(this.#state, this.#workload, this.#restoreMs, signal)
    if (problem !== null)
      this.#brokenBecause = `the lab was not as planned before the first drill: ${problem}`
  }

  async add(drill: Drill, index: number, total: number): Promise<void> {
    this.#options.signal?.throwIfAborted()
    const repeats: JudgedRepeat[] = []
    try {
      for (let repeat = 0; repeat < this.#options.repeats; repeat++) {
        if (this.#brokenBecause !== null) break
        this.#say({ kind: 'drill', index, total, drill, repeat })
        repeats.push(await this.#runUntilValid(drill, repeat))
      }
    } catch (error) {
      if (error instanceof NotMet) {
        this.#finish({ ...this.#conclude(drill, repeats, error.message), verdict: 'undecided' })
        return
      }
      if (!(error instanceof NotApplicable)) throw error
      this.skipped.push({ name: drill.name, title: drill.title, why: error.message })
      this.#say({ kind: 'skipped', drill, why: error.message })
      return
    }
    this.#finish(this.#conclude(drill, repeats))
  }

  #finish(result: ScenarioResult): void {
    this.results.push(result)
    this.#say({ kind: 'result', result })
  }

  /** The last attempt counts when all were void. */
  async #runUntilValid(drill: Drill, repeat: number): Promise<JudgedRepeat> {
    const setting: DrillSetting = {
      state: this.#state,
      workload: this.#workload,
      seed: this.#options.seed,
      allowanceMs: this.#options.allowanceMs,
      onAction: (text) => this.#say({ kind: 'action', text }),
      ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
      ...(this.#options.replan === undefined ? {} : { replan: this.#options.replan }),
    }
    for (let attempt = 0; ; attempt++) {
      const judged = await runOnce(drill, repeat, setting)
      const restored = await this.#restore(judged)
      const { voidedBecause } = restored.result
      if (voidedBecause === null || attempt === extraAttempts || this.#brokenBecause !== null) return restored
      this.#say({ kind: 'voided', why: voidedBecause })
    }
  }

  async #restore(judged: JudgedRepeat): Promise<JudgedRepeat> {
    const since = nowMs()
    const { signal } = this.#options
    const problem = await awaitRestored(this.#state, this.#workload, this.#restoreMs, signal)
    if (problem !== null)
      this.#brokenBecause = `the lab was not as planned again within ${Math.round(this.#restoreMs / 1000)} s: ${problem}`
    const restoredMs = problem === null ? nowMs() - since : null
    return { ...judged, result: { ...judged.result, restoredMs } }
  }

  #conclude(drill: Drill, repeats: readonly JudgedRepeat[], whyNone = 'it was not run'): ScenarioResult {
    const { name, title, failureClass, isPlanned } = drill
    const head = { name, title, failureClass, isPlanned, repeats: repeats.map(({ result }) => result) }
    if (repeats.length === 0) {
      const why = this.#brokenBecause ?? whyNone
      return { ...head, expectations: leaveUndecided(drill, why), verdict: 'undecided' }
    }
    const faults = repeats[0]!.result.actions.flatMap(({ fault }) => fault ?? [])
    const limits = isPlanned ? [] : survivalLimits(this.#state.plan.expect, faults)
    return { ...head, ...judgeDrill(drill, repeats, limits) }
  }

  #say(progress: DrillProgress): void {
    this.#options.onProgress?.(progress)
  }
}
