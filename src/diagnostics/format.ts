import { styleText } from 'node:util'
import type { Diagnostic, SourcePosition } from './diagnostic.ts'
import { WeftError } from './error.ts'

export interface FormatOptions {
  color?: boolean
}

const longestExcerpt = 200

type Style = 'red' | 'yellow' | 'cyan' | 'bold' | 'dim'

function painter(color: boolean): (style: Style, text: string) => string {
  // validateStream would strip the colours again when stdout is a pipe, although the caller asked for them.
  return (style, text) => (color ? styleText(style, text, { validateStream: false }) : text)
}

/** Prints one diagnostic: `weft.yaml:14:15 error WEFT_INTENT_X`, the message, the source line with a caret, the hint. */
export function formatDiagnostic(diagnostic: Diagnostic, options: FormatOptions = {}): string {
  const paint = painter(options.color ?? false)
  const { at, severity, path } = diagnostic
  const head = [
    at && paint('bold', `${at.file}:${at.line}:${at.column}`),
    paint(severity === 'error' ? 'red' : 'yellow', severity),
    diagnostic.code,
    path && paint('dim', `(${path})`),
  ]
  const lines = [head.filter(Boolean).join(' '), ...indent(diagnostic.message)]
  if (at?.source?.trim()) lines.push(...excerpt(at, at.source, paint))
  if (diagnostic.found !== undefined) lines.push(`  found:    ${diagnostic.found}`)
  if (diagnostic.expected !== undefined) lines.push(`  expected: ${diagnostic.expected}`)
  if (diagnostic.hint !== undefined) lines.push(paint('cyan', `  hint: ${diagnostic.hint}`))
  return lines.join('\n')
}

/** Prints an error as an operator should see it: no stack for expected failures, a request to report for surprises. */
export function formatError(error: unknown, options: FormatOptions = {}): string {
  const paint = painter(options.color ?? false)
  if (error instanceof WeftError) {
    const lines = [`${paint('red', 'error')} ${error.code}`, ...indent(error.message)]
    if (error.hint !== undefined) lines.push(paint('cyan', `  hint: ${error.hint}`))
    return lines.join('\n')
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return [
    `${paint('red', 'bug')} WEFT_BUG`,
    ...indent(stack),
    '  This is a defect in Weft: please report it.',
  ].join('\n')
}

function excerpt(at: SourcePosition, line: string, paint: ReturnType<typeof painter>): string[] {
  // A line of a binary or generated file can be as long as the file.
  const start = line.length > longestExcerpt ? Math.max(0, at.column - 1 - longestExcerpt / 2) : 0
  const source = line
    .slice(start, start + longestExcerpt)
    // Control characters would act on the terminal.
    .replace(/[^\P{Cc}\t]/gu, '\u{fffd}')
  const before = at.column - 1 - start
  const width = Math.max(1, Math.min((at.endColumn ?? at.column + 1) - at.column, source.length - before))
  // Tabs are kept in the padding, so that the caret stays under its character at any tab width.
  const padding = source.slice(0, before).replace(/[^\t]/g, ' ')
  return [`    ${source}`, `    ${padding}${paint('red', '^'.repeat(width))}`]
}

function indent(text: string): string[] {
  return text.split('\n').map((line) => `  ${line}`)
}
