import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../diagnostics/error.ts'
import type { Plan, ServicePool } from '../plan/model.ts'
import type { LabReader } from './actual.ts'
import { forEachLimited } from './concurrency.ts'
import {
  compareBfd,
  compareRoutes,
  type Difference,
  type DownSession,
  findDownSessions,
} from './differences.ts'
import { type PlannedDevice, plannedDevices } from './planned.ts'
import type { OnProgress } from './progress.ts'
import { describeDownSession, explainSession } from './reasons.ts'

/*
 * Waits until the lab is what the plan says, from cheap to dear: session summaries first, BFD next, tables and kernel
 * routes last and only of devices that have not yet been right. A device that was right is not asked again until the
 * end: reading tables takes time from the very daemons that are waited for.
 */

export interface ConvergenceOptions {
  lab: string
  plan: Plan
  reader: LabReader
  pods: boolean
  timeoutMs: number
  onProgress: OnProgress
  signal?: AbortSignal
}

/** How long each part took to be complete, counted from the call. */
export interface ConvergenceTimes {
  sessionsMs: number
  bfdMs: number
  routesMs: number
}

/** Returns when everything planned is there; throws when it is not within the time, with the first reasons. */
export async function awaitConverged(options: ConvergenceOptions): Promise<ConvergenceTimes> {
  const started = performance.now()
  const elapsedMs = () => performance.now() - started
  const devices = [...plannedDevices(options.plan, options).values()]
  const sessions = new SessionWait(options, devices)
  const bfd = new BfdWait(options, devices)
  const routes = new RouteWait(options, devices)
  const times: ConvergenceTimes = { sessionsMs: 0, bfdMs: 0, routesMs: 0 }
  let bfdDone = false
  for (;;) {
    options.signal?.throwIfAborted()
    if (await sessions.poll()) {
      times.sessionsMs ||= elapsedMs()
      // BFD comes up once a second and slower than routes travel: neither waits for the other.
      bfdDone ||= await bfd.poll()
      if (bfdDone) times.bfdMs ||= elapsedMs()
      if (await routes.poll()) times.routesMs ||= elapsedMs()
      if (times.bfdMs > 0 && times.routesMs > 0) return times
    }
    if (elapsedMs() > options.timeoutMs)
      throw notConverged(options, await findReasons(options, sessions, bfd, routes))
    await sessions.report()
    await delay(Math.max(50, devices.length / 2), undefined, options.signal && { signal: options.signal })
  }
}

class SessionWait {
  readonly #options: ConvergenceOptions
  readonly #total: number
  #pending: PlannedDevice[]
  #lastExplained = performance.now()
  down: DownSession[] = []

  constructor(options: ConvergenceOptions, devices: readonly PlannedDevice[]) {
    this.#options = options
    this.#pending = [...devices]
    this.#total = devices.reduce((sum, device) => sum + device.sessions.length, 0)
  }

  async poll(): Promise<boolean> {
    if (this.#pending.length === 0) return true
    const { reader, onProgress } = this.#options
    const results = await Promise.all(
      this.#pending.map(async (device) => ({
        device,
        down: findDownSessions(device, (await reader.sessions(device.device)) ?? []),
      })),
    )
    this.down = results.flatMap((result) => result.down)
    this.#pending = results.filter((result) => result.down.length > 0).map((result) => result.device)
    onProgress({ kind: 'step', step: 'sessions', done: this.#total - this.down.length, total: this.#total })
    return this.#pending.length === 0
  }

  /** Says now and then what is waited for, and why. */
  async report(): Promise<void> {
    if (this.down.length === 0 || performance.now() - this.#lastExplained < 1000) return
    this.#lastExplained = performance.now()
    this.#options.onProgress({
      kind: 'step',
      step: 'sessions',
      done: this.#total - this.down.length,
      total: this.#total,
      waitingFor: await explainAll(this.#options, this.down.slice(0, 3)),
    })
  }
}

class BfdWait {
  readonly #options: ConvergenceOptions
  readonly #total: number
  #pending: PlannedDevice[]
  differences: Difference[] = []

  constructor(options: ConvergenceOptions, devices: readonly PlannedDevice[]) {
    this.#options = options
    this.#pending = devices.filter((device) => device.sessions.some((session) => session.hasBfd))
    this.#total = devices.flatMap((device) => device.sessions).filter((session) => session.hasBfd).length
  }

  async poll(): Promise<boolean> {
    const { reader, onProgress } = this.#options
    const results = await Promise.all(
      this.#pending.map(async (device) => ({
        device,
        found: compareBfd(device, (await reader.bfdPeers(device.device)) ?? []),
      })),
    )
    this.differences = results.flatMap((result) => result.found)
    this.#pending = results.filter((result) => result.found.length > 0).map((result) => result.device)
    onProgress({
      kind: 'step',
      step: 'bfd sessions',
      done: this.#total - this.differences.length,
      total: this.#total,
    })
    return this.#pending.length === 0
  }
}

class RouteWait {
  readonly #options: ConvergenceOptions
  readonly #servicePools: ServicePool[]
  readonly #total: number
  #pending: PlannedDevice[]
  differences: Difference[] = []

  constructor(options: ConvergenceOptions, devices: readonly PlannedDevice[]) {
    this.#options = options
    this.#pending = [...devices]
    this.#total = devices.length
    this.#servicePools = servicePoolsOf(options.plan)
  }

  async poll(): Promise<boolean> {
    if (this.#pending.length === 0) return true
    const { reader, signal, onProgress } = this.#options
    const still: PlannedDevice[] = []
    const differences: Difference[] = []
    await forEachLimited(
      this.#pending,
      4,
      async (device) => {
        const table = (await reader.routes(device.device, device.families)) ?? new Map()
        let found = compareRoutes(device, table, null, this.#servicePools).differences
        // Asking the kernel takes a process: not before BGP has what it should.
        if (found.length === 0) {
          const kernel = await reader.kernelRoutes(device.device, device.families)
          found = compareRoutes(device, table, kernel, this.#servicePools).differences
        }
        if (found.length > 0) still.push(device)
        differences.push(...found)
      },
      signal,
    )
    this.#pending = still
    this.differences = differences
    onProgress({
      kind: 'step',
      step: 'routing tables',
      done: this.#total - still.length,
      total: this.#total,
    })
    return still.length === 0
  }
}

/** All pools whose host routes agents may announce. */
export function servicePoolsOf(plan: Plan): ServicePool[] {
  return [...plan.sites.flatMap((site) => site.services), ...plan.globalServices]
}

async function explainAll(options: ConvergenceOptions, down: readonly DownSession[]): Promise<string[]> {
  return await Promise.all(
    down.map(
      async (entry) =>
        `${describeDownSession(entry)}: ${await explainSession(options.lab, options.reader, entry).catch(() => entry.state)}`,
    ),
  )
}

async function findReasons(
  options: ConvergenceOptions,
  sessions: SessionWait,
  bfd: BfdWait,
  routes: RouteWait,
): Promise<string[]> {
  const fromRoutes = [...bfd.differences, ...routes.differences].map(
    ({ device, subject, planned, actual, kind }) =>
      `${device} ${kind} ${subject}: planned ${planned}, found ${actual}`,
  )
  return [...(await explainAll(options, sessions.down.slice(0, 8))), ...fromRoutes]
}

function notConverged({ lab, timeoutMs }: ConvergenceOptions, reasons: readonly string[]): WeftError {
  const shown = reasons.slice(0, 8)
  const more = reasons.length > shown.length ? `\n… and ${reasons.length - shown.length} more` : ''
  return new WeftError(
    'WEFT_LAB_NOT_CONVERGED',
    `lab "${lab}" is not what the plan says after ${Math.round(timeoutMs / 1000)} s:\n${shown.join('\n')}${more}`,
    {
      hint: `see everything that differs: weft lab status --name ${lab} --all`,
    },
  )
}
