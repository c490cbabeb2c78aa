import { styleText } from 'node:util'
import type { Command } from 'commander'
import { type Diagnostic, hasErrors } from '../diagnostics/diagnostic.ts'
import { WeftError } from '../diagnostics/error.ts'
import { formatDiagnostic } from '../diagnostics/format.ts'

/*
 * Where a command writes. The result goes to stdout, in the format that was asked for, and is complete or absent;
 * everything said about the work (progress, warnings, errors) goes to stderr, so that results can be piped.
 */

export type OutputFormat = 'text' | 'json'

export interface Output {
  readonly format: OutputFormat
  /** Whether stdout takes colours. */
  readonly color: boolean
  /** Writes a part of the result. */
  print(text: string): void
  /** Writes the whole result as JSON; compact for what nobody reads by eye. */
  printJson(value: unknown, options?: { compact?: boolean }): void
  /** Says something about the work, for the person at the terminal. */
  note(text: string): void
}

export type Style = Parameters<typeof styleText>[0]

/** The output that the global options of this command line ask for. */
export function openOutput(command: Command): Output {
  const { output: format = 'text', color = true } = command.optsWithGlobals<{
    output?: OutputFormat
    color?: boolean
  }>()
  return {
    format,
    color: color && takesColor(process.stdout),
    print: (text) => writeLine(process.stdout, text),
    printJson: (value, { compact = false } = {}) =>
      writeLine(process.stdout, JSON.stringify(value, null, compact ? 0 : 2)),
    note: (text) => writeLine(process.stderr, text),
  }
}

/** Paints text where the output takes colours. */
export function paint(output: Pick<Output, 'color'>, style: Style, text: string): string {
  return output.color ? styleText(style, text, { validateStream: false }) : text
}

/** Says whether a stream is a terminal that shows colours; knows NO_COLOR, FORCE_COLOR and TERM=dumb. */
export function takesColor(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && stream.hasColors()
}

/** Expected problems that end a command, to be shown with their positions instead of the summary alone. */
export class DiagnosticsError extends WeftError {
  override readonly name = 'DiagnosticsError'
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[], message: string) {
    super('WEFT_INPUT_INVALID', message, { exitCode: 2 })
    this.diagnostics = diagnostics
  }
}

/** Shows warnings at once; throws when there are errors, with warnings and errors together in the order found. */
export function settleDiagnostics(diagnostics: readonly Diagnostic[], what: string, output: Output): void {
  if (hasErrors(diagnostics)) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length
    throw new DiagnosticsError(
      diagnostics,
      `${errors} ${errors === 1 ? 'error' : 'errors'} in ${what}; nothing was written`,
    )
  }
  if (diagnostics.length === 0) return
  if (output.format === 'json') output.note(JSON.stringify({ diagnostics }, null, 2))
  else output.note(formatDiagnostics(diagnostics))
}

/** All diagnostics as text, separated by empty lines. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const color = takesColor(process.stderr)
  return `${diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, { color })).join('\n\n')}\n`
}

function writeLine(stream: NodeJS.WriteStream, text: string): void {
  stream.write(text.endsWith('\n') ? text : `${text}\n`)
}
