/*
 * Runs the command that was named and turns whatever comes out into text and an exit code (src/diagnostics/error.ts).
 * Expected problems are explained; anything else is a bug of ours and says so.
 */
import { type Command, CommanderError } from 'commander'
import { type ExitCode, WeftError } from '../diagnostics/error.ts'
import { formatError } from '../diagnostics/format.ts'
import { DiagnosticsError, formatDiagnostics, takesColor } from './output.ts'
import { badInputCode, findCommandName, loadProgram } from './program.ts'

let wantsJson = false
let badInput: ExitCode = 2
let helpHint = 'weft --help'

// `weft plan | head`: the reader has what it wanted. That is neither an error nor worth a word.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})
process.on('uncaughtException', endWith)
process.on('unhandledRejection', endWith)

try {
  const args = process.argv.slice(2)
  const name = findCommandName(args)
  badInput = badInputCode(name)
  const program = await loadProgram((candidate) => candidate === name)
  helpHint = `${namesOf(program, args).join(' ')} --help`
  forEachCommand(program, (command) =>
    command
      .copyInheritedSettings(program)
      .configureHelp({ showGlobalOptions: true })
      .helpCommand(false)
      .exitOverride()
      .configureOutput({ outputError: () => {} }),
  )
  program.on('option:output', (format: string) => {
    wantsJson = format === 'json'
  })
  if (args.length === 0) program.outputHelp()
  else await program.parseAsync(args, { from: 'user' })
} catch (error) {
  report(error)
}

function report(error: unknown): void {
  if (error instanceof CommanderError) {
    // Help and version come this way as well, with exit code 0 and their text already written.
    if (error.exitCode === 0) return
    // A group such as `weft lab`, without the command it needs: its help has been printed.
    if (error.code === 'commander.help') process.exitCode = badInput
    else report(usageError(error))
    return
  }
  const isExpected = error instanceof WeftError
  process.exitCode = isExpected ? codeOf(error) : 70
  if (wantsJson) process.stderr.write(`${JSON.stringify(toJson(error), null, 2)}\n`)
  else if (isExpected) process.stderr.write(`${explain(error)}\n`)
  else process.stderr.write(`${explainBug(error)}\n`)
}

/** Commands that give a verdict use 2 for one that could not be reached, and another code for bad input. */
function codeOf({ exitCode }: WeftError): ExitCode {
  return exitCode === 2 ? badInput : exitCode
}

function endWith(error: unknown): never {
  report(error)
  process.exit()
}

function explain(error: WeftError): string {
  const summary = formatError(error, { color: takesColor(process.stderr) })
  return error instanceof DiagnosticsError ? `${formatDiagnostics(error.diagnostics)}\n${summary}` : summary
}

function explainBug(error: unknown): string {
  if (process.env.WEFT_DEBUG) return formatError(error)
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return [
    'bug WEFT_BUG',
    `  ${message}`,
    '  This is a defect in Weft. Run it again with WEFT_DEBUG=1 and report what it prints.',
  ].join('\n')
}

function toJson(error: unknown): object {
  if (!(error instanceof WeftError)) {
    return { error: { code: 'WEFT_BUG', message: error instanceof Error ? error.message : String(error) } }
  }
  const { code, message, hint } = error
  return {
    ...(error instanceof DiagnosticsError ? { diagnostics: error.diagnostics } : {}),
    error: { code, message, ...(hint === undefined ? {} : { hint }) },
  }
}

/** Commander writes `error: unknown command 'plam'\n(Did you mean plan?)`. */
function usageError(error: CommanderError): WeftError {
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  return new WeftError('WEFT_USAGE', message, {
    hint: suggestion?.replace(/^\((.*)\)$/, '$1') ?? helpHint,
    exitCode: 2,
    cause: error,
  })
}

/** The commands that were named, down to the innermost. */
function namesOf(program: Command, args: readonly string[]): string[] {
  const names = [program.name()]
  let inner = program
  for (const arg of args) {
    const child = inner.commands.find((command) => command.name() === arg)
    if (child === undefined) continue
    names.push(arg)
    inner = child
  }
  return names
}

function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command)
  for (const child of command.commands) forEachCommand(child, visit)
}
