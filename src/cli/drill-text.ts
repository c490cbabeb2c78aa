import type { ClassFigures, Comparison } from '../lab/drills/compare.ts'
import { outagesByClass } from '../lab/drills/distribution.ts'
import type { DrillRun, Verdict } from '../lab/drills/result.ts'
import { type Output, paint } from './output.ts'
import { formatTable } from './table.ts'

const colors: Record<Verdict, 'green' | 'red' | 'yellow'> = {
  ok: 'green',
  violated: 'red',
  undecided: 'yellow',
}

/** A run as text: what each failure cost, and everything that is not as expected. */
export function formatRun(run: DrillRun, output: Output): string {
  const parts: string[] = []
  const classes = outagesByClass(run)
  if (classes.length > 0)
    parts.push(
      formatTable(classes, [
        { header: 'FAILURE', value: (row) => row.failureClass },
        { header: 'RUNS', value: (row) => row.samples.length, align: 'right' },
        {
          header: 'MIN',
          value: (row) => ms(row.samples.length === 0 ? null : row.min),
          align: 'right',
          isOptional: true,
        },
        {
          header: 'MEDIAN',
          value: (row) => ms(row.samples.length === 0 ? null : row.median),
          align: 'right',
        },
        { header: 'P99', value: (row) => ms(row.p99), align: 'right', isOptional: true },
        { header: 'MAX', value: (row) => ms(row.samples.length === 0 ? null : row.max), align: 'right' },
        { header: 'LOST', value: (row) => row.lost, align: 'right' },
        { header: 'VERDICT', value: (row) => row.verdict },
      ]),
      'Outage of the worst flow of each run, in milliseconds.',
    )
  for (const wanted of ['violated', 'undecided'] as const) {
    const found = run.scenarios.filter(({ verdict }) => verdict === wanted)
    if (found.length === 0) continue
    parts.push(paint(output, colors[wanted], `\n${wanted}: ${found.length} of ${run.scenarios.length}`))
    for (const { name, expectations, repeats } of found) {
      const marked = [
        ...new Set(repeats.flatMap((repeat) => [...repeat.marked.links, ...repeat.marked.devices])),
      ]
      parts.push(
        `  ${name}${marked.length === 0 ? '' : ` (${marked.slice(0, 4).join(', ')}${marked.length > 4 ? ', …' : ''})`}`,
      )
      for (const { text, source, path, verdict, found: what } of expectations)
        if (verdict === wanted)
          parts.push(
            `    ${source === 'intent' ? `${path} of the intent: ` : ''}${text}`,
            `      found: ${what}`,
          )
    }
  }
  for (const { name, why } of run.skipped ?? []) parts.push(`not in this fabric: ${name}: ${why}`)
  const { environment } = run
  const bfd = environment.bfd.map((one) => `${one.class} ${one.transmitMs}x${one.multiplier}`).join(', ')
  parts.push(
    `\n${paint(output, colors[run.verdict], run.verdict)} · ${run.scenarios.length} drills · seed ${run.seed} · ${environment.devices} routers, FRR ${environment.frr}, BFD ${bfd} · ${environment.cpus} cores, load ${environment.load}`,
  )
  return parts.join('\n')
}

/** A comparison as text: a line a class, then what is newly violated. */
export function formatComparison(
  { classes, newViolations, isRegression }: Comparison,
  output: Output,
): string {
  const parts = [
    formatTable(classes, [
      { header: 'FAILURE', value: (row) => row.failureClass },
      { header: 'BEFORE', value: (row) => figures(row.before), align: 'right' },
      { header: 'AFTER', value: (row) => figures(row.after), align: 'right' },
      { header: 'NOISE', value: (row) => `±${row.noiseMs.toFixed(0)}`, align: 'right', isOptional: true },
      { header: 'CHANGE', value: (row) => row.change },
    ]),
    'min/median/p99/max of the worst flow’s outage in milliseconds; p99 from 100 runs on.',
  ]
  for (const { name, found } of newViolations)
    parts.push(paint(output, 'red', `newly violated: ${name}: ${found}`))
  if (!isRegression && classes.every(({ change }) => !['better', 'worse', 'same'].includes(change)))
    parts.push(
      paint(
        output,
        'yellow',
        'too few runs of the same failures to say anything: run both with --repeat 3 or more',
      ),
    )
  else
    parts.push(
      isRegression
        ? paint(output, 'red', 'worse than before')
        : paint(output, 'green', 'nothing became worse'),
    )
  return parts.join('\n')
}

function figures(row: ClassFigures | null): string | null {
  if (row === null) return null
  if (row.samples === 0) return 'not measured'
  return `${ms(row.min)}/${ms(row.median)}/${ms(row.p99) ?? '-'}/${ms(row.max)} (${row.samples})`
}

function ms(value: number | null): string | null {
  return value === null ? null : value.toFixed(0)
}
