import { Command, Option } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import type { Plan } from '../plan/model.ts'
import { FailureAnalyst } from '../verify/failures/analysis.ts'
import type { Announcement } from '../verify/failures/announce.ts'
import { type Domain, domains } from '../verify/failures/failure.ts'
import type { Outage } from '../verify/failures/outage.ts'
import {
  type ClassReport,
  describeViolation,
  type FailureReport,
  reportFailures,
} from '../verify/failures/report.ts'
import { reverifyChange } from '../verify/failures/reverify.ts'
import { isUserTraffic } from '../verify/failures/tally.ts'
import { type Output, openOutput, paint } from './output.ts'
import { readBase } from './plan-diff.ts'
import { createProgress } from './progress.ts'
import { formatTable } from './table.ts'
import { collectAnnouncements, readPlanOf, withAnnouncements } from './verify-input.ts'

interface FailureCommandOptions {
  k: '1' | '2'
  domain: Domain[]
  exhaustive?: boolean
  minimumWidth: number
  since?: string
  announce?: Announcement[]
  all?: boolean
}

const exitCodes = { ok: 0, violated: 1, undecided: 2 } as const

/** Rows of a table before it is cut. */
const most = 40

/** `weft verify failures`. */
export function verifyFailuresCommand(): Command {
  return new Command('failures')
    .description(
      'Plays every failure through, or every two at once: who is cut off, whose paths narrow, which service addresses ' +
        'lose an announcer, and how long it takes until traffic flows again. Failures that are alike are told once.',
    )
    .argument('[file]', 'the intent, or a plan written by weft plan -o json', 'weft.yaml')
    .addOption(new Option('--k <count>', 'how many fail at once').choices(['1', '2']).default('1'))
    .addOption(
      new Option('--domain <what>', 'what fails, with commas: link, device, rack, plane, site')
        .argParser(readDomains)
        .default(['link', 'device'] satisfies Domain[], 'link,device'),
    )
    .addOption(
      new Option(
        '--minimum-width <paths>',
        "users' traffic that ends with fewer equal next hops is a violation",
      )
        .argParser(readWidth)
        .default(1),
    )
    .addOption(new Option('--classes', 'by symmetry class, proved (the default)').conflicts('exhaustive'))
    .option('--exhaustive', 'every failure and every prefix by itself: slow beyond a few hundred devices')
    .addOption(
      new Option(
        '--since <base>',
        'play only sites that changed since a plan (JSON) or a git revision',
      ).conflicts('exhaustive'),
    )
    .addOption(
      new Option(
        '--announce <address@node>',
        'a service address as an agent announces it, with :SCOPE if wanted; once for each',
      ).argParser(collectAnnouncements),
    )
    .option('--all', 'print every class, not the first ones')
    .addHelpText(
      'after',
      `
Exit codes: 0 ok · 1 violated: users are cut off, or narrower than wanted · 2 undecided: it depends on which of
several equal paths is older · 3 bad input

Examples:
  weft verify failures                                  every link and every device
  weft verify failures --domain rack,plane,site         what shares a fate
  weft verify failures --k 2 --minimum-width 1          every two at once, by class
  weft verify failures --announce 10.10.21.5@dc1-compute1-n1 --announce 10.10.21.5@dc1-compute2-n1
  weft verify failures --since main                     what this branch can have changed
  weft verify failures -o json | jq '.results[] | select(.verdict != "ok")'`,
    )
    .action(async (file: string, _options: unknown, command: Command) => {
      // `weft verify` has options of the same name, and takes them wherever they stand.
      const options = command.optsWithGlobals<FailureCommandOptions>()
      const output = openOutput(command)
      const plan = withAnnouncements(await readPlanOf(file, output), options.announce)
      const report = await findReport(file, plan, options, output)
      if (report === null) return
      if (output.format === 'json') output.printJson(report)
      else printReport(report, options.all ? Number.POSITIVE_INFINITY : most, output)
      process.exitCode = exitCodes[report.verdict]
    })
}

/** Null when nothing changed since the base, which has been said. */
async function findReport(
  file: string,
  plan: Plan,
  { k, domain, exhaustive = false, minimumWidth, since }: FailureCommandOptions,
  output: Output,
): Promise<FailureReport | null> {
  const progress = createProgress()
  if (since === undefined) {
    return await progress.during('playing failures', () => {
      const analyst = new FailureAnalyst(plan, { exhaustive })
      return reportFailures(analyst.analyse({ domains: domain, count: k === '1' ? 1 : 2 }), minimumWidth)
    })
  }
  if (k === '2') {
    throw new WeftError('WEFT_USAGE', '--since plays single failures', {
      hint: 'leave out --since, or --k 2',
      exitCode: 2,
    })
  }
  const base = await readBase(file, since, output)
  const { sites, report } = await progress.during('playing failures', () =>
    reverifyChange(base.plan, plan, { domains: domain, minimumWidth }),
  )
  if (report === null) {
    const text = `nothing changed since ${base.name}`
    if (output.format === 'json') output.printJson({ verdict: 'ok', sites })
    else output.print(text)
    return null
  }
  output.note(`changed since ${base.name}: ${sites.join(', ')}; failures of other sites are as before`)
  return report
}

function printReport(report: FailureReport, limit: number, output: Output): void {
  const { results, counterExample, minimumWidth } = report
  const wrong = results.filter(({ verdict }) => verdict === 'violated')
  if (counterExample !== null) output.print(`${paint(output, 'red', 'VIOLATED')}  ${counterExample}\n`)
  for (const result of wrong.slice(1, limit))
    output.print(`  also: ${describeViolation(result, minimumWidth, result.alike)}`)
  if (wrong.length > limit) output.print(`  … and ${wrong.length - limit} more classes (--all)`)
  if (wrong.length > 1) output.print('')
  output.print(paint(output, 'bold', 'WHAT EACH CLASS COSTS'))
  output.print(
    formatTable(results.slice(0, limit), [
      { header: 'FAILURE', value: ({ failure }) => failure },
      { header: 'ALIKE', value: ({ alike }) => alike, align: 'right' },
      { header: 'CUT OFF', value: cutOff },
      { header: 'NARROWER', value: narrower },
      { header: 'LINK DOWN', value: ({ outages }) => outageText(outages, 'carrier'), align: 'right' },
      { header: 'SILENT', value: ({ outages }) => outageText(outages, 'silent'), align: 'right' },
    ]),
  )
  if (results.length > limit) output.print(`… and ${results.length - limit} more classes (--all)`)
  for (const { failure, services } of results)
    for (const { prefix, announcersBefore, announcersAfter } of services)
      output.print(`\nservice ${prefix}: ${announcersBefore} announcers, ${announcersAfter} after ${failure}`)
  const aged = results.filter(({ dependsOnAge }) => dependsOnAge)
  for (const { failure } of aged.slice(0, limit))
    output.print(
      `\nundecided: after ${failure} what is used depends on which of several equal paths is older`,
    )
  output.print(`\n${summary(report)}`)
}

function summary({ verdict, failures, classes, symmetries, results }: FailureReport): string {
  const bad = results.reduce((sum, result) => sum + (result.verdict === 'violated' ? result.alike + 1 : 0), 0)
  const what = `${failures.toLocaleString('en-US')} failures in ${classes} classes (${symmetries.toLocaleString('en-US')} symmetries proved)`
  if (verdict === 'ok') return `ok: ${what}; users are cut off by none`
  return verdict === 'violated'
    ? `violated by ${bad.toLocaleString('en-US')} of ${what}`
    : `undecided: ${what}`
}

function cutOff({ lost, lostBySwitches, gone }: ClassReport): string | null {
  const pairs = lost.reduce((sum, group) => sum + group.pairs, 0)
  const parts = [
    pairs === 0 ? null : `${pairs.toLocaleString('en-US')} pairs`,
    lostBySwitches.length === 0 ? null : 'switches only',
    gone === 0 ? null : `its own ${gone} ${gone === 1 ? 'prefix' : 'prefixes'}`,
  ].filter((part) => part !== null)
  // What users lose is the news; what switches lose of each other is said where users lose nothing.
  return (pairs > 0 ? parts.filter((part) => part !== 'switches only') : parts).join(', ') || null
}

function narrower({ narrowed }: ClassReport): string | null {
  const worst = narrowed.find(isUserTraffic) ?? narrowed[0]
  return worst === undefined ? null : `${worst.before} to ${worst.after} paths at ${worst.from}`
}

function outageText(outages: readonly Outage[], manner: Outage['manner']): string | null {
  const outage = outages.find((entry) => entry.manner === manner)
  if (outage === undefined || outage.hops === 0) return null
  const { min, max } = outage.outageMs
  return `${min}-${max} ms`
}

function readDomains(text: string): Domain[] {
  return text.split(',').map((name) => {
    const known = domains.find((domain) => domain === name.trim())
    if (known !== undefined) return known
    throw new WeftError('WEFT_USAGE', `"${name}" is not something that fails here`, {
      hint: `choose from ${domains.join(', ')}, with commas between`,
      exitCode: 2,
    })
  })
}

/** The value of --minimum-width. */
export function readWidth(text: string): number {
  const width = Number(text)
  if (Number.isInteger(width) && width >= 1 && width <= 256) return width
  throw new WeftError('WEFT_USAGE', `--minimum-width is "${text}"`, {
    hint: 'a whole number from 1 to 256',
    exitCode: 2,
  })
}
