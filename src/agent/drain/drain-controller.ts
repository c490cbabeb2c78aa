import type { Logger } from 'pino'
import { WeftError } from '../../diagnostics/error.ts'
import type { FrrDaemon } from '../../frr/daemon.ts'
import { readRunningConfig } from '../../frr/show-daemon.ts'
import type { NodeView } from '../../kube/views.ts'
import type { DrainConfig } from '../config.ts'
import type { DrainPhase } from '../gate/admission.ts'
import type { AgentControl, DrainStatus } from '../status-server.ts'
import { advanceDrain, type DrainState, drainDeadlineMs, serving } from './drain-phase.ts'
import { type DrainRequest, requestsOfNode } from './drain-requests.ts'
import { changesTowards, type Lowering, readLowering } from './lowering.ts'

/*
 * Drains the node: collects who asks for it, has bgpd announce with GRACEFUL_SHUTDOWN, and tells the phase to whoever
 * withdraws.
 *
 * A drain is remembered by bgpd itself, with a mark that tells who asked (lowering.ts). So an agent that is killed or
 * upgraded in the middle goes on where it was, unless the Node asked and asks no more; and a node that reboots is back
 * in service, since nothing is written to FRR's files. An operator's own `bgp graceful-shutdown` is left alone.
 *
 * Nothing is done before what an earlier agent had begun is known. Times are the monotonic clock's.
 */

export interface DrainOptions {
  drain: DrainConfig
  bgpd: FrrDaemon
  log: Logger
  onPhase: (phase: DrainPhase) => void
  now?: () => number
}

const retryMs = 500

export class DrainController implements AgentControl {
  readonly #options: DrainOptions
  readonly #requests = new Set<DrainRequest>()
  readonly #now: () => number
  #state: DrainState = serving
  /** What bgpd does because of us; undefined while bgpd is away, and before the first look at it. */
  #lowering: Lowering | undefined
  /** bgpd lowers preference, or may still, because of us. */
  #isOurs = false
  #isAdopted = false
  #isStopped = false
  #timer: NodeJS.Timeout | undefined
  #applying: Promise<unknown> | undefined
  #problem: string | undefined
  #whenDrained = Promise.withResolvers<void>()

  constructor(options: DrainOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** Takes over what an earlier agent had begun. */
  adopt(runningConfig: string): void {
    const found = readLowering(runningConfig)
    this.#lowering = found
    this.#isOurs = found !== 'none'
    this.#isAdopted = true
    if (found === 'by-command') this.#requests.add('command')
    this.#advance()
  }

  setNode(node: NodeView | undefined): void {
    const asked = requestsOfNode(node, this.#options.drain.key)
    for (const request of ['annotation', 'taint'] as const) {
      if (asked.includes(request)) this.#requests.add(request)
      else this.#requests.delete(request)
    }
    this.#advance()
  }

  bgpdIsUp(): void {
    if (!this.#isAdopted) return
    // Whether it kept its configuration is not known: what is wanted is compared with it again.
    this.#lowering = this.#isOurs && this.#requests.size === 0 ? 'for-node' : 'none'
    this.#advance()
  }

  bgpdIsDown(): void {
    this.#lowering = undefined
    this.#advance()
  }

  drain(): void {
    this.#requests.add('command')
    this.#advance()
  }

  undrain(): void {
    this.#requests.delete('command')
    this.#advance()
  }

  get drainStatus(): DrainStatus {
    const { phase, sinceMs } = this.#state
    const asked = [...this.#requests].map((request) =>
      request === 'annotation' || request === 'taint'
        ? `the Node's ${request} ${this.#options.drain.key}`
        : request,
    )
    const isUndone = phase === 'serving' && this.#isLowered
    const texts = {
      serving: isUndone ? 'raising preference again' : 'in service',
      draining: `asked for by ${asked.join(', ')}: ${this.#isLowered ? 'waiting for the fabric to move traffic away' : 'waiting for bgpd to lower preference'}`,
      drained: `asked for by ${asked.join(', ')}: service addresses are withdrawn, sessions stay`,
    }
    const text = this.#problem === undefined ? texts[phase] : `${texts[phase]}; ${this.#problem}`
    const sinceUnixMs = Date.now() - (this.#now() - sinceMs)
    return { phase, isFinal: phase !== 'draining' && !isUndone, text, sinceMs: Math.round(sinceUnixMs) }
  }

  /** Drains because the agent ends; resolves when drained, or when that takes too long. */
  async drainForShutdown(): Promise<void> {
    this.#requests.add('shutdown')
    this.#advance()
    const limit = setTimeout(
      () => this.#whenDrained.resolve(),
      this.#options.drain.settleSeconds * 1000 + 5_000,
    )
    await this.#whenDrained.promise
    clearTimeout(limit)
  }

  /** After the withdrawal at a shutdown: a node that starts again is in service, unless somebody else drains it. */
  async endShutdown(): Promise<void> {
    this.#requests.delete('shutdown')
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#applying
    if (this.#requests.size === 0 && this.#isLowered) await this.#apply('none').catch(() => {})
  }

  get #isLowered(): boolean {
    return this.#lowering !== undefined && this.#lowering !== 'none'
  }

  get #wanted(): Lowering {
    if (this.#requests.size === 0) return 'none'
    return this.#requests.has('command') ? 'by-command' : 'for-node'
  }

  #advance(): void {
    if (this.#isStopped) return
    const settleMs = this.#options.drain.settleSeconds * 1000
    const inputs = { isRequested: this.#requests.size > 0, isLowered: this.#isLowered }
    const before = this.#state
    this.#state = advanceDrain(before, inputs, this.#now(), settleMs)
    if (this.#state.phase !== before.phase) {
      const { phase } = this.#state
      this.#options.log.info({ phase, requests: [...this.#requests] }, `node is ${phase}`)
      if (phase === 'drained') this.#whenDrained.resolve()
      this.#options.onPhase(phase)
    }
    this.#applyWanted()
    clearTimeout(this.#timer)
    const atMs = drainDeadlineMs(this.#state, settleMs)
    if (atMs !== undefined) this.#timer = setTimeout(() => this.#advance(), Math.max(atMs - this.#now(), 1))
  }

  #applyWanted(): void {
    const wanted = this.#wanted
    if (this.#lowering === undefined || this.#lowering === wanted || this.#applying !== undefined) return
    this.#applying = this.#apply(wanted)
      .then(() => {
        this.#problem = undefined
      })
      .catch((error: Error) => {
        if (this.#problem !== error.message) {
          this.#options.log.error({ reason: error.message }, 'graceful shutdown could not be changed')
        }
        this.#problem = error.message
        return new Promise((resolve) => setTimeout(resolve, retryMs))
      })
      .finally(() => {
        this.#applying = undefined
        this.#advance()
      })
  }

  async #apply(wanted: Lowering): Promise<void> {
    const { bgpd } = this.#options
    const changes = changesTowards(wanted, await readRunningConfig(bgpd))
    if (changes === undefined) {
      throw new WeftError('WEFT_AGENT_NO_BGP', 'bgpd has no BGP instance in its running configuration', {
        hint: 'deploy the rendered base configuration: weft render; until then nothing can be announced',
        exitCode: 3,
      })
    }
    this.#isOurs ||= wanted !== 'none'
    await bgpd.configure(changes)
    // bgpd may have been lost meanwhile; what is not known stays so.
    if (this.#lowering === undefined) return
    this.#lowering = wanted
    this.#isOurs = wanted !== 'none'
  }
}
