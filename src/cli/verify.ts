import { Command, Option } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { formatError } from '../diagnostics/format.ts'
import { findNearest } from '../intent/nearest.ts'
import type { Check } from '../verify/checks/check.ts'
import { checks } from '../verify/checks/registry.ts'
import { formatReport } from '../verify/formats/text.ts'
import { isPlanText, readPlan } from '../verify/plan-file.ts'
import { type VerifyReport, verifyPlan } from '../verify/verdict.ts'
import { readText, writeAtomically } from './files.ts'
import {
  DiagnosticsError,
  formatDiagnostics,
  type Output,
  openOutput,
  paint,
  settleDiagnostics,
} from './output.ts'
import { createProgress } from './progress.ts'
import { loadProject, type Project } from './project.ts'
import { formatTable } from './table.ts'
import { verifyConfigsCommand } from './verify-configs.ts'
import { verifyDiffCommand } from './verify-diff.ts'
import { verifyDrainCommand } from './verify-drain.ts'
import { verifyFailuresCommand } from './verify-failures.ts'
import { type Format, formats, printReport } from './verify-report.ts'
import { watchFiles } from './watch-files.ts'

interface VerifyCommandOptions {
  only?: string[]
  format?: Format
  out?: string
  strict?: boolean
  list?: boolean
  watch?: boolean
  exhaustive?: boolean
}

const exitCodes = { ok: 0, violated: 1, undecided: 2 } as const

/** `weft verify`. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'Judges the plan before it is deployed: what cannot work, what will surprise, and whether what stands under ' +
        '`expect` holds. Writes nothing but the report.',
    )
    .argument('[file]', 'the intent, or a plan written by weft plan -o json', 'weft.yaml')
    .addOption(
      new Option('--only <check...>', 'run these checks only; "expect" for the expectations').argParser(
        collectNames,
      ),
    )
    .addOption(new Option('--format <format>', 'how the report is written').choices(formats))
    .option('--out <file>', 'write the report to a file, and the text to the terminal')
    .option('--exhaustive', 'try every prefix in a plan of any size: minutes for thousands of devices')
    .option('--strict', 'exit with 1 on warnings as well')
    .option('--list', 'print the checks and what they find')
    .option('--watch', 'judge again whenever the intent changes')
    .addCommand(verifyConfigsCommand())
    .addCommand(verifyFailuresCommand())
    .addCommand(verifyDrainCommand())
    .addCommand(verifyDiffCommand())
    .addHelpText(
      'after',
      `
Exit codes (2 and 3 differ from other commands):
  0  ok          every check ran, no errors; every expectation holds
  1  violated    an error was found, or an expectation does not hold
  2  undecided   nothing is known to be wrong, but something could not be judged
  3  bad input   the intent, the plan or the command line is wrong; there is no verdict

Examples:
  weft verify                                  weft.yaml, everything
  weft verify --only bfd-missing expect        two parts of it
  weft verify --format sarif --out weft.sarif  for code hosts; --format junit for the rest
  weft verify --watch                          beside an editor
  weft plan -o json > plan.json; weft verify plan.json`,
    )
    .action(async (file: string, options: VerifyCommandOptions, command: Command) => {
      const output = openOutput(command)
      if (options.list) return listChecks(output)
      const wanted = chooseChecks(options.only)
      if (options.watch) await watch(file, wanted, options, output)
      else process.exitCode = await judge(file, wanted, options, output)
    })
}

interface Wanted {
  checks: readonly Check[]
  expectations: boolean
}

async function judge(file: string, wanted: Wanted, options: VerifyCommandOptions, output: Output) {
  const report = await verifyFile(file, wanted, options, output)
  const format = options.format ?? output.format
  const text = () => formatReport(report, (style, words) => paint(output, style, words))
  const printed = () => printReport(report, format, { file, strict: options.strict ?? false })
  if (options.out !== undefined) await writeAtomically(options.out, printed())
  output.print(options.out !== undefined || format === 'text' ? text() : printed())
  return exitCodes[report.verdict]
}

async function verifyFile(
  file: string,
  wanted: Wanted,
  { strict = false, only, exhaustive = false }: VerifyCommandOptions,
  output: Output,
): Promise<VerifyReport> {
  const input = await readInput(file, output)
  const { report, problems } = await createProgress().during('verifying', () =>
    verifyPlan(
      { ...input, ...(exhaustive && { exactLimit: Number.POSITIVE_INFINITY }) },
      {
        ...wanted,
        strict,
        warnings: only === undefined ? input.warnings : [],
      },
    ),
  )
  settleDiagnostics(problems, file, output)
  if (report === null) throw new Error(`${file} gave neither a verdict nor an error`)
  return report
}

async function readInput(
  file: string,
  output: Output,
): Promise<Pick<Project, 'plan' | 'warnings'> & Partial<Project>> {
  const text = await readText(file, 'name the file, or write a starter with: weft init')
  if (isPlanText(text)) {
    const { plan, diagnostics } = readPlan(text, file)
    settleDiagnostics(diagnostics, file, output)
    return { plan: plan!, warnings: [] }
  }
  // Warnings about intent and plan are part of the report.
  const project = await loadProject(file, { ...output, note: () => {} })
  if (project.lockChanged)
    output.note(`${project.lockFile} does not hold all numbers of this plan: "weft plan" writes them`)
  return project
}

/** Judges again on every change, until interrupted; what is wrong with the file is said and waited for. */
async function watch(
  file: string,
  wanted: Wanted,
  options: VerifyCommandOptions,
  output: Output,
): Promise<void> {
  await watchFiles([file], async () => {
    try {
      process.exitCode = await judge(file, wanted, options, output)
    } catch (error) {
      if (!(error instanceof WeftError)) throw error
      process.exitCode = 3
      output.note(
        error instanceof DiagnosticsError ? formatDiagnostics(error.diagnostics) : formatError(error),
      )
    }
    output.note(`\n--- waiting for a change of ${file}; Ctrl-C ends ---\n`)
  })
}

function listChecks(output: Output): void {
  if (output.format === 'json') {
    output.printJson(checks.map(({ id, title, severity, why, mend }) => ({ id, title, severity, why, mend })))
    return
  }
  const rows = formatTable(checks, [
    { header: 'CHECK', value: (check) => check.id },
    { header: 'SEVERITY', value: (check) => check.severity },
    { header: 'FINDS', value: (check) => check.title },
  ])
  output.print(`${rows}\n\nexamples and what to do: docs/reference/checks.md`)
}

function collectNames(value: string, previous: string[] = []): string[] {
  return [...previous, ...value.split(',')]
}

function chooseChecks(only: string[] | undefined): Wanted {
  if (only === undefined) return { checks, expectations: true }
  const known = [...checks.map(({ id }) => id), 'expect']
  const unknown = only.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const nearest = findNearest(unknown, known)
    throw new WeftError('WEFT_USAGE', `there is no check "${unknown}"`, {
      hint: nearest === null ? 'weft verify --list prints them' : `did you mean ${nearest}?`,
      exitCode: 2,
    })
  }
  return { checks: checks.filter(({ id }) => only.includes(id)), expectations: only.includes('expect') }
}
