/**
 * Server-side apply, in a whole-object form.
 *
 * Upstream tracks the owner of every field in `managedFields`. Here the last configuration each manager applied is
 * remembered beside the object (field-owners.ts), and an apply is: refuse to change what another manager has applied,
 * unless forced; take out what this manager applied before, no longer does, and nobody else holds; then merge what it
 * applies now. Managers that write without applying own nothing.
 */

import { elementPath, fieldPath } from './field-owners.ts'
import { isJsonObject, isSameJson } from './objects.ts'
import { applyStrategicMerge, listMergeAt } from './strategic-merge.ts'

type JsonObject = Record<string, unknown>

/** The object after a manager applied `next`, having applied `previous` before. */
export function applyConfiguration(
  kind: string,
  live: JsonObject,
  previous: JsonObject | undefined,
  next: JsonObject,
  isHeld: (path: string) => boolean = () => false,
): JsonObject {
  const kept = previous === undefined ? live : withoutDropped({ kind, isHeld }, live, previous, next, [], '')
  return applyStrategicMerge(kind, kept, withoutNulls(next))
}

interface Dropping {
  kind: string
  /** Whether another manager holds this field, or one below it. */
  isHeld: (path: string) => boolean
}

function withoutDropped(
  dropping: Dropping,
  live: JsonObject,
  previous: JsonObject,
  next: JsonObject,
  path: readonly string[],
  written: string,
): JsonObject {
  const result = { ...live }
  for (const [key, before] of Object.entries(previous)) {
    const now = next[key]
    const here = [...path, key]
    const place = fieldPath(written, key)
    const current = result[key]
    if (isJsonObject(before) && isJsonObject(current)) {
      const rest = withoutDropped(dropping, current, before, isJsonObject(now) ? now : {}, here, place)
      if (now === undefined && Object.keys(rest).length === 0) delete result[key]
      else result[key] = rest
    } else if (Array.isArray(before) && Array.isArray(current)) {
      const rest = withoutDroppedElements(
        dropping,
        current,
        before,
        Array.isArray(now) ? now : [],
        here,
        place,
      )
      if (now === undefined && rest.length === 0) delete result[key]
      else result[key] = rest
    } else if (now === undefined && !dropping.isHeld(place)) {
      delete result[key]
    }
  }
  return result
}

function withoutDroppedElements(
  { kind, isHeld }: Dropping,
  live: unknown[],
  previous: unknown[],
  next: unknown[],
  path: readonly string[],
  written: string,
): unknown[] {
  const merge = listMergeAt(kind, path)
  if (merge === 'replace') return next.length === 0 && !isHeld(written) ? [] : live
  const identity = (item: unknown) => (merge !== 'set' && isJsonObject(item) ? item[merge.by] : item)
  const has = (list: unknown[], item: unknown) =>
    list.some((other) => isSameJson(identity(other), identity(item)))
  return live.filter(
    (item) => !has(previous, item) || has(next, item) || isHeld(elementPath(written, merge, item)),
  )
}

function withoutNulls(value: JsonObject): JsonObject {
  const entries = Object.entries(value).filter(([, member]) => member !== null)
  return Object.fromEntries(
    entries.map(([key, member]) => [key, isJsonObject(member) ? withoutNulls(member) : member]),
  )
}
