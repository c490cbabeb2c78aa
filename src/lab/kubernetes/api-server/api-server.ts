/**
 * A Kubernetes API server in one process and in memory: the real REST paths over plain HTTP, without authentication.
 *
 * It exists so that a lab runs on a machine with nothing installed. Agents, node runtimes and `kubectl` meet the
 * semantics they meet in life: list and watch by resourceVersion, bookmarks, 410, conflicts, patches, finalizers,
 * graceful deletion. It forgets everything when it ends; see {@link createStore} for what clients then see.
 *
 * One request is handled synchronously once its body is read, so requests never interleave.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WeftError } from '../../../diagnostics/error.ts'
import type { Log } from '../log.ts'
import { ApiError, missingResource } from './api-error.ts'
import { builtinTypes } from './builtin-types.ts'
import { serveCustomDefinitions } from './custom-types.ts'
import { discover, rootPaths, version } from './discovery.ts'
import { createFieldOwners } from './field-owners.ts'
import { createListPages } from './list-pages.ts'
import { isJsonObject } from './objects.ts'
import { openApiDocument, openApiIndex, openApiV2 } from './openapi.ts'
import { createRegistry, type Registry } from './registry.ts'
import { decodeBody, readBody } from './request-body.ts'
import { parseResourcePath } from './request-target.ts'
import { type Answer, type HandlerContext, handleResource } from './resource-handler.ts'
import type { ServiceRanges } from './service-addresses.ts'
import { createStore } from './store.ts'
import { createTypeCatalog } from './type-catalog.ts'

export interface ApiServerOptions extends ServiceRanges {
  log: Log
  /** Logs every request at level info. */
  accessLog?: boolean
  /** Changes remembered for each type; a watch from before them gets a 410. */
  historySize?: number
  firstResourceVersion?: number
  bookmarkIntervalSeconds?: number
  /** Changes that may wait for a slow watcher before it is cut off. */
  maxPendingEvents?: number
  bodyLimitBytes?: number
  now?: () => number
}

export interface ApiServer {
  /** The same objects by the same rules, for controllers in this process. */
  readonly registry: Registry
  /** Listens on one more address; port 0 takes a free one. Fails with a WeftError when the address cannot be had. */
  listen(address: string, port: number): Promise<{ address: string; port: number; url: string }>
  /** Ends every watch now, as a restart or a lost connection would. */
  endWatches(): void
  /** Ends all watches and connections and stops listening. */
  close(): Promise<void>
}

/** An API server with the default namespaces and no listener yet. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const now = options.now ?? Date.now
  const { log } = options
  const store = createStore(options)
  const types = createTypeCatalog(builtinTypes(options))
  const registry = createRegistry({ store, types, now })
  const watches = new Map<ServerResponse, () => void>()
  const servers = new Set<Server>()
  const bodyLimitBytes = options.bodyLimitBytes ?? 3 * 1024 * 1024
  const context: HandlerContext = {
    registry,
    pages: createListPages(),
    owners: createFieldOwners(),
    watchSettings: {
      bookmarkIntervalSeconds: options.bookmarkIntervalSeconds ?? 60,
      maxPendingEvents: options.maxPendingEvents ?? 10_000,
      now,
    },
    now,
    onWatch(response, finish) {
      watches.set(response, finish)
      response.on('close', () => watches.delete(response))
    },
  }
  serveCustomDefinitions(registry)
  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) {
    registry.create(types.stored('namespaces'), undefined, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    })
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    const url = new URL(request.url ?? '/', 'http://api')
    const method = request.method ?? 'GET'
    const fixed =
      method === 'GET' || method === 'HEAD' ? answerFixed(url.pathname, request.headers.accept) : undefined
    if (fixed !== undefined) return fixed
    const mediaType = (request.headers['content-type'] ?? 'application/json').split(';')[0]!.trim()
    const hasBody = method !== 'GET' && method !== 'HEAD'
    const body = hasBody ? decodeBody(await readBody(request, bodyLimitBytes), mediaType) : undefined
    const review = answerReview(method, url.pathname, body)
    if (review !== undefined) return review
    const target = parseResourcePath(url.pathname)
    if (target === undefined) throw missingResource()
    const { accept } = request.headers
    return handleResource(context, {
      method,
      target,
      query: url.searchParams,
      accept,
      mediaType,
      body,
      response,
    })
  }

  function answerFixed(path: string, accept: string | undefined): Answer | undefined {
    if (['/healthz', '/livez', '/readyz'].includes(path)) return { code: 200, body: 'ok' }
    if (path === '/version') return { code: 200, body: version }
    if (path === '/') return { code: 200, body: rootPaths(types.all()) }
    if (path === '/openapi/v2') {
      // An empty message is a valid, empty document.
      const isProtobuf = accept?.includes('protobuf') === true
      return { code: 200, body: isProtobuf ? Buffer.alloc(0) : openApiV2() }
    }
    if (path === '/openapi/v3') return { code: 200, body: openApiIndex(types.all()) }
    if (path.startsWith('/openapi/v3/')) {
      const document = openApiDocument(path.slice('/openapi/v3/'.length), types.all())
      return document === undefined ? undefined : { code: 200, body: document }
    }
    const discovered = discover(path, types.all())
    return discovered === undefined ? undefined : { code: 200, body: discovered }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = performance.now()
    try {
      const result = await answer(request, response)
      if (result !== undefined) write(response, result)
    } catch (error) {
      if (response.headersSent || response.destroyed) {
        response.destroy()
      } else if (error instanceof ApiError) {
        write(response, { code: error.code, body: error.toStatus() })
      } else {
        log.error({ err: error, method: request.method, url: request.url }, 'request failed')
        const why = error instanceof Error ? error.message : String(error)
        write(response, {
          code: 500,
          body: new ApiError(500, 'InternalError', `Internal error occurred: ${why}`).toStatus(),
        })
      }
    }
    if (options.accessLog === true) {
      const milliseconds = Math.round((performance.now() - startedAt) * 10) / 10
      log.info(
        { method: request.method, url: request.url, code: response.statusCode, milliseconds },
        'request',
      )
    }
  }

  function endWatches(): void {
    for (const finish of [...watches.values()]) finish()
    watches.clear()
  }

  return {
    registry,
    async listen(address, port) {
      const server = createServer((request, response) => void handle(request, response))
      // Longer than clients keep idle connections, so that none is closed while a request is on its way.
      server.keepAliveTimeout = 120_000
      await startListening(server, address, port)
      servers.add(server)
      const actual = server.address() as AddressInfo
      const host = actual.family === 'IPv6' ? `[${actual.address}]` : actual.address
      return { address: actual.address, port: actual.port, url: `http://${host}:${actual.port}` }
    },
    endWatches,
    async close() {
      endWatches()
      await Promise.all(
        [...servers].map((server) => {
          const closed = new Promise<void>((resolve) => server.close(() => resolve()))
          server.closeAllConnections()
          return closed
        }),
      )
      servers.clear()
    },
  }
}

function startListening(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explainListenError(error, address, port)))
    server.listen(port, address, () => resolve())
  })
}

function explainListenError(error: NodeJS.ErrnoException, address: string, port: number): Error {
  const where = `${address.includes(':') ? `[${address}]` : address}:${port}`
  if (error.code === 'EADDRINUSE') {
    return new WeftError('WEFT_LAB_API_ADDRESS_IN_USE', `another process already listens on ${where}`, {
      hint: `see which one with "ss -ltnp sport = :${port}" (inside the same network namespace), or choose another port`,
      exitCode: 3,
      cause: error,
    })
  }
  if (error.code === 'EADDRNOTAVAIL') {
    return new WeftError('WEFT_LAB_API_ADDRESS_MISSING', `no interface here has the address of ${where}`, {
      hint: 'add the address to an interface of this network namespace first; "ip address" lists them',
      exitCode: 3,
      cause: error,
    })
  }
  return new WeftError('WEFT_LAB_API_LISTEN_FAILED', `cannot listen on ${where}: ${error.message}`, {
    exitCode: 3,
    cause: error,
  })
}

/** Whoever reaches the lab's API may do everything, and is told so. */
function answerReview(method: string, path: string, body: unknown): Answer | undefined {
  if (method !== 'POST' || !isJsonObject(body)) return undefined
  if (path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') {
    return { code: 201, body: { ...body, status: { allowed: true, reason: 'the lab has no authorization' } } }
  }
  if (path === '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews') {
    const resourceRules = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]
    return {
      code: 201,
      body: { ...body, status: { resourceRules, nonResourceRules: [], incomplete: false } },
    }
  }
  return undefined
}

function write(response: ServerResponse, { code, body, warnings }: Answer): void {
  const isText = typeof body === 'string'
  const isBinary = Buffer.isBuffer(body)
  const payload = isText || isBinary ? body : JSON.stringify(body)
  if (warnings !== undefined && warnings.length > 0) {
    response.setHeader(
      'warning',
      warnings.map((text) => `299 - ${JSON.stringify(text)}`),
    )
  }
  response.writeHead(code, {
    'content-type': isText
      ? 'text/plain; charset=utf-8'
      : isBinary
        ? 'application/octet-stream'
        : 'application/json',
    'content-length': Buffer.byteLength(payload),
    'cache-control': 'no-cache, private',
    // A body that was refused half read must not be taken for the next request.
    ...(code === 413 ? { connection: 'close' } : {}),
  })
  response.end(payload)
}
