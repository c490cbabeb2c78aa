import { stat } from 'node:fs/promises'
import { Command } from 'commander'
import type { Plan } from '../plan/model.ts'
import { type ChangeReport, reportChange } from '../verify/diff/report.ts'
import type { NarrowGroup, PairGroup } from '../verify/failures/tally.ts'
import { type Output, openOutput, paint } from './output.ts'
import { readBase } from './plan-diff.ts'
import { createProgress } from './progress.ts'
import { redactPlan } from './project.ts'
import { readPlanOf } from './verify-input.ts'

/** Devices of a step, and groups of a kind, before they are counted instead. */
const most = 8

/** `weft verify diff`. */
export function verifyDiffCommand(): Command {
  return new Command('diff')
    .description(
      'Compares two plans by what they do: sessions that reset, who loses or gains a route or a path, the risk while the ' +
        'change is applied, and a safe order. Each side is an intent, a plan, or a git revision that has the intent.',
    )
    .argument('<before>', 'a file or a git revision, or both sides as before..after')
    .argument('[after]', 'a file or a git revision; the intent as it is now when left out')
    .option('-f, --file <intent>', 'the intent that git revisions are asked for', 'weft.yaml')
    .addHelpText(
      'after',
      `
Exit codes: 0 ok · 1 violated: users lose what they had, in the end or on the way · 3 bad input

Examples:
  weft verify diff HEAD                        the edit that is not committed yet
  weft verify diff main..HEAD                  a branch
  weft verify diff old-plan.json weft.yaml     from a plan that weft plan -o json wrote`,
    )
    .action(
      async (before: string, after: string | undefined, options: { file: string }, command: Command) => {
        const output = openOutput(command)
        const [from, to] = after === undefined ? splitRange(before) : [before, after]
        const [old, now] = [
          await readSide(from, options.file, output),
          await readSide(to, options.file, output),
        ]
        const report = await createProgress().during('comparing', () =>
          reportChange(redactPlan(old), redactPlan(now)),
        )
        if (output.format === 'json') output.printJson(report)
        else printReport(report, output)
        process.exitCode = report.verdict === 'ok' ? 0 : 1
      },
    )
}

/** `main..HEAD` names both sides; what has no dots is compared with the intent as it is now. */
function splitRange(text: string): [string, string | null] {
  const at = text.indexOf('..')
  if (at <= 0 || text.includes('/..')) return [text, null]
  return [text.slice(0, at), text.slice(at + 2).replace(/^\./, '') || null]
}

async function readSide(side: string | null, intent: string, output: Output): Promise<Plan> {
  if (side === null) return await readPlanOf(intent, output)
  const isFile = await stat(side).then(
    (found) => found.isFile(),
    () => false,
  )
  return isFile ? await readPlanOf(side, output) : (await readBase(intent, side, output)).plan
}

function printReport({ verdict, isEmpty, diff, routes, risk, steps }: ChangeReport, output: Output): void {
  if (isEmpty) {
    output.print('nothing changes')
    return
  }
  const users = risk.oneByOne.flatMap(({ device, lost }) =>
    lost.map((group) => `${device} resets: ${pairs(group)}`),
  )
  section('LOST', routes.lost.map(pairs), 'red', output)
  section('LOST WHILE ONE DEVICE IS APPLIED', users, 'red', output)
  section('GAINED', routes.gained.map(pairs), 'green', output)
  section('NARROWER', routes.narrower.map(widths), 'yellow', output)
  section('WIDER', routes.wider.map(widths), 'green', output)
  section('AS WIDE, OVER OTHERS', routes.moved.map(pairs), 'yellow', output)
  const { added, removed } = diff.devices
  output.print(
    `${added.length} devices added, ${removed.length} removed, ${diff.devices.changed.length} changes of devices; ` +
      `${diff.sessions.added.length} sessions added, ${diff.sessions.removed.length} removed, ${diff.policies.length} filters changed`,
  )
  const atOnce = risk.atOnce.reduce((sum, group) => sum + group.pairs, 0)
  if (risk.resets.length > 0) {
    const cut =
      atOnce === 0
        ? 'cuts nobody off'
        : `cuts off ${atOnce.toLocaleString('en-US')} pairs for as long as it lasts`
    output.print(`${risk.resets.length} running sessions reset; applying it everywhere at once ${cut}`)
  } else output.print('no running session resets')
  if (steps.length > 0) output.print(`\n${paint(output, 'bold', 'SAFE ORDER')}`)
  for (const [index, { title, devices }] of steps.entries())
    output.print(`${index + 1}. ${title}: ${list(devices)}`)
  output.print(verdict === 'ok' ? '\nok: users keep what they had' : '\nviolated: users lose what they had')
}

function section(
  title: string,
  lines: readonly string[],
  style: 'red' | 'green' | 'yellow',
  output: Output,
): void {
  if (lines.length === 0) return
  output.print(paint(output, style, title))
  for (const line of lines.slice(0, most)) output.print(`  ${line}`)
  if (lines.length > most) output.print(`  … and ${lines.length - most} more groups`)
  output.print('')
}

function pairs({ example, destination, pairs: count }: PairGroup): string {
  const others = count === 1 ? '' : `, and ${(count - 1).toLocaleString('en-US')} more such pairs`
  return `${example.from} to ${example.to} (${destination})${others}`
}

function widths(group: NarrowGroup): string {
  return `${group.before} to ${group.after} paths: ${pairs(group)}`
}

function list(names: readonly string[]): string {
  return names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`
}
