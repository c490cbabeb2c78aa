/**
 * Which manager has applied which field of an object.
 *
 * A field is a leaf of what was applied: a value, a list that is replaced as a whole, or one element of a list that is
 * merged. Its path is written as upstream writes it in conflicts, such as `.spec.ports[port=80].targetPort`, and serves
 * as its identity. Name, namespace and kind are nobody's. Whoever forces a field takes it from all others.
 */
import { ApiError } from './api-error.ts'
import { type AnyObject, isJsonObject, isSameJson } from './objects.ts'
import { type ListMerge, listMergeAt } from './strategic-merge.ts'

interface Applied {
  configuration: AnyObject
  /** Fields that others have taken by force since. */
  lost: Set<string>
}

export interface FieldOwners {
  /** What a manager applied last. */
  configurationOf(uid: string, manager: string): AnyObject | undefined
  /** Whether somebody else holds the field, or one below it. */
  isHeldByOthers(kind: string, uid: string, manager: string): (path: string) => boolean
  /** Refuses to change fields that others hold, unless forced; what is returned takes these from them. */
  claim(kind: string, live: AnyObject, manager: string, configuration: AnyObject, force: boolean): () => void
  remember(uid: string, manager: string, configuration: AnyObject): void
}

/**
 * Remembers at most `capacity` configurations. One that was dropped costs little: fields its manager leaves out
 * afterwards stay in the object, and others may change them.
 */
export function createFieldOwners(capacity = 4096): FieldOwners {
  const applied = new Map<string, Map<string, Applied>>()
  let count = 0

  function othersOf(uid: string, manager: string): [string, Applied][] {
    return [...(applied.get(uid) ?? [])].filter(([name]) => name !== manager)
  }

  return {
    configurationOf: (uid, manager) => applied.get(uid)?.get(manager)?.configuration,
    isHeldByOthers(kind, uid, manager) {
      const held = othersOf(uid, manager).flatMap(([, entry]) => [...heldBy(kind, entry).keys()])
      return (path) =>
        held.some((each) => each === path || each.startsWith(`${path}.`) || each.startsWith(`${path}[`))
    },
    claim(kind, live, manager, configuration, force) {
      const now = leavesOf(kind, live)
      const wanted = leavesOf(kind, configuration)
      const conflicts: { manager: string; path: string; entry: Applied }[] = []
      for (const [name, entry] of othersOf(live.metadata.uid ?? '', manager)) {
        for (const [path, value] of heldBy(kind, entry)) {
          const isOurs = !wanted.has(path) || isSameJson(wanted.get(path), now.get(path))
          // Somebody wrote it since without applying: it is not held any more.
          if (isOurs || !isSameJson(value, now.get(path))) continue
          conflicts.push({ manager: name, path, entry })
        }
      }
      if (conflicts.length > 0 && !force) throw applyConflict(conflicts)
      return () => {
        for (const { entry, path } of conflicts) entry.lost.add(path)
      }
    },
    remember(uid, manager, configuration) {
      const managers = applied.get(uid) ?? new Map<string, Applied>()
      if (!managers.has(manager)) count++
      managers.set(manager, { configuration, lost: new Set() })
      applied.delete(uid)
      applied.set(uid, managers)
      const [oldest] = applied
      if (count <= capacity || oldest === undefined) return
      applied.delete(oldest[0])
      count -= oldest[1].size
    },
  }
}

/** The path of a member. */
export function fieldPath(parent: string, key: string): string {
  return `${parent}.${key}`
}

/** The path of an element of a list that is merged. */
export function elementPath(list: string, merge: Exclude<ListMerge, 'replace'>, item: unknown): string {
  if (merge === 'set' || !isJsonObject(item)) return `${list}[=${JSON.stringify(item)}]`
  return `${list}[${merge.by}=${JSON.stringify(item[merge.by])}]`
}

function heldBy(kind: string, { configuration, lost }: Applied): Map<string, unknown> {
  const leaves = leavesOf(kind, configuration)
  for (const path of lost) leaves.delete(path)
  return leaves
}

function leavesOf(
  kind: string,
  { apiVersion: _, kind: __, metadata, ...rest }: AnyObject,
): Map<string, unknown> {
  const { labels, annotations, finalizers } = metadata
  const leaves = new Map<string, unknown>()
  collect(kind, { metadata: { labels, annotations, finalizers }, ...rest }, [], '', leaves)
  return leaves
}

function collect(
  kind: string,
  value: unknown,
  path: readonly string[],
  written: string,
  leaves: Map<string, unknown>,
): void {
  if (value === undefined || value === null) return
  if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value))
      collect(kind, member, [...path, key], fieldPath(written, key), leaves)
    return
  }
  const merge = Array.isArray(value) ? listMergeAt(kind, path) : 'replace'
  if (!Array.isArray(value) || merge === 'replace') {
    leaves.set(written, value)
    return
  }
  for (const item of value) {
    const here = elementPath(written, merge, item)
    if (isJsonObject(item)) collect(kind, item, path, here, leaves)
    else leaves.set(here, item)
  }
}

function applyConflict(conflicts: readonly { manager: string; path: string }[]): ApiError {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${manager}"`,
    field: path,
  }))
  const [only] = conflicts
  const text =
    conflicts.length === 1 && only !== undefined
      ? `conflict: conflict with "${only.manager}": ${only.path}`
      : `conflicts: ${[...Map.groupBy(conflicts, ({ manager }) => manager)]
          .map(
            ([manager, group]) =>
              `conflicts with "${manager}":\n${group.map(({ path }) => `- ${path}`).join('\n')}`,
          )
          .join('\n')}`
  return new ApiError(409, 'Conflict', `Apply failed with ${conflicts.length} ${text}`, { causes })
}
