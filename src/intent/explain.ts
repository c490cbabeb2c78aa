/**
 * Turns what the schema found into problems in our own words.
 *
 * The schema library knows that "path X failed check Y"; people need to know what stands there, what may stand there
 * and what to do. Everything expected is read from the schema itself, so that the two cannot drift apart.
 */
import type * as z from 'zod'
import type { IntentCode } from './codes.ts'
import { findNearest } from './nearest.ts'
import { formatPath, type Path, type Problem, valueAt } from './problem.ts'
import { describeAt, keysAt, placesOf, wordingAt } from './schema-walk.ts'
import type { ValueProblem } from './values.ts'

type Issue = z.core.$ZodIssue

/** The problems behind one issue, each at its own path. */
export function explainIssue(root: z.core.$ZodType, issue: Issue, data: unknown): Problem[] {
  const path = issue.path as Path
  if (issue.code === 'invalid_union') return explainUnion(root, issue, data)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(root, path, key))
  if (issue.code === 'invalid_key') return [invalidName(root, path)]
  const value = valueAt(data, path)
  if (value === undefined) return [missingKey(root, path)]
  if (issue.code === 'custom') return [custom(issue, path, value)]
  return [wrongValue(root, issue, path, value)]
}

/** Explains the alternative that the user most likely meant: the one whose kind of value was written. */
function explainUnion(
  root: z.core.$ZodType,
  issue: Extract<Issue, { code: 'invalid_union' }>,
  data: unknown,
): Problem[] {
  const path = issue.path as Path
  const value = valueAt(data, path)
  if (value === undefined) return [missingKey(root, path)]
  const branches = issue.errors as Issue[][]
  const meant =
    branches.find((issues) => isMisspelt(issues, value)) ??
    branches
      .filter((issues) => issues.length > 0 && isKindRight(issues))
      .toSorted((a, b) => strangeness(a) - strangeness(b))[0] ??
    branches.find((issues) => typeof value === 'string' && isChoice(issues))
  if (meant === undefined) return [wrongKind(root, path, value)]
  return meant.flatMap((inner) =>
    explainIssue(root, { ...inner, path: [...issue.path, ...inner.path] } as Issue, data),
  )
}

function isChoice(issues: Issue[]): boolean {
  return issues.length === 1 && issues[0]?.code === 'invalid_value' && issues[0].path.length === 0
}

/** A word that is nearly one of the words that one alternative takes. */
function isMisspelt(issues: Issue[], value: unknown): boolean {
  const [issue] = issues
  return (
    typeof value === 'string' &&
    isChoice(issues) &&
    issue?.code === 'invalid_value' &&
    nearestChoice(issue, value) !== null
  )
}

/** How far a map is from an alternative: keys that it does not have count most. */
function strangeness(issues: Issue[]): number {
  const each = issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') return 10 * issue.keys.length
    if (issue.code !== 'invalid_union') return 1
    return Math.min(10, ...(issue.errors as Issue[][]).filter(isKindRight).map(strangeness))
  })
  return each.reduce((sum, one) => sum + one, 0)
}

function isKindRight(issues: Issue[]): boolean {
  return issues.every((issue) => {
    if (issue.path.length > 0) return true
    if (issue.code === 'invalid_union') return (issue.errors as Issue[][]).some(isKindRight)
    return issue.code !== 'invalid_type' && issue.code !== 'invalid_value'
  })
}

function unknownKey(root: z.core.$ZodType, path: Path, key: string): Problem {
  const known = keysAt(root, path)
  const nearest = findNearest(key, known)
  const elsewhere = placesOf(root, key).filter((place) => place !== '')
  const hints = [
    ...(nearest === null ? [] : [`did you mean "${nearest}"?`]),
    ...(elsewhere.length === 0 ? [] : [`"${key}" belongs in ${elsewhere.join(' or ')}`]),
  ]
  const where = path.length === 0 ? 'at the top level' : `in ${formatPath(path)}`
  return {
    code: 'WEFT_INTENT_UNKNOWN_KEY',
    path: [...path, key],
    at: 'key',
    message: `there is no key "${key}" ${where}`,
    expected: `one of ${known.join(', ')}`,
    hint: hints.length > 0 ? hints.join(' ') : 'remove it, or look it up in docs/reference/intent.md',
  }
}

function invalidName(root: z.core.$ZodType, path: Path): Problem {
  const rule = wordingAt(root, path.slice(0, -1), 'key')
  return {
    code: 'WEFT_INTENT_NAME_INVALID',
    path,
    at: 'key',
    message: `"${path.at(-1)}" cannot be a name`,
    ...(rule && { expected: rule.expected }),
    hint: 'device names are made from it, so it follows the rules for host names',
  }
}

function missingKey(root: z.core.$ZodType, path: Path): Problem {
  const parent = path.slice(0, -1)
  return {
    code: 'WEFT_INTENT_MISSING_KEY',
    path,
    message: `${parent.length === 0 ? 'the file' : formatPath(parent)} has no "${path.at(-1)}", which has no default`,
    expected: describeAt(root, path),
    hint: `add "${path.at(-1)}:" ${parent.length === 0 ? 'at the top level' : `below ${formatPath(parent)}`}`,
  }
}

function custom(issue: Issue & { code: 'custom' }, path: Path, value: unknown): Problem {
  const { code = 'WEFT_INTENT_FORMAT', ...text } = (issue.params ?? {}) as Partial<ValueProblem>
  return { code, path, message: issue.message, found: show(value), ...text }
}

function wrongKind(root: z.core.$ZodType, path: Path, value: unknown): Problem {
  return {
    code: 'WEFT_INTENT_TYPE',
    path,
    message: `${subject(path)} cannot be ${kindOf(value)}`,
    found: show(value),
    expected: describeAt(root, path),
    ...kindHint(root, path, value),
  }
}

function wrongValue(root: z.core.$ZodType, issue: Issue, path: Path, value: unknown): Problem {
  if (issue.code === 'invalid_type' && !isNotWhole(issue, value)) return wrongKind(root, path, value)
  const rule = wordingAt(root, path, 'value')
  const [code, message] = explainValue(issue, path, value)
  const nearest =
    typeof value === 'string' && issue.code === 'invalid_value' ? nearestChoice(issue, value) : null
  const hint = nearest === null ? rule?.hint : `did you mean "${nearest}"?`
  return {
    code: rule?.code ?? code,
    path,
    message,
    found: show(value),
    expected: describeAt(root, path),
    ...(hint !== undefined && { hint }),
  }
}

function explainValue(issue: Issue, path: Path, value: unknown): [IntentCode, string] {
  if (issue.code === 'invalid_value') {
    if (typeof value !== 'string') return ['WEFT_INTENT_TYPE', `${subject(path)} cannot be ${kindOf(value)}`]
    return ['WEFT_INTENT_CHOICE', `${subject(path)} cannot be "${value}"`]
  }
  if (issue.code === 'invalid_format')
    return ['WEFT_INTENT_FORMAT', `"${String(value)}" is not possible here`]
  const isSmall = issue.code === 'too_small'
  if (Array.isArray(value)) {
    return [
      'WEFT_INTENT_RANGE',
      `${subject(path)} has too ${isSmall ? 'few' : 'many'} entries: ${value.length}`,
    ]
  }
  if (typeof value === 'string') {
    return ['WEFT_INTENT_FORMAT', `${subject(path)} is too ${isSmall ? 'short' : 'long'}`]
  }
  if (issue.code === 'invalid_type') return ['WEFT_INTENT_RANGE', `${subject(path)} must be a whole number`]
  return ['WEFT_INTENT_RANGE', `${subject(path)} is too ${isSmall ? 'small' : 'large'}`]
}

function nearestChoice(issue: Issue & { code: 'invalid_value' }, value: string): string | null {
  return findNearest(
    value,
    issue.values.filter((choice) => typeof choice === 'string'),
  )
}

function isNotWhole(issue: Issue, value: unknown): boolean {
  return issue.code === 'invalid_type' && issue.expected === 'int' && typeof value === 'number'
}

function kindHint(root: z.core.$ZodType, path: Path, value: unknown): { hint?: string } {
  const rule = wordingAt(root, path, 'value')
  if (rule?.hint !== undefined) return { hint: rule.hint }
  if (value === null && keysAt(root, path).length > 0) {
    return { hint: `write ${String(path.at(-1))}: {} for the defaults, or remove the key` }
  }
  if (value === null) return { hint: 'write a value, or remove the key' }
  if (typeof value === 'number' && describeAt(root, path).startsWith('text'))
    return { hint: `write "${value}" in quotes` }
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return { hint: `write ${value} without quotes` }
  return {}
}

function subject(path: Path): string {
  if (path.length === 0) return 'the file'
  const last = path.at(-1)
  return typeof last === 'number' ? `entry ${last + 1} of "${String(path.at(-2))}"` : `"${last}"`
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return String(value)
  return 'a number'
}

/** The value in short, as it might be written. */
function show(value: unknown): string {
  if (value === null) return 'nothing'
  if (typeof value === 'bigint') return String(value)
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
