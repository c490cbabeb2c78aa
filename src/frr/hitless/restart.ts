import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../../diagnostics/error.ts'
import { readRoutes } from '../../linux/ip.ts'
import { watchRoutes } from '../../linux/route-monitor.ts'
import { FrrDaemon } from '../daemon.ts'
import { readBfdPeers } from '../show-bfd.ts'
import { readBgpSummary } from '../show-bgp.ts'
import { readRunningConfig } from '../show-daemon.ts'
import { findDaemons, killDaemons, type RestartTarget } from './target.ts'

/*
 * Restarts FRR while the kernel goes on forwarding (RFC 4724), and says what the kernel saw of it.
 *
 * The daemons are killed, never asked to end: zebra told to end removes its routes, and bgpd says good-bye with a
 * NOTIFICATION, after which leaves drop ours. zebra then finds its routes in the kernel (-K), and bgpd comes back to
 * leaves that kept them.
 *
 * Between the two lies BFD's detection time. Were bgpd back before the leaves' BFD has noticed, the new bfdd's first
 * packet would be the notice, and the leaf would end the new session, this time without grace.
 *
 * Fails only when FRR cannot be stopped or started. Whatever else goes wrong is in the report.
 */

export interface RestartReport {
  /** What was killed, watchfrr first. */
  daemons: string[]
  /** From the kill until bgpd answered again. */
  awayMs: number
  /** Per neighbor that was up: from the kill until it was again; null when it was not. */
  sessions: { neighbor: string; backMs: number | null }[]
  /** Prefixes that bgpd announced itself, with service addresses that the agent puts back. */
  announced: { before: number; backMs: number | null; missing: string[] }
  /** Routes of BGP in the kernel: which were away, and which had fewer next hops for a while. */
  routes: { before: number; lost: string[]; narrowed: string[] }
  isHitless: boolean
}

export interface RestartOptions {
  /** How long to wait for everything to be back; default 60 s, after which leaves drop what is not. */
  timeoutMs?: number
  /** How long FRR stays away at least; default what BFD needs to notice. */
  pauseMs?: number
  onStep?: (text: string) => void
}

interface Before {
  neighbors: string[]
  announced: Set<string>
  nextHops: Map<string, number>
}

/** Restarts all daemons of a machine and waits until everything is as before, or the time is over. */
export async function restartHitless(
  target: RestartTarget,
  options: RestartOptions = {},
): Promise<RestartReport> {
  const { timeoutMs = 60_000, onStep = () => {} } = options
  const processes = await findDaemons(target)
  if (!processes.some(({ name }) => name === 'bgpd'))
    throw new WeftError('WEFT_FRR_NOT_RUNNING', `bgpd does not run on ${target.name}`, {
      hint: `start it: ${target.startedBy}`,
      exitCode: 4,
    })
  const before = await readBefore(target)
  const pauseMs = options.pauseMs ?? (await bfdDetectionMs(target)) + 50
  const kernel = new KernelWatch(before.nextHops)
  const scope = target.namespace === undefined ? {} : { namespace: target.namespace }
  const monitor = await watchRoutes({ ...scope, onRoute: (event) => kernel.note(event) })
  const bgpd = new FrrDaemon('bgpd', target.frr)
  try {
    const killedAtMs = performance.now()
    await killDaemons(target, processes)
    const daemons = processes.map(({ name }) => name)
    onStep(`killed ${daemons.join(', ')}; the kernel goes on`)
    await delay(Math.max(0, pauseMs - (performance.now() - killedAtMs)))
    onStep(`starting: ${target.startedBy}`)
    await target.start()
    const after = new Return(bgpd, before, killedAtMs)
    await after.follow(killedAtMs + timeoutMs, onStep)
    // The last session's routes reach the kernel one hold of bgpd's after it, and by then nothing may be missing.
    await delay(300)
    kernel.end(await readNextHops(scope))
    const announced = { before: before.announced.size, backMs: after.announcedMs, missing: after.missing }
    const sessions = before.neighbors.map((neighbor) => ({
      neighbor,
      backMs: after.sessions.get(neighbor) ?? null,
    }))
    const routes = { before: before.nextHops.size, lost: kernel.lost, narrowed: kernel.narrowed }
    const isHitless =
      routes.lost.length === 0 &&
      announced.missing.length === 0 &&
      sessions.every(({ backMs }) => backMs !== null)
    return { daemons, awayMs: after.awayMs, sessions, announced, routes, isHitless }
  } finally {
    monitor.stop()
    bgpd.close()
  }
}

async function readBefore({ frr, namespace }: RestartTarget): Promise<Before> {
  const bgpd = new FrrDaemon('bgpd', frr)
  try {
    const summary = await readBgpSummary(bgpd)
    const up = (summary?.sessions ?? []).filter(({ isEstablished }) => isEstablished)
    return {
      neighbors: [...new Set(up.map(({ neighbor }) => neighbor))],
      announced: announcedIn(await readRunningConfig(bgpd)),
      nextHops: await readNextHops(namespace === undefined ? {} : { namespace }),
    }
  } finally {
    bgpd.close()
  }
}

/** The longest time after which a neighbor's BFD takes this node for dead; 0 without BFD. */
async function bfdDetectionMs({ frr }: RestartTarget): Promise<number> {
  const bfdd = new FrrDaemon('bfdd', frr)
  try {
    const peers = await readBfdPeers(bfdd)
    const detection = peers.map(
      (peer) => peer.detectMultiplier * Math.max(peer.transmitIntervalMs, peer.remoteReceiveIntervalMs),
    )
    return Math.max(0, ...detection)
  } catch (error) {
    if (error instanceof WeftError && error.exitCode === 4) return 0
    throw error
  } finally {
    bfdd.close()
  }
}

function announcedIn(running: string): Set<string> {
  return new Set([...running.matchAll(/^ {2}network (\S+)/gm)].map((found) => found[1] ?? ''))
}

async function readNextHops(scope: { namespace?: string }): Promise<Map<string, number>> {
  const tables = await Promise.all(
    (['ipv4', 'ipv6'] as const).map((family) => readRoutes({ ...scope, family, protocol: 'bgp' })),
  )
  return new Map(tables.flat().map((route) => [keyOf(route), route.nextHops.length]))
}

function keyOf({ family, destination }: { family: string; destination: string }): string {
  return `${family} ${destination}`
}

/** What happens to the kernel's BGP routes meanwhile. */
class KernelWatch {
  readonly #before: ReadonlyMap<string, number>
  readonly #lost = new Set<string>()
  readonly #narrowed = new Set<string>()

  constructor(before: ReadonlyMap<string, number>) {
    this.#before = before
  }

  get lost(): string[] {
    return [...this.#lost].map(prefixOf)
  }

  get narrowed(): string[] {
    return [...this.#narrowed].filter((key) => !this.#lost.has(key)).map(prefixOf)
  }

  note(event: { kind: 'set' | 'deleted'; family: string; destination: string; nextHops: unknown[] }): void {
    this.#see(keyOf(event), event.kind === 'deleted' ? 0 : event.nextHops.length)
  }

  end(now: ReadonlyMap<string, number>): void {
    for (const key of this.#before.keys()) this.#see(key, now.get(key) ?? 0)
  }

  #see(key: string, nextHops: number): void {
    const before = this.#before.get(key)
    if (before === undefined) return
    if (nextHops === 0) this.#lost.add(key)
    else if (nextHops < before) this.#narrowed.add(key)
  }
}

function prefixOf(key: string): string {
  return key.slice(key.indexOf(' ') + 1)
}

/** Watches bgpd come back, until all that was there is there again. */
class Return {
  readonly sessions = new Map<string, number>()
  awayMs = Number.NaN
  announcedMs: number | null = null
  missing: string[]
  readonly #bgpd: FrrDaemon
  readonly #before: Before
  readonly #killedAtMs: number

  constructor(bgpd: FrrDaemon, before: Before, killedAtMs: number) {
    this.#bgpd = bgpd
    this.#before = before
    this.#killedAtMs = killedAtMs
    this.missing = [...before.announced]
  }

  async follow(deadlineMs: number, onStep: (text: string) => void): Promise<void> {
    while (performance.now() < deadlineMs && !(await this.#look(onStep))) await delay(20)
  }

  async #look(onStep: (text: string) => void): Promise<boolean> {
    const ms = () => Math.round(performance.now() - this.#killedAtMs)
    try {
      const running = announcedIn(await readRunningConfig(this.#bgpd))
      if (Number.isNaN(this.awayMs)) {
        this.awayMs = ms()
        onStep(`bgpd answers after ${this.awayMs} ms`)
      }
      this.missing = [...this.#before.announced].filter((prefix) => !running.has(prefix))
      if (this.missing.length === 0) this.announcedMs ??= ms()
      const summary = await readBgpSummary(this.#bgpd)
      for (const { neighbor, isEstablished } of summary?.sessions ?? []) {
        if (!isEstablished || this.sessions.has(neighbor)) continue
        this.sessions.set(neighbor, ms())
        onStep(`${neighbor} is up again after ${ms()} ms`)
      }
    } catch (error) {
      if (!(error instanceof WeftError)) throw error
      return false
    }
    return this.missing.length === 0 && this.#before.neighbors.every((name) => this.sessions.has(name))
  }
}
