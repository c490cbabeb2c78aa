import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { WeftError } from '../diagnostics/error.ts'
import type { LinkClass } from '../intent/model.ts'
import { applyIpBatch } from '../linux/ip-batch.ts'
import type { Plan } from '../plan/model.ts'
import { LabReader } from './actual.ts'
import { fitBfd, withoutBfd } from './bfd-budget.ts'
import { startClusters } from './cluster.ts'
import type { KubernetesKind } from './cluster-config.ts'
import { forEachLimited } from './concurrency.ts'
import { awaitConverged, type ConvergenceTimes } from './convergence.ts'
import { type DeviceSetup, plugIn, requireFrr, startRouter, writeConfigs } from './daemons.ts'
import { setupDevices } from './device-setup.ts'
import { type Binaries, clusterPrograms, requireBinaries } from './kubernetes/real/binaries.ts'
import { withLabLock } from './lock.ts'
import { checkDeviceName, checkLabName, labEnvironmentKey, pathsOf } from './names.ts'
import { raiseNeighborLimits } from './neighbor-table.ts'
import { requireRoot } from './privilege.ts'
import type { LabStep, OnProgress } from './progress.ts'
import { checkLoadedConfig } from './readback.ts'
import { ShellPool } from './shells.ts'
import { type LabState, readState, writeState } from './state.ts'
import { findLeftovers, removeEverything } from './teardown.ts'
import { linkOperations, namespacesFor } from './topology.ts'

/*
 * Builds a lab: state, namespaces and cables, daemons, and then waits until it is what the plan says.
 *
 * The order is what makes it fast. zebra and bgpd of all devices start while every cable is still unplugged, so no
 * session is tried before its peer is there and no table is sent twice. Then device after device is plugged in and
 * gets its bfdd, and zebra's quick first router advertisements reach peers that are listening. All links at once is
 * slower: a hundred busy zebras miss each other's advertisements and wait for the next, 6 s later.
 *
 * Whatever goes wrong while building, Ctrl-C included, takes down what was built. A lab that is built and does not
 * converge is left up, because then one wants to look.
 */

export interface UpOptions {
  /** Default: the plan's name. */
  name?: string
  /** Start FRR's bfdd and BFD on the sessions that ask for it; default true. */
  bfd?: boolean
  /** Link classes whose BFD is never slowed down. */
  underTest?: readonly LinkClass[]
  /** Which Kubernetes to start the planned clusters with, or none; default the embedded one. */
  kubernetes?: KubernetesKind | false
  convergenceTimeoutMs?: number
  /** Take down also a lab that was built but did not become what is planned; by default it stays, to be looked at. */
  removeOnFailure?: boolean
  onProgress?: OnProgress
  signal?: AbortSignal
}

export interface UpResult {
  state: LabState
  /** Milliseconds from the call until each stage was complete. */
  times: { builtMs: number; startedMs: number; convergedMs: number; readyMs: number } & ConvergenceTimes
}

/** Devices that start at the same time; more than this only makes them wait for each other. */
const startWidth = 8

/** Builds a lab from a plan and waits until it has converged. */
export async function bringUp(plan: Plan, options: UpOptions = {}): Promise<UpResult> {
  const lab = options.name ?? plan.name
  checkLabName(lab)
  for (const device of plan.devices) checkDeviceName(device.name)
  requireRoot()
  requireFrr()
  return await withLabLock(lab, 'weft lab up', async () => {
    await refuseIfPresent(lab)
    return await new LabBuilder(lab, plan, options).run()
  })
}

class LabBuilder {
  readonly #started = performance.now()
  readonly #lab: string
  readonly #options: UpOptions
  readonly #reader: LabReader
  readonly #state: LabState
  readonly #setups: DeviceSetup[]

  constructor(lab: string, plan: Plan, options: UpOptions) {
    this.#lab = lab
    this.#options = options
    this.#reader = new LabReader(lab)
    const hasBfd = options.bfd !== false
    const fitted = fitBfd(hasBfd ? plan : withoutBfd(plan), {
      cores: availableParallelism(),
      ...(options.underTest === undefined ? {} : { underTest: options.underTest }),
    })
    for (const { class: linkClass, fromMilliseconds, toMilliseconds } of fitted.relaxed)
      this.#notice(
        `BFD of ${linkClass} links is slowed from ${fromMilliseconds} ms to ${toMilliseconds} ms: this machine has ${fitted.budgetCores.toFixed(1)} cores for BFD`,
      )
    this.#state = {
      version: 1,
      name: lab,
      phase: 'building',
      createdAt: new Date().toISOString(),
      plan: fitted.plan,
      relaxedBfd: fitted.relaxed,
      hasBfd,
      hasPods: false,
      processes: [],
      faults: [],
      lastFault: 0,
    }
    this.#setups = setupDevices(fitted.plan, { hasBfd, hasAgents: false })
  }

  async run(): Promise<UpResult> {
    let builtMs: number
    // Before anything is built: it may take minutes, or not be possible here.
    const binaries =
      this.#options.kubernetes === 'real'
        ? await requireBinaries(clusterPrograms, (text) => this.#notice(text))
        : null
    try {
      await writeState(this.#state)
      await this.#build()
      builtMs = this.#elapsedMs()
      await this.#start()
    } catch (error) {
      this.#reader.close()
      await removeEverything(this.#lab)
      throw error
    }
    const startedMs = this.#elapsedMs()
    try {
      const waited = await this.#converge()
      const convergedMs = this.#elapsedMs()
      await this.#startKubernetes(binaries)
      await this.#finish()
      const readyMs = this.#elapsedMs()
      return { state: this.#state, times: { builtMs, startedMs, convergedMs, readyMs, ...waited } }
    } catch (error) {
      if (this.#options.signal?.aborted || this.#options.removeOnFailure) await removeEverything(this.#lab)
      else await this.#finish()
      throw error
    } finally {
      this.#reader.close()
    }
  }

  async #build(): Promise<void> {
    const { plan } = this.#state
    const namespaces = namespacesFor(this.#lab, plan)
    await mkdir(pathsOf(this.#lab).logs, { recursive: true })
    this.#step('namespaces', 0, namespaces.length)
    for (const { family, from, to } of await raiseNeighborLimits(plan))
      this.#notice(`${family} neighbour table of this machine enlarged from ${from} to ${to} entries`)
    await applyIpBatch(
      [...namespaces.map((name) => `netns add ${name}`), ...linkOperations(this.#lab, plan)],
      this.#signal(),
    )
    await writeConfigs(this.#lab, this.#setups)
    this.#step('namespaces', namespaces.length, namespaces.length)
  }

  async #start(): Promise<void> {
    const lab = this.#lab
    const shells = new ShellPool(startWidth, {
      env: { ...process.env, [labEnvironmentKey]: lab },
      ...this.#signal(),
    })
    try {
      await this.#forEach('routers', startWidth, (setup) => startRouter(shells, lab, setup))
      await this.#forEach('links', startWidth, (setup) => plugIn(shells, lab, setup))
    } finally {
      shells.close()
    }
    await this.#forEach('configurations read back', startWidth, (setup) =>
      checkLoadedConfig(lab, this.#reader, setup),
    )
  }

  async #converge(): Promise<ConvergenceTimes> {
    const routers = this.#state.plan.devices.length
    return await awaitConverged({
      lab: this.#lab,
      plan: this.#state.plan,
      reader: this.#reader,
      pods: this.#state.hasPods,
      timeoutMs: this.#options.convergenceTimeoutMs ?? 60_000 + 500 * routers,
      onProgress: this.#options.onProgress ?? (() => {}),
      ...this.#signal(),
    })
  }

  /** After the fabric: the first thing a node does is to reach the API over it. */
  async #startKubernetes(binaries: Binaries | null): Promise<void> {
    if (this.#options.kubernetes === false || this.#state.plan.clusters.length === 0) return
    const { onProgress } = this.#options
    // What starts again from now on leaves to its agent what agents do.
    const setups = setupDevices(this.#state.plan, { hasBfd: this.#state.hasBfd, hasAgents: true })
    await writeConfigs(this.#lab, setups)
    await startClusters(this.#state, {
      binaries,
      ...this.#signal(),
      ...(onProgress === undefined ? {} : { onProgress }),
    })
    this.#state.hasPods = true
    await this.#converge()
  }

  async #finish(): Promise<void> {
    this.#state.phase = 'up'
    await writeState(this.#state)
  }

  async #forEach(step: LabStep, width: number, work: (setup: DeviceSetup) => Promise<void>): Promise<void> {
    let done = 0
    this.#step(step, 0, this.#setups.length)
    await forEachLimited(
      this.#setups,
      width,
      async (setup) => {
        await work(setup)
        done++
        this.#step(step, done, this.#setups.length)
      },
      this.#options.signal,
    )
  }

  #step(step: LabStep, done: number, total: number): void {
    this.#options.onProgress?.({ kind: 'step', step, done, total })
  }

  #notice(text: string): void {
    this.#options.onProgress?.({ kind: 'notice', text })
  }

  #signal(): { signal?: AbortSignal } {
    return this.#options.signal === undefined ? {} : { signal: this.#options.signal }
  }

  #elapsedMs(): number {
    return performance.now() - this.#started
  }
}

async function refuseIfPresent(lab: string): Promise<void> {
  const state = await readState(lab)
  const isUp = state?.phase === 'up'
  const leftovers = await findLeftovers(lab)
  const isClean = leftovers.namespaces.length === 0 && leftovers.pids.length === 0
  if (isUp && !isClean)
    throw new WeftError('WEFT_LAB_EXISTS', `lab "${lab}" is already up`, {
      hint: `look at it with "weft lab status", remove it with "weft lab down ${lab}", or start another with --name`,
    })
  if (!isClean)
    throw new WeftError(
      'WEFT_LAB_LEFTOVERS',
      `an earlier lab "${lab}" left ${leftovers.namespaces.length} namespaces and ${leftovers.pids.length} processes behind`,
      { hint: `remove them with: weft lab down ${lab}` },
    )
  // What is left are files only, after a reboot for example.
  if (leftovers.hasState || leftovers.socketDirectories.length > 0) await removeEverything(lab)
}
