import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { longestPause, recordFlows } from './flow-log.ts'
import { firstProbePort, HostCapture } from './host-capture.ts'
import { epochMs, Pacer } from './pacer.ts'
import type { FlowSeries, FlowSpec } from './protocol.ts'

/*
 * Sends numbered datagrams at a constant rate over several flows. What left and what came back is read from the
 * kernel's own record of this host (host-capture.ts), never from the times at which this process ran.
 */

interface Flow {
  socket: Socket
  sourcePort: number
  handedAt: number[]
}

/** Answers on their way when sending ends still count. */
const graceMs = 300

/** One capture serves all groups of a host. */
let capture: HostCapture | undefined
let captureUsers = 0

export class UdpFlows {
  readonly #spec: FlowSpec
  readonly #pacer: Pacer
  #flows: Flow[] = []

  constructor(spec: FlowSpec) {
    this.#spec = spec
    this.#pacer = new Pacer(spec.packetsPerSecond, (sequence) => this.#send(sequence))
  }

  /** Starts sending and gives the source ports that the flows got. */
  async start(): Promise<number[]> {
    captureUsers++
    capture ??= new HostCapture()
    await capture.start()
    const { flows } = this.#spec
    const ports = (this.#spec.sourcePorts ?? randomPorts(flows * 2)).values()
    this.#flows = await Promise.all(Array.from({ length: flows }, () => this.#openFlow(ports)))
    this.#pacer.start()
    return this.#flows.map(({ sourcePort }) => sourcePort)
  }

  async stop(): Promise<FlowSeries> {
    this.#pacer.stop()
    await delay(graceMs)
    const running = capture
    captureUsers--
    let missedByCapture = 0
    if (captureUsers === 0) {
      capture = undefined
      missedByCapture = (await running?.stop()) ?? 0
    }
    for (const { socket } of this.#flows) socket.close()
    const flows = recordFlows(this.#flows, running?.packets() ?? [])
    return {
      // Of one flow: packets go to the flows in turn.
      intervalMs: this.#pacer.intervalMs * this.#spec.flows,
      senderStallMs: Math.max(0, longestPause(flows) - this.#pacer.intervalMs),
      missedByCapture,
      stallAfterMs: null,
      flows,
    }
  }

  /** Takes the next source port that is free. */
  async #openFlow(ports: Iterator<number>): Promise<Flow> {
    const { source, destination } = this.#spec
    const family = destination.includes(':') ? 6 : 4
    for (let next = ports.next(); next.done !== true; next = ports.next()) {
      const socket = createSocket({
        type: family === 6 ? 'udp6' : 'udp4',
        // Destinations are addresses: no resolver is to be asked for each packet.
        lookup: (host, _options, found) => found(null, host, family),
      })
      try {
        // A lookup of this kind is done at once, and so is binding: who asks after it has missed the event.
        const listening = once(socket, 'listening')
        socket.bind({ port: next.value, ...(source === undefined ? {} : { address: source }) })
        await listening
      } catch (error) {
        socket.close()
        if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue
        throw error
      }
      // Unreachable is a loss like any other: it is seen by the answer that does not come.
      socket.on('error', () => {})
      return { socket, sourcePort: next.value, handedAt: [] }
    }
    throw new Error(`none of the source ports for ${destination} is free`)
  }

  #send(sequence: number): void {
    const flow = this.#flows[sequence % this.#flows.length] as Flow
    const message = Buffer.allocUnsafe(4)
    message.writeUInt32BE(flow.handedAt.length)
    flow.handedAt.push(epochMs())
    flow.socket.send(message, this.#spec.port, this.#spec.destination, () => {})
  }
}

/** Ends the capture with the process. */
export function killCapture(): void {
  capture?.kill()
}

function randomPorts(count: number): number[] {
  const first = firstProbePort + Math.floor(Math.random() * 10_000)
  return Array.from({ length: count }, (_, index) => first + index)
}
