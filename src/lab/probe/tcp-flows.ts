import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { placeOf } from './flow-log.ts'
import { epochMs, Pacer } from './pacer.ts'
import type { FlowRecord, FlowSeries, FlowSpec } from './protocol.ts'

/*
 * Long-lived connections, as databases and message queues have them, each with a small request at a constant rate that
 * does not wait for the answer to the one before (HTTP/1.1 pipelining: probes and lab pods both understand it).
 *
 * A connection that breaks is counted and opened again, from another port as programs do. One that stands still and
 * goes on is seen by the time its answers take; that time is what the program above TCP would see, with
 * retransmissions.
 */

/** Answers that take longer than this are stalls; a busy machine alone causes shorter ones. */
const stallAfterMs = 50
const reconnectMs = 50
const connectWithinMs = 5_000
/** Answers on their way when sending ends still count. */
const graceMs = 500

export class TcpFlows {
  readonly #spec: FlowSpec
  readonly #pacer: Pacer
  #flows: Connection[] = []

  constructor(spec: FlowSpec) {
    this.#spec = spec
    this.#pacer = new Pacer(spec.packetsPerSecond, (sequence) =>
      (this.#flows[sequence % this.#flows.length] as Connection).send(),
    )
  }

  async start(): Promise<number[]> {
    const ports = this.#spec.sourcePorts ?? []
    this.#flows = Array.from(
      { length: this.#spec.flows },
      (_, index) => new Connection(this.#spec, ports[index]),
    )
    await Promise.all(this.#flows.map((flow) => flow.untilConnected()))
    this.#pacer.start()
    return this.#flows.map((flow) => flow.sourcePort)
  }

  async stop(): Promise<FlowSeries> {
    this.#pacer.stop()
    await delay(graceMs)
    return {
      intervalMs: this.#pacer.intervalMs * this.#spec.flows,
      senderStallMs: this.#pacer.longestStallMs,
      missedByCapture: 0,
      stallAfterMs,
      flows: this.#flows.map((flow) => flow.close()),
    }
  }
}

class Connection {
  readonly #spec: FlowSpec
  readonly #sentAt: number[] = []
  readonly #answeredAt: number[] = []
  readonly #answeredBy: number[] = []
  readonly #answerers: string[] = []
  sourcePort = 0
  #socket: Socket
  #text = ''
  #reset = 0
  readonly #connected = Promise.withResolvers<void>()
  #isConnected = false
  #isClosed = false

  constructor(spec: FlowSpec, sourcePort: number | undefined) {
    this.#spec = spec
    this.#socket = this.#open(sourcePort)
  }

  async untilConnected(): Promise<void> {
    const { destination, port } = this.#spec
    const signal = AbortSignal.timeout(connectWithinMs)
    const late = () =>
      this.#connected.reject(
        new Error(`no TCP connection to ${destination} port ${port} within ${connectWithinMs / 1000} s`),
      )
    signal.addEventListener('abort', late, { once: true })
    await this.#connected.promise
    signal.removeEventListener('abort', late)
  }

  send(): void {
    const sequence = this.#sentAt.length
    this.#sentAt.push(epochMs())
    this.#answeredAt.push(Number.NaN)
    this.#answeredBy.push(-1)
    // Lost at once when there is no connection: so would it be for a program.
    if (this.#isConnected) this.#socket.write(`GET /${sequence} HTTP/1.1\r\nhost: probe\r\n\r\n`)
  }

  close(): FlowRecord {
    this.#isClosed = true
    this.#socket.destroy()
    return {
      sourcePort: this.sourcePort,
      sentAt: Float64Array.from(this.#sentAt),
      answeredAt: Float64Array.from(this.#answeredAt),
      answeredBy: Int16Array.from(this.#answeredBy),
      answerers: this.#answerers,
      reordered: 0,
      duplicated: 0,
      reset: this.#reset,
    }
  }

  #open(localPort?: number): Socket {
    const { destination, port, source } = this.#spec
    const socket = connect({
      host: destination,
      port,
      noDelay: true,
      ...(source === undefined ? {} : { localAddress: source }),
      ...(localPort === undefined ? {} : { localPort }),
    })
    this.#text = ''
    socket.setEncoding('utf8')
    socket.on('connect', () => {
      this.#isConnected = true
      this.#connected.resolve()
      this.sourcePort ||= socket.localPort ?? 0
    })
    socket.on('data', (text: string) => this.#receive(text))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#isClosed) return
      if (this.#isConnected) this.#reset++
      this.#isConnected = false
      setTimeout(() => {
        if (!this.#isClosed) this.#socket = this.#open()
      }, reconnectMs)
    })
    return socket
  }

  /** An answer ends with a line of JSON that repeats the path. */
  #receive(text: string): void {
    const lines = (this.#text + text).split('\n')
    this.#text = lines.pop() ?? ''
    const now = epochMs()
    for (const line of lines) {
      if (!line.startsWith('{')) continue
      const { path, node } = JSON.parse(line) as { path: string; node: string }
      const sequence = Number(path.slice(1))
      this.#answeredAt[sequence] = now
      this.#answeredBy[sequence] = placeOf(this.#answerers, node)
    }
  }
}
