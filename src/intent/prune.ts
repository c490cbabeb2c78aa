/**
 * Removes what is wrong from a file, so that the rest of it can still be checked.
 *
 * Without this a single misspelt key would hide an overlap three sites further down, and people would mend a file
 * one error at a time. List entries keep their original index, so that later findings point at the right line.
 */
import type { Path } from './problem.ts'

type Tree = Record<string | number, unknown>

export interface Pruner {
  data: unknown
  /** Removes the entry at a path of `data`; false when there is nothing left to remove. */
  remove(paths: Path[]): boolean
  /** The path in the file of what is now at a path of `data`. */
  originalPath(path: Path): Path
}

/** Starts with a copy of the data. */
export function createPruner(original: unknown): Pruner {
  const indexes = new WeakMap<object, number[]>()
  const data: unknown = copyTree(original)

  function copyTree(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      const copy = value.map(copyTree)
      indexes.set(copy, [...copy.keys()])
      return copy
    }
    const copy = Object.create(null) as Tree
    for (const [key, child] of Object.entries(value)) copy[key] = copyTree(child)
    return copy
  }

  function parentOf(path: Path): unknown {
    return path.slice(0, -1).reduce<unknown>((value, step) => childOf(value, step), data)
  }

  function remove(paths: Path[]): boolean {
    // Resolve everything first: removing a list entry moves the ones behind it.
    const targets = new Map<object, Set<string | number>>()
    for (const path of paths) {
      const target = nearestExisting(data, path)
      if (target.length === 0) return false
      const parent = parentOf(target) as object
      targets.set(parent, (targets.get(parent) ?? new Set()).add(target.at(-1)!))
    }
    for (const [parent, steps] of targets) {
      if (!Array.isArray(parent)) {
        for (const step of steps) delete (parent as Tree)[step]
        continue
      }
      const kept = [...parent.keys()].filter((index) => !steps.has(index))
      const previous = indexes.get(parent)!
      indexes.set(
        parent,
        kept.map((index) => previous[index]!),
      )
      parent.splice(0, parent.length, ...kept.map((index) => parent[index]))
    }
    return true
  }

  function originalPath(path: Path): Path {
    let value: unknown = data
    return path.map((step) => {
      const original = Array.isArray(value) ? (indexes.get(value)?.[Number(step)] ?? step) : step
      value = childOf(value, step)
      return original
    })
  }

  return { data, remove, originalPath }
}

function childOf(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
  return (value as Tree)[step]
}

/** A missing key cannot be removed: then the map that misses it goes. */
function nearestExisting(data: unknown, path: Path): Path {
  let value = data
  for (const [depth, step] of path.entries()) {
    const child = childOf(value, step)
    if (child === undefined) return path.slice(0, depth)
    value = child
  }
  return path
}
