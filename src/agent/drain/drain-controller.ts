import type { Logger } from 'pino'
import { WeftError } from '../../diagnostics/error.ts'
import type { FrrDaemon } from '../../frr/daemon.ts'
import { readRunningConfig } from '../../frr/show-daemon.ts'
import type { NodeView } from '../../kube/views.ts'
import type { DrainConfig } from '../config.ts'
import type { DrainPhase } from '../gate/admission.ts'
import type { AgentControl, DrainStatus } from '../status-server.ts'
import { advanceDrain, type DrainState, drainDeadlineMs, serving } from './drain-phase.ts'
import { type DrainRequest, hasGracefulShutdown, instanceOf, requestsOfNode } from './drain-requests.ts'

/*
 * Drains the node: collects who asks for it, has bgpd announce with GRACEFUL_SHUTDOWN, and tells the phase to whoever
 * withdraws.
 *
 * A drain by command is remembered by bgpd itself (its running configuration says `bgp graceful-shutdown`), so an agent
 * that is killed or upgraded in the middle goes on where it was; and a node that reboots is back in service, since
 * nothing is written to FRR's files. While the node serves, an operator's own `bgp graceful-shutdown` is left alone.
 */

export interface DrainOptions {
  drain: DrainConfig
  bgpd: FrrDaemon
  log: Logger
  onPhase: (phase: DrainPhase) => void
}

const retryMs = 500

export class DrainController implements AgentControl {
  readonly #options: DrainOptions
  readonly #requests = new Set<DrainRequest>()
  #state: DrainState = serving
  /** Whether bgpd lowers preference because of us; undefined while bgpd is away. */
  #isLowered: boolean | undefined
  /** bgpd lowers preference, or may still, because of us. */
  #isOurs = false
  #isStopped = false
  #timer: NodeJS.Timeout | undefined
  #applying: Promise<unknown> | undefined
  #problem: string | undefined
  #whenDrained = Promise.withResolvers<void>()

  constructor(options: DrainOptions) {
    this.#options = options
  }

  /** Takes over what an earlier agent had begun. */
  adopt(runningConfig: string): void {
    this.#isLowered = hasGracefulShutdown(runningConfig)
    this.#isOurs = this.#isLowered
    if (this.#isLowered && this.#requests.size === 0) this.#requests.add('command')
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
    // Whether it kept its configuration is not known, and saying again what is wanted does no harm.
    this.#isLowered = this.#isOurs && this.#requests.size === 0
    this.#advance()
  }

  bgpdIsDown(): void {
    this.#isLowered = undefined
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
    const isUndone = phase === 'serving' && this.#isLowered === true
    const texts = {
      serving: isUndone ? 'raising preference again' : 'in service',
      draining: `asked for by ${asked.join(', ')}: waiting for the fabric to move traffic away`,
      drained: `asked for by ${asked.join(', ')}: service addresses are withdrawn, sessions stay`,
    }
    const text = this.#problem === undefined ? texts[phase] : `${texts[phase]}; ${this.#problem}`
    return { phase, isFinal: phase !== 'draining' && !isUndone, text, sinceMs }
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
    if (this.#requests.size === 0 && this.#isLowered) await this.#apply(false).catch(() => {})
  }

  #advance(): void {
    if (this.#isStopped) return
    const settleMs = this.#options.drain.settleSeconds * 1000
    const inputs = { isRequested: this.#requests.size > 0, isLowered: this.#isLowered === true }
    const before = this.#state
    this.#state = advanceDrain(before, inputs, Date.now(), settleMs)
    if (this.#state.phase !== before.phase) {
      const { phase } = this.#state
      this.#options.log.info({ phase, requests: [...this.#requests] }, `node is ${phase}`)
      if (phase === 'drained') this.#whenDrained.resolve()
      this.#options.onPhase(phase)
    }
    this.#applyWanted(inputs.isRequested)
    clearTimeout(this.#timer)
    const atMs = drainDeadlineMs(this.#state, settleMs)
    if (atMs !== undefined) this.#timer = setTimeout(() => this.#advance(), Math.max(atMs - Date.now(), 1))
  }

  #applyWanted(isWanted: boolean): void {
    if (this.#isLowered === undefined || this.#isLowered === isWanted || this.#applying !== undefined) return
    this.#applying = this.#apply(isWanted)
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

  async #apply(isWanted: boolean): Promise<void> {
    const { bgpd } = this.#options
    const instance = instanceOf(await readRunningConfig(bgpd))
    if (instance === undefined) {
      throw new WeftError('WEFT_AGENT_NO_BGP', 'bgpd has no BGP instance in its running configuration', {
        hint: 'deploy the rendered base configuration: weft render; until then nothing can be announced',
        exitCode: 3,
      })
    }
    this.#isOurs ||= isWanted
    const line = isWanted ? 'bgp graceful-shutdown' : 'no bgp graceful-shutdown'
    await bgpd.configure([{ context: [instance], line }])
    // bgpd may have been lost meanwhile; what is not known stays so.
    if (this.#isLowered === undefined) return
    this.#isLowered = isWanted
    this.#isOurs = isWanted
  }
}
