import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { type KubeClient, type KubeRequest, KubeStatusError } from '../../kube/client.ts'
import { TokenBucket } from './token-bucket.ts'

/*
 * Leaves Events with the objects they are about, for `kubectl describe` and `kubectl get events`.
 *
 * Events are a courtesy: they never hold anything up, and nothing depends on them. They wait in a short queue and go out
 * one by one, as fast as a token bucket allows; what does not fit is dropped and counted. The same thing said again
 * raises the count of the first Event. Its name follows from what it says, so that a restarted agent, and every other
 * agent that finds the same fault in the same Service, add to one Event.
 *
 * Without permission (403) the recorder falls silent for a while and says so once; the API being away costs the Event.
 */

export interface AboutObject {
  kind: 'Service' | 'Node'
  name: string
  /** Absent for a Node. */
  namespace?: string
}

export interface EventText {
  type: 'Normal' | 'Warning'
  /** CamelCase, stable. */
  reason: string
  message: string
}

export type EventOutcome = 'created' | 'counted' | 'dropped' | 'forbidden' | 'failed'

export interface EventRecorderOptions {
  client: Pick<KubeClient, 'json'>
  node: string
  log: Pick<Logger, 'warn' | 'debug'>
  onOutcome: (outcome: EventOutcome) => void
  now?: () => number
}

interface Entry {
  about: AboutObject
  text: EventText
}

const maxQueued = 100
const burst = 25
const perSecond = 0.5
/** The same Event is counted up at most this often; what comes sooner is lost. */
const repeatMs = 60_000
const forbiddenMs = 600_000
const requestMs = 5_000
const maxRemembered = 1_000

export class EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #now: () => number
  readonly #bucket: TokenBucket
  readonly #queue = new Map<string, Entry>()
  readonly #lastAtMs = new Map<string, number>()
  #sending: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #silentUntilMs = 0
  #isClosed = false

  constructor(options: EventRecorderOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#bucket = new TokenBucket(burst, perSecond, this.#now())
  }

  /** Says something about an object, some time soon, perhaps. */
  record(about: AboutObject, text: EventText): void {
    if (this.#isClosed) return
    const { onOutcome } = this.#options
    const name = eventName(about, text)
    const lastAtMs = this.#lastAtMs.get(name)
    const isRepeated = lastAtMs !== undefined && this.#now() - lastAtMs < repeatMs
    if (this.#now() < this.#silentUntilMs) onOutcome('forbidden')
    else if (isRepeated || this.#queue.has(name) || this.#queue.size >= maxQueued) onOutcome('dropped')
    else this.#enqueue(name, { about, text })
  }

  #enqueue(name: string, entry: Entry): void {
    this.#queue.set(name, entry)
    this.#send()
  }

  /** Resolves when nothing waits that may go out now. */
  async settled(): Promise<void> {
    await this.#sending
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#queue.clear()
  }

  #send(): void {
    this.#sending ??= this.#work().finally(() => {
      this.#sending = undefined
      if (this.#queue.size === 0 || this.#isClosed) return
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#send(), this.#bucket.waitMs(this.#now())).unref()
    })
  }

  async #work(): Promise<void> {
    for (const [name, entry] of this.#queue) {
      if (this.#isClosed || !this.#bucket.take(this.#now())) return
      this.#queue.delete(name)
      this.#remember(name)
      const outcome = await this.#post(name, entry).catch((error: unknown) => this.#outcomeOf(error))
      this.#options.onOutcome(outcome)
    }
  }

  async #post(name: string, { about, text }: Entry): Promise<EventOutcome> {
    const { client, node } = this.#options
    const namespace = about.namespace ?? 'default'
    const path = `/api/v1/namespaces/${namespace}/events`
    const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const ask = <T>(request: KubeRequest) =>
      client.json<T>({ ...request, signal: AbortSignal.timeout(requestMs) })
    try {
      await ask({ method: 'POST', path, body: newEvent(name, namespace, about, text, node, at) })
      return 'created'
    } catch (error) {
      if (!(error instanceof KubeStatusError) || error.status !== 409) throw error
    }
    // The answer to a patch holds the count: no permission to read Events is needed.
    const patch = (body: object) =>
      ask<{ count?: number }>({
        method: 'PATCH',
        path: `${path}/${name}`,
        contentType: 'application/merge-patch+json',
        body,
      })
    const { count = 1 } = await patch({ lastTimestamp: at })
    await patch({ count: count + 1 })
    return 'counted'
  }

  #outcomeOf(error: unknown): EventOutcome {
    const { log } = this.#options
    const reason = (error as Error).message
    if (!(error instanceof KubeStatusError) || (error.status !== 403 && error.status !== 401)) {
      log.debug({ reason }, 'an Event was lost')
      return 'failed'
    }
    this.#silentUntilMs = this.#now() + forbiddenMs
    this.#queue.clear()
    log.warn(
      { reason, hint: 'grant create and patch on events: docs/reference/rbac.md' },
      'no permission to write Events: none for 10 minutes',
    )
    return 'forbidden'
  }

  #remember(name: string): void {
    this.#lastAtMs.delete(name)
    this.#lastAtMs.set(name, this.#now())
    const [oldest] = this.#lastAtMs.keys()
    if (this.#lastAtMs.size > maxRemembered && oldest !== undefined) this.#lastAtMs.delete(oldest)
  }
}

function eventName(about: AboutObject, { type, reason, message }: EventText): string {
  const identity = [about.kind, about.namespace, about.name, type, reason, message].join('\n')
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 16)
  return `${about.name.slice(0, 200)}.weft-${digest}`
}

function newEvent(
  name: string,
  namespace: string,
  about: AboutObject,
  text: EventText,
  host: string,
  at: string,
): object {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion: 'v1',
      kind: about.kind,
      name: about.name,
      // As the kubelet has it: kubectl describe node looks for Events by the name in place of the uid.
      ...(about.namespace === undefined ? { uid: about.name } : { namespace: about.namespace }),
    },
    ...text,
    source: { component: 'weft-agent', host },
    reportingComponent: 'weft-agent',
    reportingInstance: host,
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
  }
}
