/**
 * Server-side apply, in a whole-object form.
 *
 * Upstream tracks the owner of every field in `managedFields`. Here the last configuration each manager applied is
 * remembered beside the object, and an apply is: take out what this manager applied before and no longer does, then
 * merge what it applies now. Conflicts between managers are not detected: the last apply wins, as with `--force-conflicts`.
 */
import { isJsonObject, isSameJson } from './objects.ts'
import { applyStrategicMerge, listMergeAt } from './strategic-merge.ts'

type JsonObject = Record<string, unknown>

/** The object after a manager applied `next`, having applied `previous` before. */
export function applyConfiguration(
  kind: string,
  live: JsonObject,
  previous: JsonObject | undefined,
  next: JsonObject,
): JsonObject {
  const kept = previous === undefined ? live : withoutDropped(kind, live, previous, next, [])
  return applyStrategicMerge(kind, kept, withoutNulls(next))
}

function withoutDropped(
  kind: string,
  live: JsonObject,
  previous: JsonObject,
  next: JsonObject,
  path: readonly string[],
): JsonObject {
  const result = { ...live }
  for (const [key, before] of Object.entries(previous)) {
    const now = next[key]
    const here = [...path, key]
    const current = result[key]
    if (isJsonObject(before) && isJsonObject(current)) {
      const rest = withoutDropped(kind, current, before, isJsonObject(now) ? now : {}, here)
      if (now === undefined && Object.keys(rest).length === 0) delete result[key]
      else result[key] = rest
    } else if (Array.isArray(before) && Array.isArray(current)) {
      const rest = withoutDroppedElements(kind, current, before, Array.isArray(now) ? now : [], here)
      if (now === undefined && rest.length === 0) delete result[key]
      else result[key] = rest
    } else if (now === undefined) {
      delete result[key]
    }
  }
  return result
}

function withoutDroppedElements(
  kind: string,
  live: unknown[],
  previous: unknown[],
  next: unknown[],
  path: readonly string[],
): unknown[] {
  const merge = listMergeAt(kind, path)
  if (merge === 'replace') return next.length === 0 ? [] : live
  const identity = (item: unknown) => (merge !== 'set' && isJsonObject(item) ? item[merge.by] : item)
  const has = (list: unknown[], item: unknown) =>
    list.some((other) => isSameJson(identity(other), identity(item)))
  return live.filter((item) => !has(previous, item) || has(next, item))
}

function withoutNulls(value: JsonObject): JsonObject {
  const entries = Object.entries(value).filter(([, member]) => member !== null)
  return Object.fromEntries(
    entries.map(([key, member]) => [key, isJsonObject(member) ? withoutNulls(member) : member]),
  )
}
