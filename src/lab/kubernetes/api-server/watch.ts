/**
 * Serves one watch: the state at the start if asked for, then every change, as JSON lines until somebody ends it.
 *
 * A watch owns its response. Events wait as references to stored objects and are encoded only when the socket takes
 * them, so a slow client costs a bounded number of references. One that falls too far behind is cut off: it comes
 * back with the resourceVersion it last saw and is served from the history, or told 410.
 *
 * An object that starts or stops matching the selector is reported as ADDED or DELETED, as upstream does.
 */
import type { ServerResponse } from 'node:http'
import { ApiError } from './api-error.ts'
import type { AnyObject } from './objects.ts'
import type { Registry } from './registry.ts'
import { type Presentation, presentObject } from './representation.ts'
import { apiVersionOf, type ResourceType, storageName } from './resource-type.ts'
import type { StoreChange } from './store.ts'

export interface WatchRequest {
  type: ResourceType
  namespace?: string
  matches: (object: AnyObject) => boolean
  presentation: Presentation
  /** Undefined and 0 begin with the present state; any other number continues after it. */
  resourceVersion?: number
  /** Ends the initial state with a marked bookmark (streaming lists). */
  sendInitialEvents: boolean
  allowBookmarks: boolean
  timeoutSeconds: number
}

export interface WatchSettings {
  bookmarkIntervalSeconds: number
  /** Changes that may wait for a slow client. */
  maxPendingEvents: number
  now: () => number
}

type EventType = StoreChange['type'] | 'BOOKMARK' | 'ERROR'

interface WatchEvent {
  type: EventType
  object: unknown
  /** Set when `object` is a stored one that still has to be presented. */
  stored?: AnyObject
}

/** Encoded events of stored objects, shared by all watchers of plain JSON. */
const encodings = new WeakMap<AnyObject, Map<EventType, string>>()

/** Starts the watch on a response; the returned function ends it. Throws before the response began. */
export function serveWatch(
  response: ServerResponse,
  registry: Registry,
  watch: WatchRequest,
  settings: WatchSettings,
): () => void {
  const { store } = registry
  const name = storageName(watch.type)
  const selects = (object: AnyObject | undefined): object is AnyObject =>
    object !== undefined &&
    (watch.namespace === undefined || object.metadata.namespace === watch.namespace) &&
    watch.matches(object)

  const pending = beginning()
  const pendingLimit = pending.length + settings.maxPendingEvents
  let next = 0
  let isWaitingForDrain = false

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
  response.flushHeaders()
  if (pending.at(-1)?.type === 'ERROR') {
    response.end(encode(watch, pending.at(-1)!, settings.now()))
    return () => {}
  }

  const unsubscribe = store.subscribe(name, (change) => {
    const event = eventOf(change, selects)
    if (event !== undefined) send(event)
  })
  const timeout = setTimeout(finish, watch.timeoutSeconds * 1000)
  const bookmarks = watch.allowBookmarks
    ? setInterval(() => send(bookmark()), settings.bookmarkIntervalSeconds * 1000)
    : undefined
  response.on('drain', () => {
    isWaitingForDrain = false
    pump()
  })
  response.on('close', stop)
  response.on('error', stop)
  pump()
  return finish

  function beginning(): WatchEvent[] {
    const { resourceVersion, sendInitialEvents } = watch
    if (sendInitialEvents || resourceVersion === undefined || resourceVersion === 0) {
      const events = registry.list(watch.type, watch.namespace).filter(selects).map(added)
      return sendInitialEvents ? [...events, bookmark({ 'k8s.io/initial-events-end': 'true' })] : events
    }
    try {
      return store.changesSince(name, resourceVersion).flatMap((change) => eventOf(change, selects) ?? [])
    } catch (error) {
      // As upstream: once the request itself is in order, "too old" arrives as an event of the stream.
      if (error instanceof ApiError && error.code === 410)
        return [{ type: 'ERROR', object: error.toStatus() }]
      throw error
    }
  }

  function bookmark(annotations?: Record<string, string>): WatchEvent {
    const metadata = {
      resourceVersion: String(store.resourceVersion()),
      ...(annotations === undefined ? {} : { annotations }),
    }
    return {
      type: 'BOOKMARK',
      object: { kind: watch.type.kind, apiVersion: apiVersionOf(watch.type), metadata },
    }
  }

  function send(event: WatchEvent): void {
    pending.push(event)
    if (pending.length - next > pendingLimit) response.destroy()
    else pump()
  }

  function pump(): void {
    while (!isWaitingForDrain && next < pending.length) {
      isWaitingForDrain = !response.write(encode(watch, pending[next]!, settings.now()))
      next += 1
    }
    if (next === pending.length || next > 1024) {
      pending.splice(0, next)
      next = 0
    }
  }

  function stop(): void {
    unsubscribe()
    clearTimeout(timeout)
    clearInterval(bookmarks)
    pending.length = 0
  }

  function finish(): void {
    if (watch.allowBookmarks && next === pending.length) send(bookmark())
    stop()
    response.end()
  }
}

function added(stored: AnyObject): WatchEvent {
  return { type: 'ADDED', object: undefined, stored }
}

function eventOf(
  change: StoreChange,
  selects: (object: AnyObject | undefined) => boolean,
): WatchEvent | undefined {
  const event = (type: EventType): WatchEvent => ({ type, object: undefined, stored: change.object })
  if (change.type === 'DELETED') return selects(change.previous) ? event('DELETED') : undefined
  const matched = selects(change.previous)
  if (selects(change.object)) return event(matched ? 'MODIFIED' : 'ADDED')
  return matched ? event('DELETED') : undefined
}

function encode(watch: WatchRequest, { type, object, stored }: WatchEvent, now: number): string {
  if (stored === undefined) return line(type, object)
  if (watch.presentation.form !== 'object' || stored.apiVersion !== apiVersionOf(watch.type)) {
    return line(type, presentObject(watch.type, stored, watch.presentation, now))
  }
  let byType = encodings.get(stored)
  if (byType === undefined) {
    byType = new Map()
    encodings.set(stored, byType)
  }
  let text = byType.get(type)
  if (text === undefined) {
    text = line(type, stored)
    byType.set(type, text)
  }
  return text
}

function line(type: EventType, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`
}
