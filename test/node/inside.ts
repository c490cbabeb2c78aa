import { createSocket } from 'node:dgram'
import { Agent, request } from 'node:http'
import { pino } from 'pino'
import { type ApiServer, createApiServer } from '../../src/lab/kubernetes/api-server/api-server.ts'

/*
 * Runs inside a namespace and does what the test asks over the process's channel: sends HTTP requests one after the
 * other or until told to stop, and serves the Kubernetes API.
 */

export type Order =
  | {
      id: number
      kind: 'http'
      method: string
      url: string
      body?: unknown
      contentType?: string
      timeoutMs?: number
      /** Over the one connection that is kept open. */
      keepsConnection?: boolean
    }
  | { id: number; kind: 'datagram'; address: string; port: number; text: string }
  | { id: number; kind: 'stream'; url: string }
  | { id: number; kind: 'end-stream' }
  | { id: number; kind: 'serve-api'; address: string; port: number; firstResourceVersion: number }
  | { id: number; kind: 'stop-api' }

export interface Reply {
  id: number
  status?: number
  body?: string
  error?: string
  sent?: number
  failed?: number
}

const kept = new Agent({ keepAlive: true, maxSockets: 1 })
let api: ApiServer | undefined
let stream: { sent: number; failed: number; isRunning: boolean; done: Promise<void> } | undefined

process.on('message', (order: Order) => {
  obey(order).then(
    (reply) => process.send?.({ ...reply, id: order.id }),
    (error: Error) => process.send?.({ id: order.id, error: error.message }),
  )
})
process.on('disconnect', () => process.exit(0))

async function obey(order: Order): Promise<Omit<Reply, 'id'>> {
  switch (order.kind) {
    case 'http':
      return await send(
        order.method,
        order.url,
        order.body,
        order.contentType,
        order.timeoutMs,
        order.keepsConnection === true ? kept : false,
      )
    case 'datagram':
      return { body: await exchange(order.address, order.port, order.text) }
    case 'stream': {
      const state = { sent: 0, failed: 0, isRunning: true, done: Promise.resolve() }
      stream = state
      state.done = sendUntilStopped(state, order.url)
      return {}
    }
    case 'end-stream': {
      if (stream === undefined) return {}
      stream.isRunning = false
      await stream.done
      return { sent: stream.sent, failed: stream.failed }
    }
    case 'serve-api': {
      const { address, port, firstResourceVersion } = order
      api = createApiServer({
        log: pino({ level: 'error' }),
        firstResourceVersion,
        serviceCidrs: ['10.96.0.0/16', 'fd00:96::/112'],
      })
      await api.listen(address, port)
      return {}
    }
    case 'stop-api':
      await api?.close()
      return {}
  }
}

async function sendUntilStopped(state: NonNullable<typeof stream>, url: string): Promise<void> {
  while (state.isRunning) {
    state.sent++
    const answer = await send('GET', url, undefined, undefined, 1_000).catch(() => null)
    if (answer?.status !== 200) state.failed++
  }
}

function send(
  method: string,
  url: string,
  body?: unknown,
  contentType = 'application/json',
  timeoutMs = 3_000,
  agent: Agent | false = false,
): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const text = body === undefined ? undefined : JSON.stringify(body)
  const outgoing = request(
    url,
    {
      method,
      // Normally a connection of its own for every request: each is balanced anew.
      agent,
      headers: { ...(text === undefined ? {} : { 'content-type': contentType }) },
      signal: AbortSignal.timeout(timeoutMs),
    },
    (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      )
      response.on('error', reject)
    },
  )
  outgoing.on('error', reject)
  outgoing.end(text)
  return promise
}

/** Sends one datagram and waits for the answer, which must come from where it was sent to. */
async function exchange(address: string, port: number, text: string): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(() => reject(new Error('timeout')), 2_000)
  socket.on('error', reject)
  socket.on('message', (message) => resolve(message.toString('utf8')))
  socket.connect(port, address, () => socket.send(text))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    socket.close()
  }
}
