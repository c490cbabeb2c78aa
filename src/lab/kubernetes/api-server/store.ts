/**
 * The memory of the API server: objects by type, one resourceVersion counter, and the recent past for watchers.
 *
 * The registry is the only writer. Everything is synchronous, so a change, its resourceVersion and its place in the
 * history are one step, and watchers see changes of a type in exactly the order of resourceVersions.
 *
 * The counter starts at the wall clock rather than at 1: a restarted server has forgotten everything, and a client
 * that comes back with a resourceVersion of the former life must be told 410 and list again, not be made to wait for
 * a number that would mean something else.
 *
 * The history is a ring per type, so that lease renewals of many nodes cannot push out the last Service change.
 */
import { expired, tooLargeResourceVersion } from './api-error.ts'
import { type AnyObject, deepFreeze, keyOf } from './objects.ts'

export interface StoreChange {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** The object after the change; a deleted one as it last was, with the resourceVersion of its deletion. */
  object: AnyObject
  previous?: AnyObject
  resourceVersion: number
}

type ChangeListener = (change: StoreChange) => void

export interface StoreOptions {
  /** Changes remembered for each type. */
  historySize?: number
  firstResourceVersion?: number
}

interface Collection {
  objects: Map<string, AnyObject>
  history: StoreChange[]
  /** Every change up to this one is forgotten. */
  forgottenUpTo: number
  listeners: Set<ChangeListener>
}

export interface Store {
  /** The resourceVersion of the latest change of all. */
  resourceVersion(): number
  get(type: string, key: string): AnyObject | undefined
  /** All objects of a type, or of one namespace, ordered by key. */
  list(type: string, namespace?: string): AnyObject[]
  /** All objects of a type in no particular order, without the cost of sorting. */
  values(type: string): Iterable<AnyObject>
  /** Writes an object, new or changed, and gives it the next resourceVersion. */
  put(type: string, object: AnyObject): AnyObject
  remove(type: string, key: string): AnyObject | undefined
  /** Changes after a resourceVersion; throws 410 when they are forgotten and 504 when it lies in the future. */
  changesSince(type: string, resourceVersion: number): StoreChange[]
  /** Calls the listener synchronously for every later change; returns the way to stop. */
  subscribe(type: string, listener: ChangeListener): () => void
  /** Forgets all history, so that every watch from an earlier resourceVersion gets a 410. For tests and drills. */
  compact(): void
}

/** An empty store. */
export function createStore(options: StoreOptions = {}): Store {
  const historySize = options.historySize ?? 4096
  const first = options.firstResourceVersion ?? Date.now()
  let counter = first
  const collections = new Map<string, Collection>()

  function collection(type: string): Collection {
    let found = collections.get(type)
    if (found === undefined) {
      found = { objects: new Map(), history: [], forgottenUpTo: first, listeners: new Set() }
      collections.set(type, found)
    }
    return found
  }

  function record(into: Collection, change: StoreChange): void {
    into.history.push(change)
    // Trimming in blocks keeps the cost of a change constant.
    if (into.history.length >= 2 * historySize) {
      const dropped = into.history.splice(0, into.history.length - historySize)
      into.forgottenUpTo = dropped.at(-1)!.resourceVersion
    }
    for (const listener of into.listeners) listener(change)
  }

  function stamp(object: AnyObject): AnyObject {
    counter += 1
    return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(counter) } })
  }

  return {
    resourceVersion: () => counter,
    get: (type, key) => collections.get(type)?.objects.get(key),

    list(type, namespace) {
      const objects = [...(collections.get(type)?.objects.entries() ?? [])]
      const wanted =
        namespace === undefined
          ? objects
          : objects.filter(([, object]) => object.metadata.namespace === namespace)
      return wanted.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
    },

    values: (type) => collections.get(type)?.objects.values() ?? [],

    put(type, object) {
      const into = collection(type)
      const key = keyOf(object.metadata)
      const previous = into.objects.get(key)
      const stored = stamp(object)
      into.objects.set(key, stored)
      const change = { object: stored, resourceVersion: counter }
      record(
        into,
        previous === undefined ? { type: 'ADDED', ...change } : { type: 'MODIFIED', previous, ...change },
      )
      return stored
    },

    remove(type, key) {
      const from = collection(type)
      const previous = from.objects.get(key)
      if (previous === undefined) return undefined
      from.objects.delete(key)
      const object = stamp(previous)
      record(from, { type: 'DELETED', object, previous, resourceVersion: counter })
      return object
    },

    changesSince(type, resourceVersion) {
      if (resourceVersion > counter) throw tooLargeResourceVersion(resourceVersion, counter)
      const { history, forgottenUpTo } = collection(type)
      if (resourceVersion < forgottenUpTo) {
        throw expired(`too old resource version: ${resourceVersion} (${forgottenUpTo})`)
      }
      return history.filter((change) => change.resourceVersion > resourceVersion)
    },

    subscribe(type, listener) {
      const { listeners } = collection(type)
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    compact() {
      for (const each of collections.values()) {
        each.history = []
        each.forgottenUpTo = counter
      }
    },
  }
}
