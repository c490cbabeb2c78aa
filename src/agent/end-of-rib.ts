import type { Logger } from 'pino'
import type { FrrDaemon } from '../frr/daemon.ts'

/*
 * Lets bgpd say End-of-RIB (RFC 4724 §3), once after each of its starts.
 *
 * The base configuration makes a starting bgpd keep it to itself, because leaves drop every route that has not been
 * announced again by then, and bgpd's file does not hold the service addresses. When they are announced again it may
 * be said; and it must, because bgpd 8.4 spends a core on looking for one that it may not send.
 */

export interface EndOfRibOptions {
  bgpd: Pick<FrrDaemon, 'configure'>
  log: Pick<Logger, 'info' | 'warn'>
}

/** After so long leaves have dropped what is stale (`stalepath-time`): nothing is won any more by keeping it back. */
const longestMs = 60_000
/** bgpd collects changes for 50 ms and holds updates for 50 ms; End-of-RIB overtakes what was added just before it. */
const settleMs = 1_000

export class EndOfRib {
  readonly #options: EndOfRibOptions
  #isOwed = false
  #timer: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined

  constructor(options: EndOfRibOptions) {
    this.#options = options
  }

  bgpdIsUp(): void {
    this.#isOwed = true
    this.#deadline = setTimeout(() => this.#send(), longestMs)
  }

  bgpdIsDown(): void {
    this.#isOwed = false
    this.stop()
  }

  /** Everything that should be announced has been handed to bgpd. */
  isAnnounced(): void {
    if (!this.#isOwed || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#send(), settleMs)
  }

  stop(): void {
    clearTimeout(this.#deadline)
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #send(): void {
    this.stop()
    this.#isOwed = false
    const { bgpd, log } = this.#options
    bgpd
      .configure([{ context: ['router bgp'], line: 'no bgp graceful-restart disable-eor' }])
      .then(() => log.info('bgpd may say that all routes are announced'))
      .catch((error: Error) => log.warn({ reason: error.message }, 'bgpd could not be let say End-of-RIB'))
  }
}
