/**
 * weft.yaml → Intent.
 *
 * All problems of a file are reported at once: what the schema refuses is taken out and the rest is read again, so
 * that the checks across the file still run. An Intent comes back only when there is no error at all.
 */
import { type Diagnostic, hasErrors, type SourcePosition } from '../diagnostics/diagnostic.ts'
import { buildIntent } from './build.ts'
import { checkIntent } from './check/check.ts'
import { type IntentDocument, placeProblem, readDocument } from './document.ts'
import { explainIssue } from './explain.ts'
import type { Intent } from './model.ts'
import { formatPath, type Path, type Problem, pathOf, valueAt } from './problem.ts'
import { createPruner, type Pruner } from './prune.ts'
import { type Draft, weftFile } from './schema.ts'

export interface LoadOptions {
  /** Name shown in diagnostics. */
  file: string
  /** Where passwords written as {env: NAME} come from. */
  env?: Record<string, string | undefined>
}

export interface LoadedIntent {
  /** Null when any diagnostic is an error. */
  intent: Intent | null
  diagnostics: Diagnostic[]
  /** Position of the entry at a dotted path, or of the nearest entry above it that exists. */
  locate(path: string): SourcePosition | undefined
}

/** Reads and checks an intent file. Never throws on its content. */
export function loadIntent(text: string, { file, env = {} }: LoadOptions): LoadedIntent {
  const document = readDocument(text, file)
  const locate = (path: string) => document.positionOf(pathOf(path))
  if (document.syntaxErrors.length > 0) {
    return { intent: null, diagnostics: byPosition(document.syntaxErrors), locate }
  }
  if (document.data === null || document.data === undefined) {
    return { intent: null, diagnostics: [emptyFile(document)], locate }
  }

  const problems: Problem[] = []
  const pruner = createPruner(document.data)
  const draft = readDraft(pruner, problems)
  let intent: Intent | null = null
  if (draft !== null) {
    const isWhole = problems.length === 0
    const report = (problem: Problem) => {
      problems.push({ ...problem, path: pruner.originalPath(problem.path) })
    }
    intent = buildIntent(draft, { env, report })
    const lineOf = (path: string) => document.positionOf(pruner.originalPath(pathOf(path))).line
    const isWritten = (path: Path) => valueAt(document.data, path) !== undefined
    checkIntent(intent, { draft, isWhole, isWritten, lineOf, report })
  }
  const diagnostics = byPosition([
    ...document.duplicateKeys,
    ...withoutRepeats(problems).map((problem) => placeProblem(document, problem)),
  ])
  return { intent: hasErrors(diagnostics) ? null : intent, diagnostics, locate }
}

/** Reads what can be read, reporting the rest; null when nothing is left. */
function readDraft(pruner: Pruner, problems: Problem[]): Draft | null {
  const earlier: Path[] = []
  for (;;) {
    const result = weftFile.safeParse(pruner.data)
    if (result.success) return result.data
    const found = result.error.issues.flatMap((issue) => explainIssue(weftFile, issue, pruner.data))
    const placed = found.map((problem) => ({ ...problem, path: pruner.originalPath(problem.path) }))
    // An entry that is wrong only because a part of it is, or because that part was taken out, is no second problem.
    const isConsequence = (path: Path) =>
      earlier.some((gone) => startsWith(gone, path)) ||
      placed.some((part) => part.path.length > path.length && startsWith(part.path, path))
    problems.push(...placed.filter(({ path }) => !isConsequence(path)))
    earlier.push(...placed.map(({ path }) => path))
    if (!pruner.remove(found.map((problem) => problem.path))) return null
  }
}

function startsWith(path: Path, start: Path): boolean {
  return start.every((step, i) => String(path[i]) === String(step))
}

function withoutRepeats(problems: Problem[]): Problem[] {
  const seen = new Set<string>()
  return problems.filter((problem) => {
    const key = `${problem.code} ${formatPath(problem.path)} ${problem.message}`
    return !seen.has(key) && seen.add(key)
  })
}

function emptyFile(document: IntentDocument): Diagnostic {
  return {
    code: 'WEFT_INTENT_EMPTY',
    severity: 'error',
    message: 'the file says nothing',
    at: document.positionOf([]),
    expected: 'at least one site below sites:',
    hint: 'weft init writes a commented file to start from',
  }
}

function byPosition(diagnostics: Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted(
    (a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0),
  )
}
