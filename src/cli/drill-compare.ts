import { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { compareRuns } from '../lab/drills/compare.ts'
import type { DrillRun } from '../lab/drills/result.ts'
import { formatComparison } from './drill-text.ts'
import { readText } from './files.ts'
import { openOutput } from './output.ts'

/** `weft drill compare`. */
export function drillCompareCommand(): Command {
  return new Command('compare')
    .description(
      'Compares two runs: per failure class, what became better or worse by more than chance explains, and what is newly ' +
        'violated.',
    )
    .argument('<before>', 'JSON of the earlier run')
    .argument('<after>', 'JSON of the later run')
    .addHelpText(
      'after',
      `
Example:
  weft drill compare main/run.json results/run.json

Exits with 1 when something became worse or is newly violated. A median needs three runs of a drill to count: --repeat.`,
    )
    .action(async (before: string, after: string, _: object, command: Command) => {
      const output = openOutput(command)
      const comparison = compareRuns(await readRun(before), await readRun(after))
      if (output.format === 'json') output.printJson(comparison)
      else output.print(formatComparison(comparison, output))
      if (comparison.isRegression) process.exitCode = 1
    })
}

async function readRun(path: string): Promise<DrillRun> {
  const text = await readText(path, 'weft drill run --out <folder> writes run.json')
  try {
    const run = JSON.parse(text) as Partial<DrillRun>
    if (run.version === 1 && Array.isArray(run.scenarios)) return run as DrillRun
  } catch {
    // Said below, as for JSON that is something else.
  }
  throw new WeftError('WEFT_DRILL_RUN_FILE', `${path} is not a run of drills`, {
    hint: 'write one with: weft drill run … --out results, then name results/run.json',
    exitCode: 2,
  })
}
