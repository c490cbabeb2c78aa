import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { WeftError } from '../diagnostics/error.ts'
import { linkClasses } from '../intent/link-classes.ts'
import { loadIntent } from '../intent/load.ts'
import type { BfdProfile, Intent } from '../intent/model.ts'
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
  const plan = await planFor(file ?? 'weft.yaml', choice.bfd, output)
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
    return { state, close: async () => void (await takeDown(name)) }
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
  return { state, close: async () => {} }
}

async function planFor(file: string, bfd: string | undefined, output: Output): Promise<Plan> {
  const text = await readText(file, 'name the file with --intent, or write a starter with: weft init')
  const loaded = loadIntent(text, { file, env: process.env })
  const lockFile = besides(file, '.lock')
  const lockText = await readTextIfPresent(lockFile)
  const lock = lockText === null ? { lock: emptyLock, diagnostics: [] } : parseLock(lockText, lockFile)
  settleDiagnostics([...loaded.diagnostics, ...lock.diagnostics], file, output)
  if (loaded.intent === null || lock.lock === null)
    throw new Error(`${file} gave neither an intent nor an error`)
  const intent = bfd === undefined ? loaded.intent : withBfd(loaded.intent, readProfile(bfd))
  const planned = planFabric(intent, lock.lock)
  settleDiagnostics(planned.diagnostics, basename(file), output)
  if (planned.plan === null) throw new Error(`${file} gave neither a plan nor an error`)
  return planned.plan
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
