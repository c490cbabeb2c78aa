import { Command, Option } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { findNearest } from '../intent/nearest.ts'
import { diffPlans } from '../plan/diff.ts'
import type { Plan } from '../plan/model.ts'
import { type Output, openOutput, paint } from './output.ts'
import { formatDiff, formatLockChange, readBase } from './plan-diff.ts'
import { formatSection, formatSummary, type Section, sections } from './plan-tables.ts'
import { acceptPlan, loadProject, type Project, redactPlan } from './project.ts'

interface PlanCommandOptions {
  show?: Section[]
  site?: string
  diff?: boolean
  against?: string
  check?: boolean
  prune?: boolean
}

/** Above this many devices the long tables are printed only when asked for. */
const shortPlan = 40

/** Above this many devices indentation alone would be a hundred megabytes. */
const readablePlan = 1000

/** `weft plan`. */
export function planCommand(): Command {
  return new Command('plan')
    .description(
      'Plans the fabric: every device, address, AS number, session and policy. Hands out numbers for what is new and ' +
        'keeps them in the lock beside the intent. With --diff, --against or --check nothing is written.',
    )
    .argument('[file]', 'the intent', 'weft.yaml')
    .addOption(
      new Option('--show <section...>', 'what to print')
        .choices([...sections, 'all'])
        .argParser(parseSections),
    )
    .option('--site <name>', 'print one site only')
    .option('--diff', 'what changes since the plan that was accepted last, and which sessions reset')
    .option('--against <base>', 'the same, compared with a plan (JSON) or a git revision')
    .option('--check', 'exit with 1 when the lock would change: for CI')
    .option('--prune', 'free the numbers of elements that are no longer in the intent')
    .addHelpText(
      'after',
      `
Examples:
  weft plan                              plan weft.yaml and keep the numbers in weft.lock
  weft plan --show sessions --site dc1   the sessions of one site
  weft plan --diff                       preview: what would this edit change?
  weft plan --against HEAD               the same, compared with what is committed
  weft plan -o json | jq .devices        for programs`,
    )
    .action(async (file: string, options: PlanCommandOptions, command: Command) => {
      const output = openOutput(command)
      const project = await loadProject(file, output, { prune: options.prune ?? false })
      const site = findSite(project.plan, options.site)
      if (options.diff || options.against !== undefined)
        await showDiff(project, options.against ?? null, output)
      else if (options.check) showCheck(project, output)
      else {
        await acceptPlan(project, output)
        showPlan(project.plan, options.show, site, output)
      }
      if (options.check && project.lockChanged) process.exitCode = 1
    })
}

function showPlan(plan: Plan, wanted: Section[] | undefined, site: string | null, output: Output): void {
  if (output.format === 'json') {
    output.printJson(redactPlan(plan), { compact: plan.devices.length > readablePlan })
    return
  }
  const isShort = plan.devices.length <= shortPlan
  const shown = wanted ?? (isShort ? sections : (['capacity'] as const))
  output.print(formatSummary(plan))
  for (const section of shown) {
    output.print(`\n${paint(output, 'bold', section.toUpperCase())}\n${formatSection(plan, section, site)}`)
  }
  if (wanted === undefined && !isShort)
    output.print('\nmore: --show devices, sessions, prefixes or all; --site')
}

async function showDiff(project: Project, against: string | null, output: Output): Promise<void> {
  const base = await readBase(project.file, against, output)
  const diff = diffPlans(redactPlan(base.plan), redactPlan(project.plan))
  if (output.format === 'json') output.printJson({ base: base.name, ...diff })
  else output.print(formatDiff(diff, base.name, output))
}

function showCheck({ lockFile, lockBefore, lock, lockChanged }: Project, output: Output): void {
  if (output.format === 'json') output.printJson({ lockFile, changes: lockChanged })
  else if (!lockChanged) output.print(`${lockFile} is up to date`)
  else {
    const changes = formatLockChange(lockBefore, lock)
    output.print(`${lockFile} would change; run "weft plan" and commit it:\n${changes}`)
  }
}

function findSite(plan: Plan, name: string | undefined): string | null {
  if (name === undefined) return null
  const names = plan.sites.map((site) => site.name)
  if (names.includes(name)) return name
  const nearest = findNearest(name, names)
  throw new WeftError('WEFT_SITE_UNKNOWN', `there is no site "${name}"`, {
    hint: nearest === null ? `there are: ${names.join(', ')}` : `did you mean ${nearest}?`,
    exitCode: 2,
  })
}

/** Sections in the order of the plan, however they were asked for: repeated, or separated by commas. */
function parseSections(value: string, previous: Section[] = []): Section[] {
  const words = value.split(',')
  for (const word of words) {
    if (word === 'all' || sections.some((section) => section === word)) continue
    const nearest = findNearest(word, [...sections, 'all'])
    throw new WeftError('WEFT_USAGE', `the plan has no section "${word}"`, {
      hint: nearest === null ? `there are: ${[...sections, 'all'].join(', ')}` : `did you mean ${nearest}?`,
      exitCode: 2,
    })
  }
  return sections.filter(
    (section) => words.includes('all') || words.includes(section) || previous.includes(section),
  )
}
