/** Checks across the whole file: each looks at the resolved intent and reports what contradicts something else. */
import type { Intent } from './model.ts'
import type { Report } from './problem.ts'
import type { Draft } from './schema.ts'

export interface CheckContext {
  draft: Draft
  /** The data as written, including what was refused: a name that is there but wrong is not a dangling reference. */
  written: unknown
  lineOf(path: string): number
  report: Report
}

/** Runs every check. */
export function checkIntent(_intent: Intent, _context: CheckContext): void {}
