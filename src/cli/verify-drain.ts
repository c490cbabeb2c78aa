import { Command, Option } from 'commander'
import { type DrainReport, type DrainStep, reportDrain } from '../verify/drain/report.ts'
import type { Announcement } from '../verify/failures/announce.ts'
import type { PairGroup } from '../verify/failures/tally.ts'
import { type Output, openOutput, paint } from './output.ts'
import { requireDevice } from './plan-devices.ts'
import { createProgress } from './progress.ts'
import { readWidth } from './verify-failures.ts'
import { collectAnnouncements, readPlanOf, withAnnouncements } from './verify-input.ts'

interface DrainCommandOptions {
  file: string
  minimumWidth: number
  announce?: Announcement[]
}

/** `weft verify drain`. */
export function verifyDrainCommand(): Command {
  return new Command('drain')
    .description(
      'Says what draining devices would do before it is done: what moves while they announce GRACEFUL_SHUTDOWN, whether ' +
        'a packet needs them when they go, and what is left with one path. For several devices it says which may go together.',
    )
    .argument('<device...>', 'devices to drain')
    .option('-f, --file <file>', 'the intent, or a plan written by weft plan -o json', 'weft.yaml')
    .addOption(
      new Option(
        '--minimum-width <paths>',
        "users' traffic that is left with fewer equal next hops is a violation",
      )
        .argParser(readWidth)
        .default(1),
    )
    .addOption(
      new Option(
        '--announce <address@node>',
        'a service address as an agent announces it, with :SCOPE if wanted; once for each',
      ).argParser(collectAnnouncements),
    )
    .addHelpText(
      'after',
      `
Exit codes: 0 ok · 1 violated: users lose packets, or end narrower than wanted · 3 bad input

Examples:
  weft verify drain dc1-compute1-leaf1
  weft verify drain dc1-spine1 dc1-spine2 dc1-compute1-n1     which of them together, and in what order
  weft verify drain dc1-spine1 --minimum-width 2 -o json`,
    )
    .action(async (names: string[], options: DrainCommandOptions, command: Command) => {
      const output = openOutput(command)
      const plan = withAnnouncements(await readPlanOf(options.file, output), options.announce)
      const devices = [...new Set(names)]
      for (const name of devices) requireDevice(plan, name)
      const report = await createProgress().during('playing the drain', () =>
        reportDrain(plan, devices, options.minimumWidth),
      )
      if (output.format === 'json') output.printJson(report)
      else printReport(report, output)
      process.exitCode = report.verdict === 'ok' ? 0 : 1
    })
}

function printReport({ verdict, steps, minimumWidth }: DrainReport, output: Output): void {
  for (const [index, step] of steps.entries()) {
    const title = steps.length === 1 ? 'drain' : `step ${index + 1}: drain`
    output.print(paint(output, 'bold', `${title} ${step.devices.join(', ')}`))
    for (const line of linesOf(step, minimumWidth)) output.print(`  ${line}`)
    output.print('')
  }
  const several = steps.length > 1 ? `, in ${steps.length} steps: each back in service before the next` : ''
  output.print(verdict === 'ok' ? `ok: nobody loses a packet${several}` : 'violated: see above')
}

function linesOf(step: DrainStep, minimumWidth: number): string[] {
  const narrow = step.narrowed.filter(({ after }) => after < minimumWidth)
  return [
    ...step.lost.map((group) => `VIOLATED  cut off once it is gone: ${pairs(group)}`),
    ...step.brokenMeanwhile.map((group) => `VIOLATED  lost while it drains: ${pairs(group)}`),
    ...narrow.map((group) => `VIOLATED  ${group.after} of ${group.before} paths left: ${pairs(group)}`),
    `moves away: ${step.moves.toLocaleString('en-US')} routes, counted by router and prefix`,
    ...step.stays.map(
      (group) =>
        `${step.isHitless ? 'moves when it withdraws' : 'VIOLATED  stays until it is gone'}: ${pairs(group)}`,
    ),
    ...(minimumWidth > 1 ? [] : step.alone.map((group) => `left with one path: ${pairs(group)}`)),
    ...step.services.map(
      ({ prefix, announcersBefore, announcersAfter }) =>
        `service ${prefix}: ${announcersBefore} announcers, ${announcersAfter} after`,
    ),
    ...(step.gone === 0
      ? []
      : [`its own ${step.gone} ${step.gone === 1 ? 'prefix goes' : 'prefixes go'} with it`]),
  ]
}

function pairs({ example, destination, pairs: count }: PairGroup): string {
  const others = count === 1 ? '' : `, and ${(count - 1).toLocaleString('en-US')} more such pairs`
  return `${example.from} to ${example.to} (${destination})${others}`
}
