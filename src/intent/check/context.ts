import type { Path, Report } from '../problem.ts'
import type { Draft } from '../schema.ts'

export interface CheckContext {
  draft: Draft
  /** False when something was refused before: then what seems to be missing may only have been unreadable. */
  isWhole: boolean
  /** Is something written at this path, right or wrong? A site that could not be read is not a dangling reference. */
  isWritten(path: Path): boolean
  lineOf(path: string): number
  report: Report
}
