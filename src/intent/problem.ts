import type { IntentCode } from './codes.ts'

/** Keys and indexes from the top of the file down to a value. */
export type Path = readonly (string | number)[]

/** A finding before it has a position: the document turns it into a diagnostic. */
export interface Problem {
  code: IntentCode
  severity?: 'warning'
  path: Path
  /** Which part of the entry the caret belongs under; the value unless said otherwise. */
  at?: 'key'
  message: string
  found?: string
  expected?: string
  hint?: string
}

export type Report = (problem: Problem) => void

/** The path that a dotted text such as `sites.dc1.fabric` stands for. */
export function pathOf(text: string): Path {
  return text === '' ? [] : text.split('.')
}

/** Prints a path the way users write it. */
export function formatPath(path: Path): string {
  return path.join('.')
}

/** What stands at a path of plain data; undefined when nothing does. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}
