import { Command } from 'commander'
import { drillCompareCommand } from './drill-compare.ts'
import { drillListCommand, drillShowCommand } from './drill-list.ts'
import { drillRunCommand } from './drill-run.ts'

/** `weft drill`. */
export function drillCommand(): Command {
  return new Command('drill')
    .description(
      'Breaks a lab on purpose, and does planned work in it, under measured traffic; says what it cost and whether that ' +
        'is what was expected.',
    )
    .addCommand(drillRunCommand())
    .addCommand(drillListCommand())
    .addCommand(drillShowCommand())
    .addCommand(drillCompareCommand())
    .addHelpText(
      'after',
      `
Examples:
  weft drill list                          drills and suites that come with Weft
  weft drill run silent-leaf-node          one of them, in a lab of weft.yaml
  weft drill run short                     a minute and a half, for CI
  weft drill show drain-leaf > mine.yaml   start one of your own
  weft drill run mine.yaml --repeat 10 --out results
  weft drill compare before/run.json results/run.json`,
    )
}
