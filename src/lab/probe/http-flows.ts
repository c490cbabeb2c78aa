import { placeOf } from './flow-log.ts'
import { requestOnce } from './http-request.ts'
import { epochMs, Pacer } from './pacer.ts'
import type { FlowRecord, FlowSeries, FlowSpec, HttpAnswer } from './protocol.ts'

/*
 * Requests at a constant rate, each over a connection of its own, as many users would send them. The rate does not wait
 * for answers: a service that hangs for a second fails all the requests of that second.
 */

/** An answer that takes longer has waited for a retransmission, whose first one comes after a second. */
const stallAfterMs = 200
const timeoutMs = 3_000

export class HttpFlows {
  readonly #spec: FlowSpec
  readonly #pacer: Pacer
  readonly #lanes: { sentAt: number[]; answers: Promise<{ atMs: number; answer: HttpAnswer }>[] }[]

  constructor(spec: FlowSpec) {
    this.#spec = spec
    this.#lanes = Array.from({ length: spec.flows }, () => ({ sentAt: [], answers: [] }))
    this.#pacer = new Pacer(spec.packetsPerSecond, (sequence) => this.#send(sequence))
  }

  async start(): Promise<number[]> {
    this.#pacer.start()
    return this.#lanes.map((_, index) => index + 1)
  }

  async stop(): Promise<FlowSeries> {
    this.#pacer.stop()
    return {
      intervalMs: this.#pacer.intervalMs * this.#spec.flows,
      senderStallMs: this.#pacer.longestStallMs,
      missedByCapture: 0,
      stallAfterMs,
      flows: await Promise.all(
        this.#lanes.map(async ({ sentAt, answers }, index) =>
          recordRequests(index + 1, sentAt, await Promise.all(answers)),
        ),
      ),
    }
  }

  #send(sequence: number): void {
    const lane = this.#lanes[sequence % this.#lanes.length]
    const { destination, port, source } = this.#spec
    const host = destination.includes(':') ? `[${destination}]` : destination
    lane?.sentAt.push(epochMs())
    lane?.answers.push(
      requestOnce({
        url: `http://${host}:${port}/`,
        timeoutMs,
        ...(source === undefined ? {} : { source }),
      }).then((answer) => ({ atMs: epochMs(), answer })),
    )
  }
}

function recordRequests(
  number: number,
  sentAt: number[],
  answers: { atMs: number; answer: HttpAnswer }[],
): FlowRecord {
  const answerers: string[] = []
  return {
    // Every request has a port of its own: the number tells the lanes apart.
    sourcePort: number,
    sentAt: Float64Array.from(sentAt),
    answeredAt: Float64Array.from(answers, ({ atMs, answer }) => (answer.status === 200 ? atMs : Number.NaN)),
    answeredBy: Int16Array.from(answers, ({ answer }) =>
      answer.status === 200
        ? placeOf(answerers, (JSON.parse(answer.body) as { node?: string }).node ?? '')
        : -1,
    ),
    answerers,
    reordered: 0,
    duplicated: 0,
    reset: answers.filter(({ answer }) => answer.error === 'ECONNRESET' || answer.error === 'EPIPE').length,
  }
}
