import type { Logger } from 'pino'
import { WeftError } from '../diagnostics/error.ts'
import type { FrrDaemon } from '../frr/daemon.ts'
import { IpSession } from '../linux/ip-session.ts'
import { type ActualState, readActual } from './actual.ts'
import { applyChanges, type ChangeSet, planChanges } from './apply.ts'
import type { AgentConfig } from './config.ts'
import type { Announce, Decision } from './desired/decision.ts'

/*
 * Makes FRR and the kernel agree with the decisions, one pass at a time, for as long as the process lives.
 *
 * It is level-triggered: a pass compares what should be with what is, and an event only says which addresses to look
 * at. What is there is read at the start, after bgpd came back, after anything failed, and every few seconds in case
 * somebody else changed it; in between it is known, so that a change costs the same with ten addresses or ten thousand.
 *
 * Before the API has been read completely nothing is done at all: an unknown Service is no reason to withdraw. While
 * bgpd is away nothing can be done; when it is back, everything is compared again.
 */

export interface ReconcilerOptions {
  config: AgentConfig
  bgpd: FrrDaemon
  decisions: ReadonlyMap<string, Decision>
  log: Logger
  onApplied: (event: { changes: ChangeSet; seconds: number | undefined }) => void
  onFailed: () => void
}

export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #ip = new IpSession()
  #actual: ActualState | undefined
  #mustRead = true
  /** Addresses to look at, with when the event about each was received. */
  #dirty = new Map<string, number>()
  #isEnabled = false
  #isBgpdUp = false
  #isWithdrawing = false
  #running: Promise<void> | undefined
  #isWanted = false
  #retry: NodeJS.Timeout | undefined
  #retryMs = 250
  #warned = ''
  /** Why the last pass did not succeed. */
  lastError: WeftError | undefined

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  /** True when the last pass left nothing to do. */
  get isSettled(): boolean {
    return (
      this.#actual !== undefined && this.#isBgpdUp && this.lastError === undefined && this.#dirty.size === 0
    )
  }

  get isBgpdUp(): boolean {
    return this.#isBgpdUp
  }

  /** The addresses that are announced, as far as is known. */
  get announced(): Iterable<string> {
    return this.#actual?.networks.keys() ?? []
  }

  /** The API is known completely: from now on routes may be changed. */
  enable(): void {
    if (this.#isEnabled) return
    this.#isEnabled = true
    this.resync()
  }

  bgpdIsUp(): void {
    this.#isBgpdUp = true
    this.#options.log.info('bgpd connected')
    this.resync()
  }

  bgpdIsDown(error: WeftError): void {
    this.#isBgpdUp = false
    this.#mustRead = true
    this.#options.log.warn({ code: error.code, reason: error.message }, 'bgpd lost')
  }

  /** Looks at some addresses again. */
  touch(addresses: readonly string[], receivedAtMs: number): void {
    for (const address of addresses) if (!this.#dirty.has(address)) this.#dirty.set(address, receivedAtMs)
    if (addresses.length > 0) this.#kick()
  }

  /** Reads FRR and the kernel again and looks at everything. */
  resync(): void {
    this.#mustRead = true
    this.#kick()
  }

  /** Takes back everything that is the agent's, and resolves when that is done or has failed. */
  async withdrawAll(): Promise<void> {
    this.#isWithdrawing = true
    this.resync()
    while (this.#running !== undefined) await this.#running
  }

  stop(): void {
    clearTimeout(this.#retry)
    this.#isEnabled = false
    this.#ip.close()
  }

  #kick(): void {
    this.#isWanted = true
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined
      if (this.#isWanted && this.#canWork) this.#kick()
    })
  }

  get #canWork(): boolean {
    return this.#isEnabled && this.#isBgpdUp
  }

  async #work(): Promise<void> {
    // All events of one turn of the loop become one pass.
    await new Promise(setImmediate)
    while (this.#isWanted && this.#canWork) {
      this.#isWanted = false
      try {
        await this.#pass()
      } catch (error) {
        this.#noteFailure(error)
        return
      }
    }
  }

  async #pass(): Promise<void> {
    const { bgpd, config } = this.#options
    const dirty = this.#dirty
    this.#dirty = new Map()
    try {
      const known = this.#mustRead ? undefined : this.#actual
      const actual = known ?? (await readActual(bgpd, config))
      const addresses = known === undefined ? this.#everything(actual) : dirty.keys()
      const changes = planChanges(addresses, (address) => this.#wanted(address), actual)
      // Should anything throw now, what is there must be read again; and so it must when that is asked for meanwhile.
      this.#actual = undefined
      this.#mustRead = false
      const failures = await applyChanges(changes, { bgpd, ip: this.#ip, actual })
      this.#actual = actual
      this.#report(changes, failures, dirty)
      this.#warnAboutBase(
        known === undefined ? actual.networks.values() : changes.addNetworks.map((add) => add.routeMap),
        actual,
      )
    } catch (error) {
      for (const [address, receivedAtMs] of dirty) this.#dirty.set(address, receivedAtMs)
      throw error
    }
  }

  #everything(actual: ActualState): Set<string> {
    return new Set([...this.#options.decisions.keys(), ...actual.addresses, ...actual.networks.keys()])
  }

  #wanted(address: string): Announce | undefined {
    const decision = this.#options.decisions.get(address)
    return decision?.kind === 'announce' && !this.#isWithdrawing ? decision : undefined
  }

  #report(changes: ChangeSet, failures: Map<string, string>, dirty: Map<string, number>): void {
    const { log, decisions, onApplied } = this.#options
    for (const { address, routeMap } of changes.addNetworks) {
      if (failures.has(address)) continue
      const services = decisions.get(address)?.services
      log.info({ address, routeMap, services, isDrift: !dirty.has(address) }, 'address announced')
    }
    for (const address of changes.removeNetworks) {
      if (failures.has(address)) continue
      const decision = decisions.get(address)
      const reason = decision?.kind === 'withheld' ? decision.code : 'no-service'
      log.info({ address, reason: this.#isWithdrawing ? 'shutdown' : reason }, 'address withdrawn')
    }
    const earliest = dirty.size === 0 ? undefined : Math.min(...dirty.values())
    const isChange = changes.addNetworks.length + changes.removeNetworks.length > 0
    const seconds = isChange && earliest !== undefined ? (performance.now() - earliest) / 1000 : undefined
    onApplied({ changes, seconds })
    if (failures.size === 0) {
      this.lastError = undefined
      this.#retryMs = 250
      return
    }
    const [[address, reason] = ['', '']] = failures
    const error = new WeftError(
      'WEFT_AGENT_REFUSED',
      `${failures.size} addresses could not be applied; ${address}: ${reason}`,
    )
    for (const refused of failures.keys()) this.#dirty.set(refused, performance.now())
    this.#noteFailure(error)
  }

  /** Things that make FRR accept a statement and then announce nothing. */
  #warnAboutBase(routeMaps: Iterable<string>, actual: ActualState): void {
    const missing = [...new Set(routeMaps)]
      .filter((name) => name !== '' && !actual.routeMaps.has(name))
      .sort()
    if (missing.length === 0 && !actual.hasImportCheck) return
    const warning = `${missing.join()} ${actual.hasImportCheck}`
    if (warning === this.#warned) return
    this.#warned = warning
    const { log } = this.#options
    if (missing.length > 0) {
      log.error(
        { routeMaps: missing },
        'bgpd lacks route maps of the base configuration: such addresses are not announced',
      )
    }
    if (actual.hasImportCheck) {
      log.warn(
        'bgpd checks imports: addresses are announced only once zebra has them (no bgp network import-check)',
      )
    }
  }

  #noteFailure(error: unknown): void {
    const known =
      error instanceof WeftError
        ? error
        : new WeftError('WEFT_AGENT_PASS', `a reconciliation failed: ${(error as Error).message}`, {
            cause: error,
            exitCode: 70,
          })
    const { log, onFailed } = this.#options
    if (this.lastError?.message !== known.message) {
      log.error({ code: known.code, reason: known.message, hint: known.hint }, 'routes could not be applied')
    }
    this.lastError = known
    onFailed()
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.resync(), this.#retryMs * (0.5 + Math.random()))
    this.#retryMs = Math.min(this.#retryMs * 2, 1_000)
  }
}
