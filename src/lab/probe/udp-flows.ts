import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { FlowSeries, FlowSpec } from './protocol.ts'

/*
 * Sends numbered datagrams at a constant rate over several flows and notes which come back.
 *
 * The sender's own pauses are noted too: a process that was not scheduled for 80 ms sends nothing for 80 ms, and
 * whoever reads the result must know that this was not the network.
 */

interface Flow {
  socket: Socket
  sentAt: number[]
  answeredAt: (number | null)[]
  answeredBy: string[]
}

/** Answers on their way when sending ends still count. */
const graceMs = 300

export class FlowSender {
  readonly #spec: FlowSpec
  readonly #intervalMs: number
  #flows: Flow[] = []
  #timer: NodeJS.Timeout | undefined
  #sent = 0
  #startedAt = 0
  #lastTickAt = 0
  #senderStallMs = 0

  constructor(spec: FlowSpec) {
    this.#spec = spec
    this.#intervalMs = 1000 / spec.packetsPerSecond
  }

  async start(): Promise<void> {
    const { flows, firstSourcePort } = this.#spec
    this.#flows = await Promise.all(
      Array.from({ length: flows }, (_, index) =>
        this.#openFlow(firstSourcePort === undefined ? 0 : firstSourcePort + index),
      ),
    )
    this.#startedAt = performance.now()
    this.#lastTickAt = this.#startedAt
    this.#timer = setInterval(() => this.#tick(), 1)
  }

  async stop(): Promise<FlowSeries> {
    clearInterval(this.#timer)
    await delay(graceMs)
    const flows = this.#flows.map(({ socket, sentAt, answeredAt, answeredBy }) => {
      const sourcePort = socket.address().port
      socket.close()
      return { sourcePort, sentAt, answeredAt, answeredBy }
    })
    return {
      // Of one flow: packets go to the flows in turn.
      intervalMs: this.#intervalMs * this.#spec.flows,
      senderStallMs: this.#senderStallMs,
      flows,
    }
  }

  async #openFlow(sourcePort: number): Promise<Flow> {
    const { source, destination } = this.#spec
    const socket = createSocket(destination.includes(':') ? 'udp6' : 'udp4')
    const flow: Flow = { socket, sentAt: [], answeredAt: [], answeredBy: [] }
    socket.on('message', (message) => noteAnswer(flow, message))
    socket.bind({ port: sourcePort, ...(source === undefined ? {} : { address: source }) })
    await once(socket, 'listening')
    // Unreachable is a loss like any other: it is seen by the answer that does not come.
    socket.on('error', () => {})
    return flow
  }

  #tick(): void {
    const now = performance.now()
    this.#senderStallMs = Math.max(this.#senderStallMs, now - this.#lastTickAt)
    this.#lastTickAt = now
    const due = Math.floor((now - this.#startedAt) / this.#intervalMs) + 1
    while (this.#sent < due) {
      const flow = this.#flows[this.#sent % this.#flows.length] as Flow
      this.#send(flow)
      this.#sent++
    }
  }

  #send(flow: Flow): void {
    const message = Buffer.alloc(4)
    message.writeUInt32BE(flow.sentAt.length)
    flow.sentAt.push(performance.now())
    flow.answeredAt.push(null)
    flow.socket.send(message, this.#spec.port, this.#spec.destination, () => {})
  }
}

function noteAnswer(flow: Flow, message: Buffer): void {
  if (message.length < 4) return
  const sequence = message.readUInt32BE()
  if (flow.answeredAt[sequence] !== null) return
  flow.answeredAt[sequence] = performance.now()
  const host = message.subarray(4).toString('utf8')
  if (!flow.answeredBy.includes(host)) flow.answeredBy.push(host)
}

/** Answers every datagram with itself and the name of this host. */
export async function listenEcho(address: string, port: number, name: string): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const suffix = Buffer.from(name)
  socket.on('message', (message, from) => {
    socket.send(Buffer.concat([message.subarray(0, 4), suffix]), from.port, from.address, () => {})
  })
  socket.bind({ address, port })
  await once(socket, 'listening')
  socket.on('error', () => {})
}
