/** Where in a file something was found; `source` is the line itself, so that it can be shown with a caret. */
export interface SourcePosition {
  file: string
  line: number
  column: number
  endColumn?: number
  source?: string
}

/**
 * One expected problem, as data: what is wrong, where, and how to mend it.
 *
 * Codes are stable and documented; text may change.
 */
export interface Diagnostic {
  code: string
  severity: 'error' | 'warning'
  message: string
  at?: SourcePosition
  /** Dotted path of the value at fault, such as `sites.dc1.fabric.spines`. */
  path?: string
  found?: string
  expected?: string
  hint?: string
}

/** Says whether any of the diagnostics forbids going on. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error')
}
