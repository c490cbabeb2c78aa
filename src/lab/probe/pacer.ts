import { performance } from 'node:perf_hooks'

/** This process's time in milliseconds since the epoch, with microseconds. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now()
}

/**
 * Calls `send` at a constant rate, from a timer of a millisecond; what a late timer missed is caught up at once.
 *
 * It notes its own pauses: a process that was not scheduled for 80 ms sends nothing for 80 ms, and whoever reads the
 * result must know that this was not the network.
 */
export class Pacer {
  readonly intervalMs: number
  longestStallMs = 0
  readonly #send: (sequence: number) => void
  #timer: NodeJS.Timeout | undefined
  #sent = 0
  #startedAt = 0
  #lastTickAt = 0

  constructor(perSecond: number, send: (sequence: number) => void) {
    this.intervalMs = 1000 / perSecond
    this.#send = send
  }

  start(): void {
    this.#startedAt = performance.now()
    this.#lastTickAt = this.#startedAt
    this.#timer = setInterval(() => this.#tick(), 1)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const now = performance.now()
    this.longestStallMs = Math.max(this.longestStallMs, now - this.#lastTickAt)
    this.#lastTickAt = now
    const due = Math.floor((now - this.#startedAt) / this.intervalMs) + 1
    while (this.#sent < due) this.#send(this.#sent++)
  }
}
