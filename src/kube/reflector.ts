import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../diagnostics/error.ts'
import { type KubeClient, type KubeRequest, KubeStatusError } from './client.ts'
import { LineSplitter } from './json-lines.ts'
import { type ReflectorHandlers, ReflectorStore } from './reflector-store.ts'
import {
  collectionPath,
  type RawList,
  type RawObject,
  type RawWatchEvent,
  type ResourcePath,
} from './types.ts'

/*
 * Keeps a projected copy of one collection of the Kubernetes API, for as long as the process lives.
 *
 * First everything is listed: as a stream when the server can (`sendInitialEvents`), else in pages. Then the collection
 * is watched from the version the list gave. Each object is projected when it is parsed and the rest forgotten.
 *
 * What ends a watch, and what follows:
 *   a clean end, a reset, a silent peer   watch again from the last version seen, after a jittered backoff
 *   410 Gone, by status or in the stream  list again, keeping the old copy and telling only the differences
 *   429                                   wait as long as Retry-After says
 *   403, 401                              go on trying and say which permission is missing; the copy stays
 *
 * A silent peer is inherent to TCP: nothing tells a dead one from a quiet cluster but asking. A machine or a way that is
 * gone is asked by keepalive and given up after 25 s (measured). A server that hangs while its kernel answers shows only
 * by missing bookmarks; it sends one a minute, so three missed ones, 180 s, are the read deadline.
 *
 * The copy is never emptied because the server cannot be reached: owners go on with what was last true.
 * An exception in an owner's handler is reported and never reaches the stream.
 */

export interface ReflectorTimings {
  minBackoffMs: number
  maxBackoffMs: number
  /** A watch that lasted this long was a good one: the backoff starts anew. */
  goodWatchMs: number
  /** The server ends each watch after a random time between the two. */
  watchSeconds: readonly [number, number]
  /** Beyond the watch's own time, how long until a peer that does not end it is given up. */
  graceMs: number
  /** How long a watch may be silent, bookmarks included, before it is opened again. */
  idleMs: number
  /** The same while a streamed list is not complete: a server that cannot stream one would be silent for ever. */
  listIdleMs: number
}

export interface ReflectorOptions<View> extends ReflectorHandlers<View> {
  client: KubeClient
  resource: ResourcePath
  labelSelector?: string
  fieldSelector?: string
  /** Called each time a complete list has been taken over. */
  onSynced?: () => void
  /** Called when a watch or list fails, and when it works again. */
  onStatus?: (status: { isConnected: boolean; error?: WeftError }) => void
  pageSize?: number
  timings?: Partial<ReflectorTimings>
}

const defaultTimings: ReflectorTimings = {
  minBackoffMs: 250,
  maxBackoffMs: 30_000,
  goodWatchMs: 60_000,
  watchSeconds: [300, 600],
  graceMs: 30_000,
  idleMs: 180_000,
  listIdleMs: 10_000,
}

/** After so many watches that ended without any news, the version they began from is not trusted any more. */
const maxBarrenWatches = 5

export class Reflector<View> {
  readonly #options: ReflectorOptions<View>
  readonly #timings: ReflectorTimings
  readonly #store: ReflectorStore<View>
  #resourceVersion: string | undefined
  #canStreamList = true
  #barrenWatches = 0
  #isConnected = false
  #hasSynced = false
  /** For metrics. */
  readonly counters = { relists: 0, watches: 0, failures: 0, events: 0 }
  lastEventAtMs = 0
  lastError: WeftError | undefined

  constructor(options: ReflectorOptions<View>) {
    this.#options = options
    this.#timings = { ...defaultTimings, ...options.timings }
    this.#store = new ReflectorStore(options)
  }

  /** The views by key (`namespace/name`, or `name` for what has no namespace). */
  get views(): ReadonlyMap<string, View> {
    return this.#store.views
  }

  /** Objects that could not be projected, with the reason. */
  get refused(): ReadonlyMap<string, string> {
    return this.#store.refused
  }

  get hasSynced(): boolean {
    return this.#hasSynced
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Lists and watches until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    let backoffMs = this.#timings.minBackoffMs
    while (!signal.aborted) {
      const startedAt = performance.now()
      let waitMs: number | undefined
      try {
        await this.#listAndWatch(signal)
      } catch (error) {
        if (signal.aborted) break
        waitMs = this.#noteFailure(error)
      }
      if (signal.aborted) break
      if (performance.now() - startedAt >= this.#timings.goodWatchMs) backoffMs = this.#timings.minBackoffMs
      await delay(waitMs ?? backoffMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
      backoffMs = Math.min(backoffMs * 2, this.#timings.maxBackoffMs)
    }
    this.#setConnected(false)
  }

  async #listAndWatch(signal: AbortSignal): Promise<void> {
    if (this.#resourceVersion === undefined) {
      this.counters.relists++
      this.#store.beginList()
      if (this.#canStreamList) return await this.#watch(signal, true)
      await this.#listPages(signal)
    }
    await this.#watch(signal, false)
  }

  async #listPages(signal: AbortSignal): Promise<void> {
    let next: string | undefined
    let version: string | undefined
    do {
      const page: RawList = await this.#options.client.json<RawList>({
        ...this.#request({ limit: this.#options.pageSize ?? 500, continue: next }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(60_000)]),
      })
      for (const raw of page.items ?? []) this.#store.apply('ADDED', raw)
      next = page.metadata?.continue || undefined
      version = page.metadata?.resourceVersion
    } while (next !== undefined)
    this.#resourceVersion = version
    this.#endList()
  }

  /** One watch, from opening to its end; with `initial`, it begins with all objects there are. */
  async #watch(signal: AbortSignal, initial: boolean): Promise<void> {
    const [least, most] = this.#timings.watchSeconds
    const timeoutSeconds = Math.round(least + Math.random() * (most - least))
    const lifetime = AbortSignal.timeout(timeoutSeconds * 1000 + this.#timings.graceMs)
    const versionBefore = this.#resourceVersion
    this.counters.watches++
    const response = await this.#open(AbortSignal.any([signal, lifetime]), timeoutSeconds, initial)
    if (response === undefined) return
    this.#setConnected(true)
    try {
      await this.#consume(response, initial)
    } finally {
      response.destroy()
      this.#setConnected(false)
    }
    this.#barrenWatches = this.#resourceVersion === versionBefore ? this.#barrenWatches + 1 : 0
    if (this.#barrenWatches >= maxBarrenWatches) {
      this.#barrenWatches = 0
      this.#resourceVersion = undefined
    }
  }

  /** Opens a watch; undefined when the server cannot begin it with a list and pages are to be used from now on. */
  async #open(
    signal: AbortSignal,
    timeoutSeconds: number,
    initial: boolean,
  ): Promise<IncomingMessage | undefined> {
    const how = initial
      ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
      : { resourceVersion: this.#resourceVersion }
    try {
      return await this.#options.client.open({
        ...this.#request({ watch: 1, allowWatchBookmarks: true, timeoutSeconds, ...how }),
        signal,
      })
    } catch (error) {
      const isUnsupported =
        initial && error instanceof KubeStatusError && (error.status === 400 || error.status === 422)
      if (!isUnsupported) throw error
      this.#canStreamList = false
      await this.#listPages(signal)
      return undefined
    }
  }

  async #consume(response: IncomingMessage, initial: boolean): Promise<void> {
    const lines = new LineSplitter()
    let isListing = initial
    let wentIdle = false
    const onIdle = () => {
      wentIdle = true
      response.destroy()
    }
    let idle = setTimeout(onIdle, initial ? this.#timings.listIdleMs : this.#timings.idleMs)
    response.socket?.setKeepAlive(true, 15_000)
    try {
      for await (const chunk of response) {
        idle.refresh()
        for (const line of lines.push(chunk as Buffer)) {
          if (!this.#handle(parseEvent(line), isListing)) continue
          isListing = false
          clearTimeout(idle)
          idle = setTimeout(onIdle, this.#timings.idleMs)
        }
      }
    } catch (cause) {
      if (cause instanceof WeftError) throw cause
      if (!wentIdle) {
        throw new WeftError(
          'WEFT_KUBE_WATCH',
          `the watch on ${this.#name} broke: ${(cause as Error).message}`,
          {
            exitCode: 4,
            cause,
          },
        )
      }
    } finally {
      clearTimeout(idle)
    }
    // A server that knows nothing of streamed lists takes the request for a plain watch, and never ends the list.
    if (wentIdle && isListing) this.#canStreamList = false
  }

  /** Takes one event; true when it ends the initial list. */
  #handle(event: RawWatchEvent, isListing: boolean): boolean {
    this.lastEventAtMs = performance.now()
    this.counters.events++
    if (event.type === 'ERROR') {
      const { code = 0, message = 'no reason given' } = event.object
      throw new KubeStatusError(this.#request({}), code, message)
    }
    if (event.type !== 'BOOKMARK') this.#store.apply(event.type, event.object)
    const version = event.object.metadata?.resourceVersion
    const isEnd =
      isListing &&
      event.type === 'BOOKMARK' &&
      annotation(event.object, 'k8s.io/initial-events-end') === 'true'
    // A version seen within the initial list is not one to resume from: the list is not complete yet.
    if ((!isListing || isEnd) && typeof version === 'string') this.#resourceVersion = version
    if (isEnd) this.#endList()
    return isEnd
  }

  #endList(): void {
    this.#store.endList()
    this.#hasSynced = true
    this.#guard(() => this.#options.onSynced?.())
  }

  /** Records a failure and says how long to wait, when the server asked for a certain time. */
  #noteFailure(error: unknown): number | undefined {
    this.counters.failures++
    const known =
      error instanceof WeftError
        ? error
        : new WeftError('WEFT_KUBE_WATCH', `watching ${this.#name}: ${(error as Error).message}`, {
            cause: error,
          })
    const isGone = known instanceof KubeStatusError && known.status === 410
    if (isGone) {
      this.#resourceVersion = undefined
      return this.#timings.minBackoffMs * Math.random()
    }
    this.lastError = known
    this.#guard(() => this.#options.onStatus?.({ isConnected: false, error: known }))
    const retryAfter = known instanceof KubeStatusError ? known.retryAfterSeconds : undefined
    return retryAfter === undefined ? undefined : retryAfter * 1000 * (1 + Math.random() * 0.2)
  }

  #setConnected(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return
    this.#isConnected = isConnected
    if (isConnected) this.#guard(() => this.#options.onStatus?.({ isConnected }))
  }

  #guard(handler: () => void): void {
    try {
      handler()
    } catch (error) {
      this.#options.onHandlerError?.(error)
    }
  }

  #request(query: NonNullable<KubeRequest['query']>): KubeRequest {
    const { resource, labelSelector, fieldSelector } = this.#options
    return { path: collectionPath(resource), query: { labelSelector, fieldSelector, ...query } }
  }

  get #name(): string {
    return this.#options.resource.resource
  }
}

function parseEvent(line: string): RawWatchEvent {
  try {
    return JSON.parse(line) as RawWatchEvent
  } catch (cause) {
    throw new WeftError('WEFT_KUBE_JSON', `a watch event is not JSON: ${line.slice(0, 80)}`, {
      exitCode: 4,
      cause,
    })
  }
}

function annotation(raw: RawObject, name: string): unknown {
  const { annotations } = raw.metadata ?? {}
  return typeof annotations === 'object' && annotations !== null
    ? (annotations as Record<string, unknown>)[name]
    : undefined
}
