import { rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect } from 'node:net'
import { WeftError } from '../diagnostics/error.ts'

/*
 * What the agent tells about itself: `/metrics`, `/healthz` and `/readyz` on a TCP address, and decisions and state on
 * a Unix socket that only the machine's administrators can open.
 *
 * The Unix socket is also the proof that no second agent runs on this node: it is bound for as long as the process
 * lives, and a socket file that nobody answers on is what a killed agent left behind.
 */

export interface Answer {
  status: number
  body: string | object
}

/** Answers a path, or undefined when there is nothing of that name. */
export type Answerer = (path: string) => Answer | undefined

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
  return server
}

function respondWith(answer: Answerer): RequestListener {
  return (request, response) => {
    const found =
      request.method === 'GET' || request.method === 'HEAD'
        ? answer(decodeURIComponent(new URL(request.url ?? '/', 'http://agent').pathname))
        : { status: 405, body: 'only GET' }
    const { status, body } = found ?? { status: 404, body: 'not found' }
    const isText = typeof body === 'string'
    response.writeHead(status, { 'content-type': isText ? 'text/plain; version=0.0.4' : 'application/json' })
    response.end(isText ? body : `${JSON.stringify(body)}\n`)
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
