/**
 * The YAML text of weft.yaml with positions: plain data for the schema, and a place in the text for any path.
 *
 * The parser recovers from syntax errors, so all of them are reported at once. Duplicate keys are found here rather
 * than by the parser, because its message does not say where the first one is.
 */
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'
import type { Diagnostic, SourcePosition } from '../diagnostics/diagnostic.ts'
import { formatPath, type Path, type Problem } from './problem.ts'

export interface IntentDocument {
  /** Plain data; undefined when the text is not YAML that can be read. */
  data: unknown
  syntaxErrors: Diagnostic[]
  duplicateKeys: Diagnostic[]
  /** Where the entry at a path is, or the nearest entry above it that exists. */
  positionOf(path: Path, at?: 'key' | 'value'): SourcePosition
}

/** Reads YAML text. Never throws: whatever is wrong with it comes back as diagnostics. */
export function readDocument(text: string, file: string): IntentDocument {
  const lineCounter = new LineCounter()
  const lines = text.split(/\r\n|\n/)

  function positionAt(start: number, end: number): SourcePosition {
    const { line, col } = lineCounter.linePos(Math.min(start, text.length))
    const source = lines[line - 1] ?? ''
    const column = Math.max(1, Math.min(col, source.length + 1))
    const endColumn = Math.max(column + 1, Math.min(column + (end - start), source.length + 1))
    return { file, line: Math.max(1, line), column, endColumn, source }
  }

  function unreadable(error: unknown): IntentDocument {
    const message = `the file cannot be read as YAML: ${error instanceof Error ? error.message : String(error)}`
    return {
      data: undefined,
      syntaxErrors: [{ code: 'WEFT_INTENT_SYNTAX', severity: 'error', message, at: positionAt(0, 1) }],
      duplicateKeys: [],
      positionOf: () => positionAt(0, 1),
    }
  }

  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      lineCounter,
      // Also when the file asks for YAML 1.1, where `off` is a boolean and 1:30 a number.
      schema: 'core',
      merge: true,
      uniqueKeys: false,
      prettyErrors: false,
      // Findings are returned; nothing here may print.
      logLevel: 'error',
    })
  } catch (error) {
    return unreadable(error)
  }

  function syntaxError(error: YAMLError): Diagnostic {
    const [start, end] = error.pos
    return {
      code: 'WEFT_INTENT_SYNTAX',
      severity: 'error',
      message:
        error.code === 'MULTIPLE_DOCS'
          ? 'the file holds more than one YAML document'
          : `not valid YAML: ${error.message}`,
      at: positionAt(start, end),
      hint: syntaxHint(error),
    }
  }

  function positionOf(path: Path, at: 'key' | 'value' = 'value'): SourcePosition {
    const { key, value, depth } = descend(document, path)
    const isExact = depth === path.length
    // A collection may span many lines and an empty value has no text: their keys are better to point at.
    const isShort = isScalar(value) && value.source !== ''
    const node = isExact && at === 'value' && isShort ? value : (key ?? (value && firstKey(value)))
    const range = node?.range ?? document.contents?.range ?? [0, 1]
    return positionAt(range[0], range[1])
  }

  // Warnings are tags and directives the parser does not know: it would drop them silently.
  const syntaxErrors = onePerPlace([...document.errors, ...document.warnings].map(syntaxError))
  try {
    return {
      data: syntaxErrors.length > 0 ? undefined : toData(document),
      syntaxErrors,
      duplicateKeys: findDuplicateKeys(document, (node) => positionAt(node.range![0], node.range![1])),
      positionOf,
    }
  } catch (error) {
    return unreadable(error)
  }
}

/** Adds the position to a finding. */
export function placeProblem(document: IntentDocument, problem: Problem): Diagnostic {
  const { code, severity = 'error', path, at, ...text } = problem
  return {
    code,
    severity,
    ...text,
    at: document.positionOf(path, at),
    ...(path.length > 0 && { path: formatPath(path) }),
  }
}

function toData(document: Document.Parsed): unknown {
  const data: unknown = document.toJS()
  refuseEndless(data, [])
  // Written without quotes, 10.10 is the number 10.1; a release must be read as it was written.
  const release = document.hasIn(['frr']) && isMap(document.contents) && document.get('frr', true)
  if (isScalar(release) && typeof release.value === 'number' && release.source !== undefined) {
    ;(data as { frr: unknown }).frr = release.source
  }
  return data
}

/** Deeper than any intent; walks over the data need no limit of their own then. */
const deepest = 50

function refuseEndless(value: unknown, parents: object[]): void {
  if (typeof value !== 'object' || value === null) return
  if (parents.includes(value)) throw new Error('an anchor contains itself')
  if (parents.length > deepest) throw new Error(`it is nested more than ${deepest} levels deep`)
  for (const child of Object.values(value)) refuseEndless(child, [...parents, value])
}

/** What follows a syntax error at the same place is the parser finding its way back. */
function onePerPlace(diagnostics: Diagnostic[]): Diagnostic[] {
  const places = new Set<string>()
  return diagnostics.filter(({ at }) => {
    const place = `${at?.line}:${at?.column}`
    return !places.has(place) && places.add(place)
  })
}

function syntaxHint(error: YAMLError): string {
  if (error.code === 'TAB_AS_INDENT') return 'indent with spaces: YAML does not allow tabs'
  if (error.code === 'MULTIPLE_DOCS') return 'write one intent per file: remove the --- between them'
  if (error.code === 'BAD_ALIAS')
    return 'define the anchor (&name) before its first use, or write the value out'
  return 'check indentation, brackets, quotes and the space after each colon'
}

interface Found {
  key: Node | null
  value: Node | null
  /** How many steps of the path exist. */
  depth: number
}

function descend(document: Document.Parsed, path: Path): Found {
  let found: Found = { key: null, value: document.contents, depth: 0 }
  for (const step of path) {
    const parent = isAlias(found.value) ? (found.value.resolve(document) ?? null) : found.value
    if (isMap(parent)) {
      // The last of several equal keys is the one that counts.
      const pair = parent.items.findLast(
        (item) => isScalar(item.key) && String(item.key.value) === String(step),
      )
      if (pair === undefined) return found
      found = { key: pair.key as Node, value: pair.value as Node | null, depth: found.depth + 1 }
    } else if (isSeq(parent)) {
      const item = parent.items[Number(step)] as Node | undefined
      if (item === undefined) return found
      found = { key: isCollection(item) ? firstKey(item) : null, value: item, depth: found.depth + 1 }
    } else {
      return found
    }
  }
  return found
}

function isCollection(node: unknown): boolean {
  return isMap(node) || isSeq(node)
}

/** Something short to point at in a map or list that has no key of its own. */
function firstKey(item: Node): Node {
  if (isMap(item) && isPair(item.items[0])) return item.items[0].key as Node
  return item
}

function findDuplicateKeys(
  document: Document.Parsed,
  position: (node: Node) => SourcePosition,
): Diagnostic[] {
  const diagnostics: Diagnostic[] = []
  visit(document, {
    Map(_, map) {
      const first = new Map<string, Pair>()
      for (const pair of map.items) {
        if (!isScalar(pair.key) || pair.key.value === '<<') continue
        const name = String(pair.key.value)
        const earlier = first.get(name)
        if (earlier === undefined) {
          first.set(name, pair)
          continue
        }
        const line = position(earlier.key as Node).line
        diagnostics.push({
          code: 'WEFT_INTENT_DUPLICATE_KEY',
          severity: 'error',
          message: `"${name}" is written twice: here and in line ${line}`,
          at: position(pair.key),
          hint: 'merge the two entries, or give one of them another name',
        })
      }
    },
  })
  return diagnostics
}
