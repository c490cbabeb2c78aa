import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { connect } from 'node:net'
import { WeftError } from '../diagnostics/error.ts'

/*
 * What the agent tells about itself: `/metrics`, `/healthz` and `/readyz` on a TCP address; decisions, state and
 * commands on a Unix socket that only the machine's administrators can open.
 *
 * The Unix socket is also the proof that no second agent runs on this node: it is bound for as long as the process
 * lives, and a socket file that nobody answers on is what a killed agent left behind.
 */

export interface Question {
  method: 'GET' | 'POST'
  /** Decoded, without the query. */
  path: string
  query: URLSearchParams
}

export interface Answer {
  status: number
  body: string | object
}

/** Answers a question, or undefined when there is nothing of that name. */
export type Answerer = (question: Question) => Answer | undefined | Promise<Answer | undefined>

/** What an operator may ask of a running agent. Whoever drains nodes implements it. */
export interface AgentControl {
  /** Begins to drain, or does nothing when that has begun; `drainStatus` tells how it goes. */
  drain(): void
  /** Ends a drain. */
  undrain(): void
  readonly drainStatus: DrainStatus
}

export interface DrainStatus {
  phase: string
  /** Whether the phase is where the last command leads: nothing more will happen by itself. */
  isFinal: boolean
  /** What is waited for, in a sentence. */
  text: string
  sinceMs: number
}

/** Serves on a TCP address. */
export async function serveTcp(address: { host: string; port: number }, answer: Answerer): Promise<Server> {
  const server = createServer(respondWith(answer))
  await listen(server, { host: address.host, port: address.port }, `${address.host}:${address.port}`)
  return server
}

/** Serves on a Unix socket; refuses when another process answers there. */
export async function serveUnix(path: string, answer: Answerer): Promise<Server> {
  if (await isAnswered(path)) {
    throw new WeftError('WEFT_AGENT_RUNNING', `another agent answers at ${path}`, {
      hint: 'one agent a node: stop the other, or give each node its own statusSocket',
      exitCode: 1,
    })
  }
  await rm(path, { force: true })
  const server = createServer(respondWith(answer))
  await listen(server, { path }, path)
  // Commands come in here: whoever may write to the socket may drain the node.
  await chmod(path, 0o660)
  return server
}

function respondWith(answer: Answerer): RequestListener {
  return (request, response) => {
    const respond = ({ status, body }: Answer) => {
      const isText = typeof body === 'string'
      const type = isText ? 'text/plain; version=0.0.4; charset=utf-8' : 'application/json'
      response.writeHead(status, { 'content-type': type })
      response.end(isText ? body : `${JSON.stringify(body)}\n`)
    }
    answerRequest(request, answer).then(respond, (error: unknown) => respond(failed(error)))
    request.resume()
  }
}

async function answerRequest(request: IncomingMessage, answer: Answerer): Promise<Answer> {
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (method !== 'GET' && method !== 'POST') return { status: 405, body: 'only GET and POST\n' }
  const url = URL.parse(request.url ?? '/', 'http://agent')
  if (url === null) return { status: 400, body: 'not a path\n' }
  const path = decode(url.pathname)
  if (path === undefined) return { status: 400, body: 'not a path\n' }
  return (await answer({ method, path, query: url.searchParams })) ?? { status: 404, body: 'not found\n' }
}

/** A question that could not be answered must not end the agent. */
function failed(error: unknown): Answer {
  const { code, message, hint } =
    error instanceof WeftError ? error : { code: 'WEFT_BUG', message: String(error), hint: undefined }
  return { status: 500, body: { error: { code, message, hint } } }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function listen(server: Server, where: object, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === 'EADDRINUSE'
      reject(
        new WeftError('WEFT_AGENT_LISTEN', `cannot listen on ${name}: ${cause.message}`, {
          hint: isTaken ? 'another process has it: see ss -lntp' : 'correct metricsAddress or statusSocket',
          exitCode: 3,
          cause,
        }),
      )
    })
    server.listen(where, resolve)
  })
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
