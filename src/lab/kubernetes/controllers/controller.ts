/**
 * The frame of a level-triggered controller: changes name keys, keys are reconciled one at a time, failures come back.
 *
 * A reconcile sees only the present state, so it may be called too often but must never rely on having seen a change.
 * Keys collect while others are handled; a key that waits already is not queued again. Controllers share the process
 * with the API server, so a batch yields to requests after every key.
 */
import type { Registry } from '../api-server/registry.ts'
import type { StoreChange } from '../api-server/store.ts'
import type { Log } from '../log.ts'

export interface ControllerOptions {
  name: string
  registry: Registry
  log: Log
  /** For each stored type, the keys that a change of one of its objects concerns. */
  triggers: Readonly<Record<string, (change: StoreChange) => readonly string[]>>
  /** Keys to reconcile once at the start. */
  initialKeys: () => readonly string[]
  reconcile: (key: string) => void
}

export interface Controller {
  /** Asks for a key to be reconciled soon. */
  enqueue(key: string): void
  stop(): void
}

const firstRetryMs = 20
const longestRetryMs = 5_000

/** Starts a controller; it works until stopped. */
export function startController(options: ControllerOptions): Controller {
  const { registry, reconcile, log, name } = options
  const queue = new Set<string>()
  const failures = new Map<string, number>()
  const retries = new Set<NodeJS.Timeout>()
  let isScheduled = false
  let isStopped = false

  function enqueue(key: string): void {
    if (isStopped) return
    queue.add(key)
    schedule()
  }

  function schedule(): void {
    if (isScheduled || isStopped || queue.size === 0) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      work()
      schedule()
    })
  }

  function work(): void {
    const key = queue.values().next().value
    if (key === undefined || isStopped) return
    queue.delete(key)
    try {
      reconcile(key)
      failures.delete(key)
    } catch (error) {
      const attempts = (failures.get(key) ?? 0) + 1
      failures.set(key, attempts)
      const retryInMs = Math.min(firstRetryMs * 2 ** (attempts - 1), longestRetryMs)
      log.warn({ controller: name, key, attempts, retryInMs, err: error }, 'reconcile failed')
      const retry = setTimeout(() => {
        retries.delete(retry)
        enqueue(key)
      }, retryInMs)
      retries.add(retry)
    }
  }

  const unsubscribes = Object.entries(options.triggers).map(([type, keysOf]) =>
    registry.store.subscribe(type, (change) => {
      for (const key of keysOf(change)) enqueue(key)
    }),
  )
  for (const key of options.initialKeys()) enqueue(key)

  return {
    enqueue,
    stop() {
      isStopped = true
      for (const unsubscribe of unsubscribes) unsubscribe()
      for (const retry of retries) clearTimeout(retry)
      queue.clear()
    },
  }
}

/** A trigger by the changed object itself. */
export function ownKey({ object }: StoreChange): readonly string[] {
  const { namespace, name } = object.metadata
  return [namespace === undefined ? name : `${namespace}/${name}`]
}

/** The name behind a key. */
export function nameOf(key: string): { namespace: string; name: string } {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name }
}
