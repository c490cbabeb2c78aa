/**
 * Pages of a list, cut from one snapshot: a list read in several requests is the state of one moment, however many
 * changes fall between them. Objects are immutable, so a snapshot is a list of references.
 *
 * Snapshots that nobody came back for are dropped, oldest first; their tokens then get a 410 and the client starts over.
 */
import { badRequest, expired } from './api-error.ts'
import type { AnyObject } from './objects.ts'

interface Page {
  objects: readonly AnyObject[]
  resourceVersion: number
  continue?: string
  remainingItemCount?: number
}

export interface ListPages {
  first(objects: readonly AnyObject[], resourceVersion: number, limit: number): Page
  next(token: string, limit: number): Page
}

interface Snapshot {
  objects: readonly AnyObject[]
  resourceVersion: number
}

/** Keeps at most `capacity` unfinished lists. */
export function createListPages(capacity = 64): ListPages {
  const snapshots = new Map<number, Snapshot>()
  let counter = 0

  function cut(id: number, { objects, resourceVersion }: Snapshot, start: number, limit: number): Page {
    const end = limit > 0 ? start + limit : objects.length
    const page = objects.slice(start, end)
    if (end >= objects.length) return { objects: page, resourceVersion }
    const token = Buffer.from(JSON.stringify({ list: id, start: end })).toString('base64url')
    return { objects: page, resourceVersion, continue: token, remainingItemCount: objects.length - end }
  }

  return {
    first(objects, resourceVersion, limit) {
      const snapshot = { objects, resourceVersion }
      if (limit <= 0 || objects.length <= limit) return { objects, resourceVersion }
      counter += 1
      snapshots.set(counter, snapshot)
      const oldest = snapshots.keys().next().value
      if (snapshots.size > capacity && oldest !== undefined) snapshots.delete(oldest)
      return cut(counter, snapshot, 0, limit)
    },
    next(token, limit) {
      const { list, start } = readToken(token)
      const snapshot = snapshots.get(list)
      if (snapshot === undefined) {
        throw expired(
          'The provided continue parameter is too old to display a consistent list result. List again without it.',
        )
      }
      return cut(list, snapshot, start, limit)
    },
  }
}

function readToken(token: string): { list: number; start: number } {
  try {
    const { list, start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>
    if (Number.isInteger(list) && Number.isInteger(start) && (start as number) >= 0) {
      return { list: list as number, start: start as number }
    }
  } catch {
    // Falls through to the one answer for every token this server did not make.
  }
  throw badRequest('continue key is not valid: use the token of the previous page as it came')
}
