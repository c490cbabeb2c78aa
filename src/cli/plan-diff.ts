import { execFile } from 'node:child_process'
import { basename, dirname } from 'node:path'
import { promisify } from 'node:util'
import { WeftError } from '../diagnostics/error.ts'
import type { PlanDiff } from '../plan/diff.ts'
import { isEmptyDiff } from '../plan/diff.ts'
import type { Lock } from '../plan/lock.ts'
import type { Plan } from '../plan/model.ts'
import { readTextIfPresent } from './files.ts'
import { type Output, paint } from './output.ts'
import { besides, planText, recordOf, redactPlan } from './project.ts'

/*
 * What a new plan is compared with, and how the difference reads. The base is the plan that was accepted last, or a
 * plan written by `weft plan -o json`, or the intent and lock of a git revision, planned anew.
 */

export interface Base {
  /** In words, for the first line. */
  name: string
  plan: Plan
}

/** Finds the plan to compare with. */
export async function readBase(file: string, against: string | null, output: Output): Promise<Base> {
  if (against === null) {
    const recordFile = recordOf(file)
    const text = await readTextIfPresent(recordFile)
    if (text !== null) return { name: recordFile, plan: parsePlan(text, recordFile) }
    throw new WeftError('WEFT_PLAN_BASE_MISSING', `${recordFile}: nothing was planned here before`, {
      hint: 'accept a plan with "weft plan", or compare with a git revision: weft plan --against HEAD',
      exitCode: 2,
    })
  }
  const text = await readTextIfPresent(against)
  if (text !== null) return { name: against, plan: parsePlan(text, against) }
  return { name: `git ${against}`, plan: await planRevision(file, against, output) }
}

function parsePlan(text: string, file: string): Plan {
  try {
    const plan = JSON.parse(text) as Partial<Plan> | null
    if (Array.isArray(plan?.devices) && Array.isArray(plan.sessions)) return plan as Plan
  } catch {
    // Not JSON: the same answer as for JSON that is no plan.
  }
  throw new WeftError('WEFT_PLAN_BASE_UNREADABLE', `${file} is not a plan`, {
    hint: 'a plan is written by: weft plan -o json > plan.json',
    exitCode: 2,
  })
}

async function planRevision(file: string, revision: string, output: Output): Promise<Plan> {
  const lockFile = besides(file, '.lock')
  const [text, lockText] = await Promise.all([
    readRevision(file, revision),
    readRevision(lockFile, revision).catch(() => null),
  ])
  if (lockText === null) output.note(`${lockFile} is not in ${revision}: its numbers are planned afresh`)
  const names = { file: `${revision}:${file}`, lockFile: `${revision}:${lockFile}` }
  const { plan } = await planText({ ...names, text, lockText }, output)
  return redactPlan(plan)
}

async function readRevision(file: string, revision: string): Promise<string> {
  try {
    const options = { cwd: dirname(file), timeout: 30_000, maxBuffer: 256 * 1024 * 1024 }
    // --end-of-options: a revision is never taken for a flag.
    const args = ['show', '--end-of-options', `${revision}:./${basename(file)}`]
    return (await promisify(execFile)('git', args, options)).stdout
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    const reason = (stderr || message).trim().split('\n')[0]
    throw new WeftError(
      'WEFT_PLAN_BASE_MISSING',
      `${revision} is neither a file nor a git revision: ${reason}`,
      {
        hint: 'give a plan written by "weft plan -o json", or a revision that has the intent, such as HEAD',
        exitCode: 2,
        cause: error,
      },
    )
  }
}

/** The difference in words, resets last because they are what decides when to roll out. */
export function formatDiff(diff: PlanDiff, base: string, output: Pick<Output, 'color'>): string {
  if (isEmptyDiff(diff)) return `nothing changes, compared with ${base}`
  const added = (text: string) => paint(output, 'green', `  + ${text}`)
  const removed = (text: string) => paint(output, 'red', `  - ${text}`)
  const changed = (text: string) => paint(output, 'yellow', `  ~ ${text}`)
  const { devices, sessions, prefixes, policies } = diff
  const resets = sessions.changed.filter((change) => change.resets).map((change) => change.session)
  const sections = [
    section('devices', [
      ...devices.added.map(added),
      ...devices.removed.map(removed),
      ...devices.changed.map(({ device, field, before, after }) =>
        changed(`${device} ${field}: ${before || 'none'} -> ${after || 'none'}`),
      ),
    ]),
    section('sessions', [
      ...sessions.added.map(added),
      ...sessions.removed.map(removed),
      ...sessions.changed.map((change) =>
        changed(`${change.session}: ${change.changes.join(', ')}${change.resets ? '  (resets)' : ''}`),
      ),
    ]),
    section('prefixes', [...prefixes.added.map(added), ...prefixes.removed.map(removed)]),
    section('policies, applied without a reset', policies.map(changed)),
  ]
  return [
    `compared with ${base}:`,
    ...sections.filter((text) => text !== null),
    resets.length === 0
      ? 'no running session resets'
      : paint(
          output,
          'red',
          `${resets.length} running ${resets.length === 1 ? 'session resets' : 'sessions reset'}`,
        ),
  ].join('\n')
}

/** Numbers that were handed out or given back between two locks. */
export function formatLockChange(before: Lock, after: Lock): string {
  const lines: string[] = []
  const spaces = new Set([...Object.keys(before.numbers), ...Object.keys(after.numbers)])
  for (const space of [...spaces].sort()) {
    const old = before.numbers[space] ?? {}
    const now = after.numbers[space] ?? {}
    for (const [key, number] of Object.entries(now)) {
      if (old[key] !== number) lines.push(`  + ${space}  ${key} = ${number}`)
    }
    for (const [key, number] of Object.entries(old)) {
      if (now[key] !== number) lines.push(`  - ${space}  ${key} = ${number}`)
    }
  }
  return lines
    .slice(0, longest)
    .concat(more(lines.length - longest))
    .join('\n')
}

const longest = 40

function section(title: string, lines: readonly string[]): string | null {
  if (lines.length === 0) return null
  return [title, ...lines.slice(0, longest), ...more(lines.length - longest)].join('\n')
}

function more(count: number): string[] {
  return count > 0 ? [`  … and ${count} more`] : []
}
