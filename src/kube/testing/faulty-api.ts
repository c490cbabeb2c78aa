import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RawObject } from '../types.ts'

/** What goes wrong with the next request, or with the watches that are open. */
export type Fault =
  | 'reset' // all watches end with a TCP reset
  | 'end' // all watches end cleanly
  | 'compact' // history is forgotten: watching from before answers 410
  | 'gone-in-stream' // all watches get an ERROR event with code 410
  | 'error-in-stream' // all watches get an ERROR event with code 500
  | 'duplicate' // the last event is sent again
  | 'garbage' // all watches get a line that is no JSON
  | 'refuse-next' // the next request is answered with 500
  | 'throttle-next' // the next request is answered with 429 and Retry-After

interface Watcher {
  response: ServerResponse
}

/** One collection of a Kubernetes API, over real HTTP, that misbehaves on demand. */
export class FaultyApi {
  readonly objects = new Map<string, RawObject>()
  /** Requests seen, as `list`, `stream` (a list that goes on as a watch) and `watch`. */
  readonly requests: string[] = []
  canStreamList = true
  /** As servers from before streamed lists do: they take the request for a plain watch. */
  ignoresStreamList = false
  pageSize = Number.POSITIVE_INFINITY
  #version = 1
  #history: { version: number; line: string }[] = []
  #compactedTo = 0
  #watchers = new Set<Watcher>()
  #nextStatus: number | undefined
  readonly #server = createServer((request, response) => this.#answer(request, response))

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  set(name: string, fields: Partial<RawObject>): void {
    const type = this.objects.has(name) ? 'MODIFIED' : 'ADDED'
    const metadata = {
      ...fields.metadata,
      namespace: 'default',
      name,
      resourceVersion: String(++this.#version),
    }
    const object = { ...fields, metadata }
    this.objects.set(name, object)
    this.#publish(type, object)
  }

  delete(name: string): void {
    const object = this.objects.get(name)
    if (object === undefined) return
    this.objects.delete(name)
    this.#publish('DELETED', {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(++this.#version) },
    })
  }

  fault(fault: Fault): void {
    if (fault === 'refuse-next') this.#nextStatus = 500
    if (fault === 'throttle-next') this.#nextStatus = 429
    if (fault === 'compact') {
      this.#compactedTo = this.#version
      this.#history = []
    }
    if (fault === 'duplicate') this.#sendAll(this.#history.at(-1)?.line)
    if (fault === 'garbage') this.#sendAll('{"type": nonsense')
    if (fault === 'gone-in-stream') this.#sendAll(errorLine(410))
    if (fault === 'error-in-stream') this.#sendAll(errorLine(500))
    if (fault !== 'reset' && fault !== 'end') return
    for (const { response } of this.#watchers) {
      if (fault === 'reset') response.socket?.resetAndDestroy()
      else response.end()
    }
    this.#watchers.clear()
  }

  bookmark(): void {
    this.#sendAll(bookmarkLine(this.#version, {}))
  }

  get watcherCount(): number {
    return this.#watchers.size
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const query = new URL(request.url ?? '/', 'http://x').searchParams
    const isStream = query.get('sendInitialEvents') === 'true'
    this.requests.push(query.get('watch') ? (isStream ? 'stream' : 'watch') : 'list')
    const status = this.#nextStatus
    this.#nextStatus = undefined
    const from = Number(query.get('resourceVersion') ?? 0)
    if (status !== undefined) fail(response, status, status === 429 ? { 'retry-after': '0' } : {})
    else if (!query.get('watch')) this.#list(query, response)
    else if (isStream && !this.canStreamList) fail(response, 422)
    else if (!isStream && from < this.#compactedTo) fail(response, 410)
    else this.#watch(response, isStream, from)
  }

  #watch(response: ServerResponse, isStream: boolean, from: number): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (isStream) {
      for (const object of this.objects.values()) response.write(line('ADDED', object))
      if (!this.ignoresStreamList) {
        response.write(bookmarkLine(this.#version, { 'k8s.io/initial-events-end': 'true' }))
      }
    } else {
      for (const event of this.#history) if (event.version > from) response.write(event.line)
    }
    const watcher = { response }
    this.#watchers.add(watcher)
    response.on('close', () => this.#watchers.delete(watcher))
  }

  #list(query: URLSearchParams, response: ServerResponse): void {
    const start = Number(query.get('continue') ?? 0)
    const items = [...this.objects.values()].slice(start, start + this.pageSize)
    const end = start + items.length
    const more = end < this.objects.size ? { continue: String(end) } : {}
    response.end(JSON.stringify({ metadata: { resourceVersion: String(this.#version), ...more }, items }))
  }

  #publish(type: string, object: RawObject): void {
    const event = { version: this.#version, line: line(type, object) }
    this.#history.push(event)
    this.#sendAll(event.line)
  }

  #sendAll(text: string | undefined): void {
    if (text === undefined) return
    for (const { response } of this.#watchers) response.write(text.endsWith('\n') ? text : `${text}\n`)
  }
}

function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`
}

function bookmarkLine(version: number, annotations: Record<string, string>): string {
  return line('BOOKMARK', { metadata: { resourceVersion: String(version), annotations } })
}

function errorLine(code: number): string {
  return line('ERROR', {
    kind: 'Status',
    code,
    message: code === 410 ? 'too old resource version' : 'internal error',
  })
}

function fail(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ kind: 'Status', code: status, message: 'injected' }))
}
