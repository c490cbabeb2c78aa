import { createHash } from 'node:crypto'
import { dirname, join, parse } from 'node:path'
import type { Diagnostic, SourcePosition } from '../diagnostics/diagnostic.ts'
import type { WeftError } from '../diagnostics/error.ts'
import { loadIntent } from '../intent/load.ts'
import type { Intent } from '../intent/model.ts'
import { emptyLock, formatLock, type Lock, parseLock } from '../plan/lock.ts'
import type { Plan } from '../plan/model.ts'
import { planFabric } from '../plan/plan-fabric.ts'
import { readText, readTextIfPresent, writeAtomically } from './files.ts'
import { type Output, settleDiagnostics } from './output.ts'
import { createProgress } from './progress.ts'

/*
 * A project is an intent and the lock beside it: `weft.yaml` and `weft.lock`, which belong in version control. What
 * was planned last is kept in `.weft/weft.plan.json`, which does not: it is there so that the next change can be
 * compared with it. Nothing is written unless the whole intent could be planned.
 */

export interface Project {
  file: string
  lockFile: string
  plan: Plan
  lock: Lock
  /** The plan handed out numbers, or gave some back, that the lock on disk does not know of. */
  lockChanged: boolean
  lockBefore: Lock
  intent: Intent
  /** What was said about intent and plan, none of it an error. */
  warnings: Diagnostic[]
  /** Where the entry at a path of the intent is written. */
  locate(path: string): SourcePosition | undefined
}

/** Reads intent and lock and plans them; shows warnings, throws with every error at its position. */
export async function loadProject(file: string, output: Output, options: PlanOptions = {}): Promise<Project> {
  const lockFile = besides(file, '.lock')
  const text = await readText(file, 'name the file, or write a starter with: weft init')
  const lockText = await readTextIfPresent(lockFile)
  return await planText({ file, text, lockFile, lockText }, output, options)
}

export interface PlanOptions {
  /** Free the numbers of elements that are no longer in the intent. */
  prune?: boolean
}

export interface ProjectText {
  file: string
  text: string
  lockFile: string
  /** Null when there is no lock yet. */
  lockText: string | null
}

/** Plans texts, wherever they come from. */
export async function planText(
  { file, text, lockFile, lockText }: ProjectText,
  output: Output,
  options: PlanOptions = {},
): Promise<Project> {
  const { intent, diagnostics, locate } = loadIntent(text, { file, env: process.env })
  const before = lockText === null ? { lock: emptyLock, diagnostics: [] } : parseLock(lockText, lockFile)
  const found: Diagnostic[] = [...diagnostics, ...before.diagnostics]
  if (before.lock === null && intent !== null) throw settled(found, lockFile, output)
  if (intent === null || before.lock === null) throw settled(found, file, output)

  const oldLock = before.lock
  const planned = await createProgress().during('planning', () => planFabric(intent, oldLock, options))
  // The planner knows paths, the file knows where they are written.
  const placed = planned.diagnostics.map((diagnostic) => {
    const at = diagnostic.at ?? (diagnostic.path === undefined ? undefined : locate(diagnostic.path))
    return at === undefined ? diagnostic : { ...diagnostic, at }
  })
  settleDiagnostics([...found, ...placed], file, output)
  if (planned.plan === null) throw settled([], file, output)
  const { plan, lock } = planned
  return {
    file,
    lockFile,
    plan,
    lock,
    lockBefore: oldLock,
    lockChanged: formatLock(lock) !== formatLock(oldLock),
    intent,
    warnings: [...found, ...placed],
    locate,
  }
}

/** Writes the lock when it changed and remembers the plan for the next comparison. */
export async function acceptPlan(project: Project, output: Output): Promise<void> {
  if (project.lockChanged) {
    await writeAtomically(project.lockFile, formatLock(project.lock))
    const isNew = Object.keys(project.lockBefore.numbers).length === 0
    output.note(
      isNew
        ? `wrote ${project.lockFile}: keep it in version control, it is what keeps numbers stable`
        : `updated ${project.lockFile}`,
    )
  }
  const recordFile = recordOf(project.file)
  await writeAtomically(join(dirname(recordFile), '.gitignore'), '*\n')
  await writeAtomically(recordFile, `${JSON.stringify(redactPlan(project.plan))}\n`, 0o600)
}

/** Where the last accepted plan of an intent is kept. */
export function recordOf(file: string): string {
  const { dir, name } = parse(file)
  return join(dir, '.weft', `${name}.plan.json`)
}

/** The plan without its passwords: each becomes a short digest, which still shows that one changed. */
export function redactPlan(plan: Plan): Plan {
  return {
    ...plan,
    sessions: plan.sessions.map((session) =>
      session.password === null || session.password.startsWith('sha256:')
        ? session
        : { ...session, password: `sha256:${digest(session.password)}` },
    ),
  }
}

/** A file named like this one with another ending: `weft.yaml` → `weft.lock`. */
export function besides(file: string, ending: string): string {
  const { dir, name } = parse(file)
  return join(dir, `${name}${ending}`)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

function settled(diagnostics: readonly Diagnostic[], file: string, output: Output): WeftError {
  settleDiagnostics(diagnostics, file, output)
  throw new Error(`${file} gave neither a plan nor an error`)
}
