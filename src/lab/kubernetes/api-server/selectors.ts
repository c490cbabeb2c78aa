/**
 * Label and field selectors, as clients write them in queries and as Services and Deployments carry them.
 */
import { badRequest } from './api-error.ts'
import type { AnyObject } from './objects.ts'

type Requirement =
  | { key: string; operator: 'in' | 'notin'; values: ReadonlySet<string> }
  | { key: string; operator: 'exists' | 'absent' }

/** Says whether labels satisfy a selector. */
export type LabelMatcher = (labels: Readonly<Record<string, string>>) => boolean

/** Says whether an object satisfies a field selector. */
export type FieldMatcher = (object: AnyObject) => boolean

/** Reads the value a field selector compares with; absent reads as the empty string. */
export type FieldReader = (object: AnyObject) => string

/** Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k`; a malformed selector is a 400. */
export function parseLabelSelector(text: string): LabelMatcher {
  const requirements = splitOutsideParentheses(text).map((term) => parseRequirement(term, text))
  return (labels) => requirements.every((requirement) => satisfies(labels, requirement))
}

/** Parses `metadata.name=a,status.phase!=b`; a field the type does not offer is a 400, as upstream. */
export function parseFieldSelector(
  text: string,
  readers: Readonly<Record<string, FieldReader>>,
): FieldMatcher {
  const terms = text.split(',').filter((term) => term.trim() !== '')
  const tests = terms.map((term): FieldMatcher => {
    const match = /^\s*([^=!\s]+)\s*(==|!=|=)\s*(.*?)\s*$/.exec(term)
    if (match === null) throw badRequest(`invalid field selector "${text}": "${term}" is not field=value`)
    const [, field = '', operator, value] = match
    const read = readers[field]
    if (read === undefined) {
      const known = Object.keys(readers).join(', ')
      throw badRequest(`field label not supported: ${field} (this resource can be selected by: ${known})`)
    }
    return operator === '!=' ? (object) => read(object) !== value : (object) => read(object) === value
  })
  return (object) => tests.every((test) => test(object))
}

/** Does the selector of a Service, a plain map, select these labels? An empty selector selects nothing here. */
export function selectsLabels(
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  const wanted = Object.entries(selector ?? {})
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value)
}

function splitOutsideParentheses(text: string): string[] {
  const terms = text.match(/[^,(]+(?:\([^)]*\))?[^,(]*/g) ?? []
  return terms.map((term) => term.trim()).filter((term) => term !== '')
}

const labelKey = '([A-Za-z0-9][-A-Za-z0-9_./]*)'
const setTerm = new RegExp(`^${labelKey}\\s+(in|notin)\\s*\\(([^)]*)\\)$`)
const equalityTerm = new RegExp(`^${labelKey}\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`)
const existenceTerm = new RegExp(`^(!?)\\s*${labelKey}$`)

function parseRequirement(term: string, whole: string): Requirement {
  const set = setTerm.exec(term)
  if (set !== null) {
    const values = new Set((set[3] ?? '').split(',').map((value) => value.trim()))
    return { key: set[1]!, operator: set[2] as 'in' | 'notin', values }
  }
  const equality = equalityTerm.exec(term)
  if (equality !== null) {
    const operator = equality[2] === '!=' ? 'notin' : 'in'
    return { key: equality[1]!, operator, values: new Set([equality[3] ?? '']) }
  }
  const existence = existenceTerm.exec(term)
  if (existence !== null) return { key: existence[2]!, operator: existence[1] === '!' ? 'absent' : 'exists' }
  throw badRequest(`unable to parse label selector "${whole}": "${term}" is not a requirement`)
}

function satisfies(labels: Readonly<Record<string, string>>, requirement: Requirement): boolean {
  const value = labels[requirement.key]
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined
    case 'absent':
      return value === undefined
    case 'in':
      return value !== undefined && requirement.values.has(value)
    case 'notin':
      // A missing label satisfies both != and notin.
      return value === undefined || !requirement.values.has(value)
  }
}
