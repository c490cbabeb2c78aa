/**
 * What a process exits with.
 *
 * 0 ok · 1 differs, violated or failed · 2 bad input or usage · 3 environment (privilege, tool or FRR missing) ·
 * 4 peer, daemon or API unreachable · 70 a bug in Weft.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 70

export interface WeftErrorOptions {
  hint?: string
  exitCode?: ExitCode
  cause?: unknown
}

/** An expected failure that ends an operation: a stable code, what was found, and how to mend it. */
export class WeftError extends Error {
  override readonly name: string = 'WeftError'
  readonly code: string
  readonly hint: string | undefined
  readonly exitCode: ExitCode

  constructor(code: string, message: string, options: WeftErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.exitCode = options.exitCode ?? 1
  }
}
