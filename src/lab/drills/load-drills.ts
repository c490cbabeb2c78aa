/**
 * A drill's or suite's YAML text → what it asks for, or every mistake in it at its line.
 *
 * Positions and explanations are those of weft.yaml, so that both files complain in the same way.
 */
import type * as z from 'zod'
import type { Diagnostic } from '../../diagnostics/diagnostic.ts'
import { type IntentDocument, placeProblem, readDocument } from '../../intent/document.ts'
import { explainIssue } from '../../intent/explain.ts'
import { type Path, type Problem, valueAt } from '../../intent/problem.ts'
import type { Drill, DrillSource } from './drill.ts'
import { faultKinds } from './fault-schema.ts'
import { type DrillDraft, drillFile, type SuiteDraft, suiteFile } from './scenario-schema.ts'

export interface LoadedDrills {
  /** Null when any diagnostic is an error. */
  source: DrillSource | null
  diagnostics: Diagnostic[]
}

type Schema = typeof drillFile | typeof suiteFile

/** Reads a drill or a suite. Never throws on its content. */
export function loadDrills(text: string, file: string): LoadedDrills {
  const document = readDocument(text, file)
  const broken = [...document.syntaxErrors, ...document.duplicateKeys]
  if (broken.length > 0) return refuse(broken.map((found) => ({ ...found, code: 'WEFT_DRILL_SYNTAX' })))
  const isSuite = valueAt(document.data, ['suite']) !== undefined
  const result = isSuite ? read(document, suiteFile) : read(document, drillFile)
  if (Array.isArray(result)) return refuse(result)
  const source = isSuite
    ? sourceOfSuite(result as SuiteDraft, file)
    : sourceOfDrill(result as DrillDraft, file)
  const gaps = findGaps(source, document, isSuite)
  return gaps.length > 0 ? refuse(gaps) : { source, diagnostics: [] }
}

function refuse(diagnostics: Diagnostic[]): LoadedDrills {
  const sorted = diagnostics.toSorted(
    (a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0),
  )
  return { source: null, diagnostics: sorted }
}

function read(document: IntentDocument, schema: Schema): DrillDraft | SuiteDraft | Diagnostic[] {
  const { data = null } = document
  const result = schema.safeParse(data)
  if (result.success) return result.data
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    return [
      placeProblem(document, {
        code: 'WEFT_INTENT_TYPE',
        path: [],
        message: 'the file is no drill',
        expected: 'a map that begins with "drill: v1" or "suite: v1"',
        hint: 'start from a built-in one: weft drill show silent-leaf-node',
      }),
    ].map(inDrillWords)
  const problems = result.error.issues.flatMap(
    (issue) => explainFault(issue, data) ?? explainIssue(schema, issue, data),
  )
  // An entry that is wrong only because a part of it is, is no second problem.
  const isConsequence = ({ path }: Problem) =>
    problems.some((part) => part.path.length > path.length && path.every((step, i) => part.path[i] === step))
  return problems
    .filter((problem) => !isConsequence(problem))
    .map((problem) => inDrillWords(placeProblem(document, problem)))
}

type Issue = z.core.$ZodIssue

/**
 * What is wrong with a fault, by the kind of fault that its first word says; null for other issues. All kinds at once
 * would be offered otherwise, and half of what they take would be wrong.
 */
function explainFault(issue: Issue, data: unknown): Problem[] | null {
  if (issue.code !== 'invalid_union' || issue.path.at(-1) !== 'fail') return null
  const path = issue.path as Path
  const value = valueAt(data, path)
  if (typeof value !== 'object' || value === null) return null
  const kind = Object.keys(faultKinds).find((key) => Object.hasOwn(value, key))
  if (kind === undefined) {
    const keys = Object.keys(faultKinds)
    return [
      {
        code: 'WEFT_INTENT_MISSING_KEY',
        path,
        message: 'it does not say what fails',
        expected: `a map with one of the keys ${keys.join(', ')}`,
        hint: 'such as fail: { device: { role: leaf, carrying: traffic }, how: silent }',
      },
    ]
  }
  const schema = faultKinds[kind as keyof typeof faultKinds]
  const result = schema.safeParse(value)
  if (result.success) return null
  return result.error.issues
    .flatMap((inner) => explainIssue(schema, inner, value))
    .map((problem) => ({ ...problem, path: [...path, ...problem.path] }))
}

/** The explanations are those of the intent; the page to look things up in is another. */
function inDrillWords(diagnostic: Diagnostic): Diagnostic {
  const { hint } = diagnostic
  return {
    ...diagnostic,
    code: 'WEFT_DRILL_INVALID',
    ...(hint !== undefined && {
      hint: hint.replace('docs/reference/intent.md', 'docs/reference/drills.md'),
    }),
  }
}

function sourceOfDrill(draft: DrillDraft, file: string): DrillSource {
  return {
    kind: 'drill',
    name: draft.name,
    title: draft.title,
    file,
    intent: null,
    include: [],
    drills: [toDrill(draft, draft.traffic, draft.expect, [])],
  }
}

function sourceOfSuite(draft: SuiteDraft, file: string): DrillSource {
  return {
    kind: 'suite',
    name: draft.name,
    title: draft.title,
    file,
    intent: draft.intent ?? null,
    include: draft.include,
    drills: draft.drills.map((drill, index) =>
      toDrill(drill, drill.traffic ?? draft.traffic ?? [], drill.expect ?? draft.expect ?? [], [
        'drills',
        index,
      ]),
    ),
  }
}

function toDrill(
  draft: Omit<DrillDraft, 'drill' | 'traffic' | 'expect'>,
  traffic: DrillDraft['traffic'],
  expect: DrillDraft['expect'],
  path: (string | number)[],
): Drill {
  return {
    name: draft.name,
    title: draft.title,
    failureClass: draft.class,
    isPlanned: draft.planned,
    isUnaffected: draft.unaffected,
    minimumSites: draft.sites,
    traffic: traffic.map((group) => ({ ...group, name: group.name ?? nameOf(group) })),
    steps: draft.steps,
    settleMs: draft.settle,
    expect,
    path,
  }
}

function nameOf({ from, to, protocol }: DrillDraft['traffic'][number]): string {
  const source = typeof from === 'string' ? from : (from.role ?? from.site ?? 'device')
  return `${source} to ${to}${protocol === 'udp' ? '' : `, ${protocol}`}`
}

/** What the shape cannot say: references within the file. */
function findGaps(source: DrillSource, document: IntentDocument, isSuite: boolean): Diagnostic[] {
  const found: Diagnostic[] = []
  const say = (path: (string | number)[], message: string, expected: string, hint: string) =>
    found.push(
      inDrillWords(placeProblem(document, { code: 'WEFT_INTENT_FORMAT', path, message, expected, hint })),
    )
  if (isSuite && source.drills.length + source.include.length === 0)
    say([], 'the suite is empty', 'drills: or include:', 'name built-in drills below include:')
  for (const drill of source.drills) {
    if (drill.traffic.length === 0)
      say(
        drill.path,
        `${drill.name} has no traffic`,
        'traffic: here or for the whole suite',
        'such as traffic: [{ from: users, to: service web }]',
      )
    if (drill.expect.length === 0)
      say(
        drill.path,
        `${drill.name} expects nothing`,
        'expect: here or for the whole suite',
        'such as expect: [{ worst outage: <= 1s }]',
      )
    const names = drill.traffic.map((group) => group.name)
    for (const [index, { of }] of drill.expect.entries())
      if (of !== undefined && !names.includes(of))
        say(
          [...drill.path, 'expect', index, 'of'],
          `no traffic is called "${of}"`,
          names.join(' or '),
          'give the traffic a name: of its own',
        )
    const first = drill.steps[0]
    if (first !== undefined && usesIt(first))
      say(
        [...drill.path, 'steps', 0],
        '"it" stands for what an earlier step chose, and there is none',
        'a device or link',
        'name it here, and say "it" from the next step on',
      )
  }
  return found
}

function usesIt(step: Drill['steps'][number]): boolean {
  return JSON.stringify(step).includes('"it"')
}
