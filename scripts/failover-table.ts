/*
 * Measures the table of docs/failover.md: what each kind of failure costs with BFD at 50, 100 and 300 ms x 3.
 *
 *   node scripts/failover-table.ts                  ten runs of each, as root, on a quiet machine; about 50 minutes
 *   node scripts/failover-table.ts --repeat 3       fewer
 *   node scripts/failover-table.ts --from results   the table of runs made before: results/50x3/run.json and so on
 *
 * Runs are kept in out/failover/, with a report each. The table goes to standard output, as Markdown.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { outagesByClass } from '../src/lab/drills/distribution.ts'
import type { DrillRun } from '../src/lab/drills/result.ts'

const profiles = ['50x3', '100x3', '300x3']

const { values } = parseArgs({
  options: {
    repeat: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string' },
    out: { type: 'string', default: 'out/failover' },
  },
})
const folder = values.from ?? values.out
if (values.from === undefined) for (const profile of profiles) measure(profile)
const runs = profiles.map((profile): [string, DrillRun] => [
  profile,
  JSON.parse(readFileSync(join(folder, profile, 'run.json'), 'utf8')) as DrillRun,
])
process.stdout.write(`${formatTable(runs)}\n`)

function measure(profile: string): void {
  process.stderr.write(`\n== BFD ${profile}\n`)
  const args = [
    '--bfd',
    profile,
    '--repeat',
    values.repeat,
    '--seed',
    values.seed,
    '--out',
    join(folder, profile),
  ]
  const { status } = spawnSync(process.execPath, ['src/cli/main.ts', 'drill', 'run', 'failover', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  // Violated and undecided runs are measured runs: the table says what was found.
  if (status === null || status > 2) process.exit(status ?? 1)
}

function formatTable(all: readonly [string, DrillRun][]): string {
  const classes = [
    ...new Set(all.flatMap(([, run]) => outagesByClass(run).map(({ failureClass }) => failureClass))),
  ]
  const rows = classes.map((failureClass) => {
    const cells = all.map(([, run]) => {
      const found = outagesByClass(run).find((one) => one.failureClass === failureClass)
      if (found === undefined || found.samples.length === 0) return '–'
      const [min, median, max] = [found.min, found.median, found.max].map((value) => value.toFixed(0))
      return `${min} / ${median} / ${max} (${found.samples.length})`
    })
    return `| ${failureClass} | ${cells.join(' | ')} |`
  })
  const loads = all.map(
    ([profile, { environment, startedAt }]) => `${profile} at ${startedAt}, load ${environment.load}`,
  )
  const { environment } = all[0]![1]
  return [
    `| failure | ${all.map(([profile]) => `BFD ${profile.replace('x', ' ms × ')}`).join(' | ')} |`,
    `|---|${all.map(() => '---|').join('')}`,
    ...rows,
    '',
    `Minimum / median / maximum of the worst flow’s outage in milliseconds, and how many runs. FRR ${environment.frr}, kernel ${environment.kernel.replace(/^(\d+\.\d+).*/, '$1')}, ${environment.cpus} cores; ${loads.join('; ')}.`,
  ].join('\n')
}
