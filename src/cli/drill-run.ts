import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { chooseDrills } from '../lab/drills/catalog.ts'
import { formatJunit } from '../lab/drills/junit.ts'
import type { DrillRun, Verdict } from '../lab/drills/result.ts'
import { runDrills } from '../lab/drills/run-drills.ts'
import { renderMarkdown, renderReport } from '../lab/report/report.ts'
import { openDrillLab } from './drill-lab.ts'
import { showDrillProgress } from './drill-progress.ts'
import { formatRun } from './drill-text.ts'
import { DiagnosticsError, openOutput } from './output.ts'

interface DrillRunOptions {
  intent?: string
  name?: string
  repeat: string
  seed?: string
  allowance: string
  bfd?: string
  junit?: string
  out?: string
}

const exitCodes: Record<Verdict, number> = { ok: 0, violated: 1, undecided: 2 }

/** `weft drill run`. */
export function drillRunCommand(): Command {
  return new Command('run')
    .description(
      'Runs drills, one after the other, each from a lab that is as planned. A lab is made for them and taken down after, ' +
        'unless one that is up is named. Ctrl-C mends everything.',
    )
    .argument('<drill...>', 'names of built-in drills and suites, and files')
    .option(
      '--intent <file>',
      'the fabric; default: what the suite says, else weft.yaml, else the only lab that is up',
    )
    .option('--name <lab>', 'a lab that is up: it is used and stays')
    .option('--repeat <n>', 'how often each drill', '1')
    .option('--seed <n>', 'chooses links and devices; the same seed chooses the same (default: 1)')
    .option('--allowance <time>', 'what a machine that others use may add to limits that say so', '100ms')
    .option('--bfd <profile>', 'BFD of every link, such as 50x3, in place of the intent’s')
    .option('--junit <file>', 'write the verdicts as JUnit XML')
    .option('--out <folder>', 'write run.json, report.html, report.md and junit.xml')
    .addHelpText(
      'after',
      `
Examples:
  weft drill run silent-leaf-node --repeat 10
  weft drill run planned --intent examples/two-sites/weft.yaml --out results
  weft drill run mine.yaml --name demo --seed 7

Exits with 0 when every expectation holds, 1 when one is violated, 2 when one could not be decided, 3 on bad input.`,
    )
    .action(async (words: string[], options: DrillRunOptions, command: Command) => {
      const output = openOutput(command)
      const repeats = wholeNumber('--repeat', options.repeat, 1)
      const seed = wholeNumber('--seed', options.seed ?? '1', 0)
      const allowanceMs = milliseconds(options.allowance)
      const chosen = chooseDrills(words, readDrillFile, (diagnostics, file) => {
        throw new DiagnosticsError(
          diagnostics,
          `${diagnostics.length === 1 ? 'a mistake' : `${diagnostics.length} mistakes`} in ${file}; nothing was run`,
        )
      })
      const stopper = new AbortController()
      const stop = (signal: NodeJS.Signals) => {
        output.note(`\n${signal}: mending what is broken and taking down what was built`)
        process.exitCode = signal === 'SIGINT' ? 130 : 143
        stopper.abort()
      }
      process.once('SIGINT', stop)
      process.once('SIGTERM', stop)
      const progress = showDrillProgress()
      try {
        const lab = await openDrillLab({ ...options, drillIntent: chosen.intent }, output, stopper.signal)
        let run: DrillRun
        try {
          run = await runDrills(lab.state, chosen.drills, {
            seed,
            repeats,
            allowanceMs,
            signal: stopper.signal,
            ...(lab.replan === undefined ? {} : { replan: lab.replan }),
            onProgress: progress.show,
          })
        } finally {
          progress.clear()
          await lab.close()
        }
        await writeResults(run, options)
        if (output.format === 'json') output.printJson(run, { compact: true })
        else output.print(formatRun(run, output))
        if (options.out !== undefined)
          output.note(`wrote ${options.out}/run.json, report.html, report.md, junit.xml`)
        process.exitCode = exitCodes[run.verdict]
      } catch (error) {
        if (!stopper.signal.aborted) throw error
      } finally {
        process.off('SIGINT', stop)
        process.off('SIGTERM', stop)
      }
    })
}

async function writeResults(run: DrillRun, { out, junit }: DrillRunOptions): Promise<void> {
  if (junit !== undefined) await writeFile(junit, formatJunit(run))
  if (out === undefined) return
  await mkdir(out, { recursive: true })
  await writeFile(join(out, 'run.json'), `${JSON.stringify(run)}\n`)
  await writeFile(join(out, 'report.html'), renderReport(run))
  await writeFile(join(out, 'report.md'), renderMarkdown(run))
  await writeFile(join(out, 'junit.xml'), formatJunit(run))
}

function readDrillFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new WeftError('WEFT_FILE_MISSING', `${path} cannot be read`, {
      hint: 'name a file, or a built-in drill: weft drill list',
      exitCode: 2,
      cause,
    })
  }
}

function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text)
  if (/^\d{1,9}$/.test(text) && number >= least) return number
  throw new WeftError('WEFT_USAGE', `${option} ${text} is not a whole number from ${least}`, {
    hint: `such as ${option} ${Math.max(least, 10)}`,
    exitCode: 2,
  })
}

function milliseconds(text: string): number {
  const [, amount, unit] = /^(\d{1,5})\s*(ms|s)$/.exec(text.trim()) ?? []
  if (amount !== undefined) return Number(amount) * (unit === 's' ? 1000 : 1)
  throw new WeftError('WEFT_USAGE', `--allowance ${text} is not a time`, {
    hint: 'such as 100ms or 0ms',
    exitCode: 2,
  })
}
