import type { Logger } from 'pino'
import { WeftError } from '../diagnostics/error.ts'
import type { FrrDaemon } from '../frr/daemon.ts'
import { IpSession } from '../linux/ip-session.ts'
import { type ActualState, readActual } from './actual.ts'
import { applyChanges } from './apply.ts'
import { type ChangeSet, everyAddress, idleRouteMapsAfter, type PortsOf, planChanges } from './changes.ts'
import type { AgentConfig } from './config.ts'
import type { Announce, Decision } from './desired/decision.ts'
import type { PortGuard } from './port-guard/port-guard.ts'
import { takeOver } from './second-look.ts'
import { baseRouteMapOf } from './vip-route-map.ts'

/*
 * Makes FRR and the kernel agree with the decisions, one pass at a time, for as long as the process lives.
 *
 * It is level-triggered: a pass compares what should be with what is, and an event only says which addresses to look
 * at. What is there is read at the start, after bgpd came back and after anything failed; in between it is known, so
 * that a change costs the same with ten addresses or ten thousand. Every few seconds it is read again, in case somebody
 * else changed it: that is done beside the passes, so that a change never waits for it (second-look.ts).
 *
 * Before the API has been read completely nothing is done at all: an unknown Service is no reason to withdraw. While
 * bgpd is away nothing can be done; when it is back, everything is compared again.
 */

export interface ReconcilerOptions {
  config: AgentConfig
  bgpd: FrrDaemon
  decisions: ReadonlyMap<string, Decision>
  portsOf: PortsOf
  /** Absent: service addresses answer on every port. */
  guard?: PortGuard | undefined
  log: Logger
  onApplied: (event: { changes: ChangeSet; seconds: number | undefined }) => void
  onFailed: () => void
}

export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #ip = new IpSession()
  #actual: ActualState | undefined
  #mustRead = true
  /** What was read beside the passes, to be taken over by the next one. */
  #secondLook: ActualState | undefined
  /** Addresses that passes have changed since that reading began; undefined while nobody reads. */
  #changedMeanwhile: Set<string> | undefined
  /** Asked for while that reading was under way, which may have passed the place already. */
  #mustLookAgain = false
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
    if (this.#mustRead || this.#actual === undefined || !this.#canWork) this.#reread()
    else void this.#lookAgain()
  }

  /** Should the node take packets to this address, as far as is known? */
  wants(address: string): boolean {
    return this.#canWork && this.#wanted(address) !== undefined
  }

  /** Takes back everything that is the agent's, and resolves when that is done or has failed. */
  async withdrawAll(): Promise<void> {
    this.#isWithdrawing = true
    this.#reread()
    while (this.#running !== undefined) await this.#running
  }

  stop(): void {
    clearTimeout(this.#retry)
    this.#isEnabled = false
    this.#ip.close()
    this.#options.guard?.close()
  }

  #reread(): void {
    this.#mustRead = true
    this.#kick()
  }

  async #lookAgain(): Promise<void> {
    if (this.#changedMeanwhile !== undefined) {
      this.#mustLookAgain = true
      return
    }
    this.#mustLookAgain = false
    const changed = new Set<string>()
    this.#changedMeanwhile = changed
    const { bgpd, config, guard } = this.#options
    const read = await readActual(bgpd, config, guard).catch(() => undefined)
    // A pass that read everything itself has made this reading worthless.
    if (this.#changedMeanwhile !== changed) return
    this.#secondLook = read
    // Whatever went wrong, a pass finds it out again and reports it.
    if (read === undefined) this.#reread()
    else this.#kick()
  }

  /** The second look is used up, or overtaken by a first one. */
  #endLook(): void {
    this.#secondLook = undefined
    this.#changedMeanwhile = undefined
    if (this.#mustLookAgain) void this.#lookAgain()
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
    const { bgpd, guard, decisions, portsOf } = this.#options
    const dirty = this.#dirty
    this.#dirty = new Map()
    try {
      const { actual, isNew } = await this.#know()
      const addresses = isNew ? everyAddress(decisions.keys(), actual) : dirty.keys()
      const changes = planChanges(addresses, (address) => this.#wanted(address), actual, portsOf)
      if (isNew) changes.removeRouteMaps = idleRouteMapsAfter(changes, actual, this.#isWithdrawing)
      // Should anything throw now, what is there must be read again; and so it must when that is asked for meanwhile.
      this.#actual = undefined
      this.#mustRead = false
      for (const address of addressesOf(changes)) this.#changedMeanwhile?.add(address)
      const failures = await applyChanges(changes, { bgpd, ip: this.#ip, guard, actual })
      this.#actual = actual
      this.#report(changes, failures, dirty)
      this.#warnAboutBase(
        isNew ? actual.networks.values() : changes.addNetworks.map((add) => add.routeMap),
        actual,
      )
    } catch (error) {
      for (const [address, receivedAtMs] of dirty) this.#dirty.set(address, receivedAtMs)
      throw error
    }
  }

  /** What is there: as known, or read anew, in which case everything is to be compared. */
  async #know(): Promise<{ actual: ActualState; isNew: boolean }> {
    const { bgpd, config, guard } = this.#options
    const known = this.#mustRead ? undefined : this.#actual
    const secondLook = this.#secondLook
    const changed = this.#changedMeanwhile
    if (known === undefined) this.#mustLookAgain = false
    if (secondLook !== undefined || known === undefined) this.#endLook()
    if (known === undefined) return { actual: await readActual(bgpd, config, guard), isNew: true }
    if (secondLook === undefined) return { actual: known, isNew: false }
    return { actual: takeOver(secondLook, known, changed ?? new Set()), isNew: true }
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
      `${failures.size} changes were refused; ${address}: ${reason}`,
    )
    for (const refused of failures.keys())
      if (!refused.startsWith('VIP-')) this.#dirty.set(refused, performance.now())
    this.#noteFailure(error)
  }

  /** Things that make FRR accept a statement and then announce nothing. */
  #warnAboutBase(routeMaps: Iterable<string>, actual: ActualState): void {
    const missing = [...new Set(routeMaps)]
      .flatMap((name) => (name === '' ? [] : [name, baseRouteMapOf(name)]))
      .filter((name, index, all) => !actual.routeMaps.has(name) && all.indexOf(name) === index)
      .sort()
    if (missing.length === 0 && !actual.hasImportCheck && actual.hasRouterId) return
    const warning = `${missing.join()} ${actual.hasImportCheck} ${actual.hasRouterId}`
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
    if (!actual.hasRouterId) {
      log.warn(
        'bgpd has no router ID of its own: zebra chooses one and may take a service address (bgp router-id <loopback>)',
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
    this.#retry = setTimeout(() => this.#reread(), this.#retryMs * (0.5 + Math.random()))
    this.#retryMs = Math.min(this.#retryMs * 2, 1_000)
  }
}

function* addressesOf(changes: ChangeSet): Iterable<string> {
  yield* changes.addAddresses
  yield* changes.removeAddresses
  yield* changes.removeNetworks
  yield* changes.removeGuards
  for (const { address } of changes.addNetworks) yield address
  for (const { address } of changes.setGuards) yield address
}
