import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { parse } from 'yaml'
import { WeftError } from '../diagnostics/error.ts'
import { linkClasses } from '../intent/link-classes.ts'
import { loadIntent } from '../intent/load.ts'
import type { BfdProfile, Intent } from '../intent/model.ts'
import { NotApplicable } from '../lab/drills/choose.ts'
import type { Replan } from '../lab/drills/perform.ts'
import { type LabState, onlyLab, requireState } from '../lab/state.ts'
import { takeDown } from '../lab/teardown.ts'
import { bringUp } from '../lab/up.ts'
import { emptyLock, parseLock } from '../plan/lock.ts'
import type { Plan } from '../plan/model.ts'
import { planFabric } from '../plan/plan-fabric.ts'
import { readText, readTextIfPresent } from './files.ts'
import { showLabProgress } from './lab-progress.ts'
import { type Output, settleDiagnostics } from './output.ts'
import { besides } from './project.ts'

/*
 * Where drills run: in a lab that is up, which stays, or in one that is made for them and goes when they are done.
 */

export interface LabChoice {
  /** A running lab. */
  name?: string
  /** The intent of a lab of its own. */
  intent?: string
  /** Said by the drills themselves. */
  drillIntent: string | null
  /** BFD of every link, in place of the intent's. */
  bfd?: string
}

export interface DrillLab {
  state: LabState
  /** Plans its intent with a change; absent for a lab that was up, whose intent is not known. */
  replan?: Replan
  /** Takes it down when it was made for this run. */
  close(): Promise<void>
}

/** Finds or makes the lab. */
export async function openDrillLab(
  choice: LabChoice,
  output: Output,
  signal: AbortSignal,
): Promise<DrillLab> {
  const file = choice.intent ?? (choice.name === undefined ? choice.drillIntent : null)
  if (choice.name !== undefined || (file === null && !existsSync('weft.yaml'))) return await joinLab(choice)
  const { plan, replan } = await planFor(file ?? 'weft.yaml', choice.bfd, output)
  const name = `drill-${process.pid}`
  const progress = showLabProgress()
  try {
    const { state } = await bringUp(plan, {
      name,
      removeOnFailure: true,
      onProgress: progress.show,
      // A profile that was asked for is what is to be measured.
      ...(choice.bfd === undefined ? {} : { underTest: linkClasses }),
      signal,
    })
    return { state, replan, close: async () => void (await takeDown(name)) }
  } finally {
    progress.clear()
  }
}

async function joinLab({ name, bfd }: LabChoice): Promise<DrillLab> {
  if (bfd !== undefined)
    throw new WeftError('WEFT_USAGE', '--bfd changes the plan, and this lab is up already', {
      hint: 'leave --name out and name the file with --intent: a lab is made for the run',
      exitCode: 2,
    })
  const state = await requireState(name ?? (await onlyLab()))
  // They would be in every number, and drills end by mending everything.
  if (state.faults.length > 0)
    throw new WeftError('WEFT_DRILL_FAULTS', `lab "${state.name}" has faults in force already`, {
      hint: `see them with "weft lab faults --name ${state.name}", mend them with "weft lab heal --all --name ${state.name}"`,
      exitCode: 2,
    })
  return { state, close: async () => {} }
}

async function planFor(
  file: string,
  bfd: string | undefined,
  output: Output,
): Promise<{ plan: Plan; replan: Replan }> {
  const text = await readText(file, 'name the file with --intent, or write a starter with: weft init')
  const loaded = loadIntent(text, { file, env: process.env })
  const lockFile = besides(file, '.lock')
  const lockText = await readTextIfPresent(lockFile)
  const lock = lockText === null ? { lock: emptyLock, diagnostics: [] } : parseLock(lockText, lockFile)
  settleDiagnostics([...loaded.diagnostics, ...lock.diagnostics], file, output)
  if (loaded.intent === null || lock.lock === null)
    throw new Error(`${file} gave neither an intent nor an error`)
  const profile = bfd === undefined ? null : readProfile(bfd)
  const intent = profile === null ? loaded.intent : withBfd(loaded.intent, profile)
  const planned = planFabric(intent, lock.lock)
  settleDiagnostics(planned.diagnostics, basename(file), output)
  if (planned.plan === null) throw new Error(`${file} gave neither a plan nor an error`)
  const { plan, lock: numbers } = planned
  const replan = (patch: Record<string, unknown>) => {
    const changed = loadIntent(JSON.stringify(mergePatch(parse(text), patch)), { file, env: process.env })
    const next =
      changed.intent === null
        ? null
        : planFabric(profile === null ? changed.intent : withBfd(changed.intent, profile), numbers)
    const problem = [...changed.diagnostics, ...(next?.diagnostics ?? [])].find(
      ({ severity }) => severity === 'error',
    )
    if (next?.plan === undefined || next.plan === null)
      throw new NotApplicable(
        `its change does not fit this intent: ${problem?.message ?? 'it cannot be planned'}`,
      )
    return next.plan
  }
  return { plan, replan }
}

/** RFC 7396: maps are merged, null removes, everything else replaces. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch
  const merged: Record<string, unknown> = isMap(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withBfd(intent: Intent, profile: BfdProfile): Intent {
  return {
    ...intent,
    bfd: { node: profile, fabric: profile, border: profile, dci: profile, edge: profile },
    overrides: intent.overrides.map(({ set: { bfd: _, ...set }, ...rest }) => ({ ...rest, set })),
  }
}

function readProfile(text: string): BfdProfile {
  const [, interval, multiplier] = /^(\d{2,5})(?:ms)?\s*[x×]\s*(\d{1,3})$/.exec(text.trim()) ?? []
  const milliseconds = Number(interval)
  if (interval === undefined || milliseconds < 10 || Number(multiplier) < 2 || Number(multiplier) > 255)
    throw new WeftError('WEFT_USAGE', `--bfd ${text} is no BFD profile`, {
      hint: 'interval in milliseconds and multiplier, such as --bfd 100x3',
      exitCode: 2,
    })
  return {
    transmitMilliseconds: milliseconds,
    receiveMilliseconds: milliseconds,
    multiplier: Number(multiplier),
  }
}
