import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { FrrDaemon } from '../../frr/daemon.ts'
import { readBgpSummary } from '../../frr/show-bgp.ts'
import { readRunningConfig } from '../../frr/show-daemon.ts'
import type { ServiceView } from '../../kube/views.ts'
import type { AgentConfig } from '../config.ts'
import type { Decision, Verdict } from '../desired/decision.ts'
import { Admission, type DrainPhase } from './admission.ts'
import type { DataplaneDetector } from './dataplane-detector.ts'
import { makeDetector } from './make-detector.ts'

/*
 * Feeds the admission (pure) with the world: sessions from bgpd, the data plane from its detector, time from the clock;
 * and tells the reconciler which addresses to look at.
 *
 * It begins once the API has been read completely and bgpd has answered, because what bgpd announces already is what a
 * process before this one had let through. Failures here never withdraw anything: what cannot be asked is asked again.
 */

export interface GatekeeperOptions {
  config: AgentConfig
  bgpd: FrrDaemon
  verdicts: ReadonlyMap<string, Verdict>
  serviceOf: (key: string) => ServiceView | undefined
  log: Logger
  onTouched: (addresses: string[], receivedAtMs: number) => void
  /** bgpd's configuration as it was found, before anything is decided. */
  onFound: (runningConfig: string) => void
  /** Decisions may be acted upon from now on. */
  onBegin: () => void
}

const quickPollMs = 100
const slowPollMs = 2_000
const retryMs = 500

export class Gatekeeper {
  readonly #options: GatekeeperOptions
  readonly #admission: Admission
  readonly #detector: DataplaneDetector | undefined
  readonly #stopper = new AbortController()
  #wake = Promise.withResolvers<void>()
  #isKnown = false
  #isBgpdUp = false
  #hasBegun = false
  #isBeginning = false
  #deadline: NodeJS.Timeout | undefined
  #poll: NodeJS.Timeout | undefined

  constructor(options: GatekeeperOptions) {
    const { config, verdicts } = options
    this.#options = options
    this.#detector = makeDetector(config)
    this.#admission = new Admission({
      verdicts,
      guards: config.guards,
      damping: config.damping,
      waitsForDataplane: this.#detector !== undefined,
    })
    if (this.#detector !== undefined) {
      this.#followDataplane(this.#detector).catch((error) => {
        if (!this.#stopper.signal.aborted)
          options.log.error({ err: error }, 'data plane is not followed any more')
      })
    }
  }

  get decisions(): ReadonlyMap<string, Decision> {
    return this.#admission.decisions
  }

  /** Verdicts about these addresses may have changed. */
  touch(addresses: readonly string[], receivedAtMs: number): void {
    this.#tell(this.#admission.update(addresses, performance.now()), receivedAtMs)
  }

  setPhase(phase: DrainPhase): void {
    this.#tell(this.#admission.setPhase(phase, performance.now()))
  }

  apiIsKnown(): void {
    this.#isKnown = true
    this.#begin()
  }

  bgpdIsUp(): void {
    this.#isBgpdUp = true
    this.#begin()
    this.#readSessions()
  }

  bgpdIsDown(): void {
    this.#isBgpdUp = false
    clearTimeout(this.#poll)
    this.#tell(this.#admission.setSessions({ ipv4: false, ipv6: false }, performance.now()))
  }

  stop(): void {
    this.#stopper.abort()
    clearTimeout(this.#deadline)
    clearTimeout(this.#poll)
    this.#wake.resolve()
  }

  #begin(): void {
    if (!this.#isKnown || !this.#isBgpdUp || this.#hasBegun || this.#isBeginning) return
    this.#isBeginning = true
    readRunningConfig(this.#options.bgpd)
      .then((running) => {
        const networks = [...running.matchAll(/^ {2}network (\S+)\/(?:32|128)\b/gm)]
        this.#hasBegun = true
        this.#options.onFound(running)
        this.#tell(
          this.#admission.begin(
            networks.map((found) => found[1] ?? ''),
            performance.now(),
          ),
        )
        this.#options.onBegin()
        this.#readSessions()
      })
      .catch((error: Error) => {
        // bgpd went away while it was asked: its return begins anew.
        this.#options.log.warn({ reason: error.message }, 'bgpd could not be read, will be asked again')
        if (this.#isBgpdUp) setTimeout(() => this.#begin(), retryMs).unref()
      })
      .finally(() => {
        this.#isBeginning = false
      })
  }

  #tell(addresses: string[], receivedAtMs = performance.now()): void {
    if (addresses.length > 0) this.#options.onTouched(addresses, receivedAtMs)
    if (this.#admission.unprogrammed.size > 0) this.#wake.resolve()
    clearTimeout(this.#deadline)
    const atMs = this.#admission.nextDeadlineMs
    if (atMs === undefined || this.#stopper.signal.aborted) return
    const waitMs = Math.min(Math.max(atMs - performance.now(), 1), 60_000)
    this.#deadline = setTimeout(() => this.#tell(this.#admission.tick(performance.now())), waitMs)
  }

  #readSessions(): void {
    clearTimeout(this.#poll)
    readBgpSummary(this.#options.bgpd)
      .then((summary) => {
        if (!this.#isBgpdUp) return
        const established = (summary?.sessions ?? []).filter((session) => session.isEstablished)
        const has = (family: string) => established.some((session) => session.family === family)
        this.#tell(this.#admission.setSessions({ ipv4: has('ipv4'), ipv6: has('ipv6') }, performance.now()))
      })
      .catch((error: Error) =>
        this.#options.log.debug({ reason: error.message }, 'sessions could not be read'),
      )
      .finally(() => {
        if (this.#stopper.signal.aborted || !this.#isBgpdUp) return
        const pauseMs = this.#admission.hasAllSessions ? slowPollMs : quickPollMs
        clearTimeout(this.#poll)
        this.#poll = setTimeout(() => this.#readSessions(), pauseMs)
      })
  }

  async #followDataplane(detector: DataplaneDetector): Promise<void> {
    const { signal } = this.#stopper
    const { log } = this.#options
    let problem = ''
    while (!signal.aborted) {
      const waiting = [...this.#admission.unprogrammed]
      if (waiting.length === 0) {
        await this.#awake()
        continue
      }
      try {
        const programmed = await detector.check(this.#withPorts(waiting), signal)
        if (problem !== '') log.info('the data plane answers again')
        problem = ''
        this.#tell(this.#admission.setProgrammed(programmed, performance.now()))
        const isNew = [...this.#admission.unprogrammed].some((address) => !waiting.includes(address))
        if (this.#admission.unprogrammed.size === 0 || isNew) continue
        this.#wake = Promise.withResolvers()
        const waited = new AbortController()
        await Promise.race([detector.changed(AbortSignal.any([signal, waited.signal])), this.#wake.promise])
        waited.abort()
      } catch (error) {
        if (signal.aborted) return
        const reason = (error as Error).message
        if (reason !== problem)
          log.warn({ reason }, 'the data plane cannot be asked: nothing new is announced, routes stay')
        problem = reason
        this.#tell(this.#admission.setDataplaneProblem(reason, performance.now()))
        await delay(retryMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  async #awake(): Promise<void> {
    this.#wake = Promise.withResolvers()
    if (this.#admission.unprogrammed.size > 0 || this.#stopper.signal.aborted) return
    await this.#wake.promise
  }

  #withPorts(addresses: readonly string[]) {
    return addresses.map((address) => {
      const services = this.#admission.decisions.get(address)?.services ?? []
      return { address, ports: services.flatMap((key) => this.#options.serviceOf(key)?.ports ?? []) }
    })
  }
}
