import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { WeftError } from '../../diagnostics/error.ts'
import { readRunningConfig } from '../../frr/show-daemon.ts'
import { readLinks } from '../../linux/ip.ts'
import { applyIpBatch, tryIpBatch } from '../../linux/ip-batch.ts'
import { createNamespaces, deleteNamespaces, listNamespaces } from '../../linux/namespace.ts'
import { applySysctls } from '../../linux/sysctl.ts'
import type { Plan } from '../../plan/model.ts'
import { LabReader } from '../actual.ts'
import { fitBfd, withoutBfd } from '../bfd-budget.ts'
import { forEachLimited } from '../concurrency.ts'
import { awaitConverged } from '../convergence.ts'
import { type Daemon, plugIn, startRouter, writeConfigs } from '../daemons.ts'
import { setupDevices } from '../device-setup.ts'
import { killEverything } from '../faults/processes.ts'
import { withLabLock } from '../lock.ts'
import { checkDeviceName, frrRunDirectory, labEnvironmentKey, namespaceOf } from '../names.ts'
import { podNamespacesOf } from '../node/sandbox.ts'
import type { OnProgress } from '../progress.ts'
import { ShellPool } from '../shells.ts'
import { type LabState, requireState, writeState } from '../state.ts'
import { type Cable, cableOperation } from '../topology.ts'
import { type ClusterChange, changeClusters, planClusters } from './clusters.ts'
import { type LabChange, planChange, type RunningConfigs, type SetupOptions } from './lab-change.ts'

/*
 * Makes a running lab what a changed plan says, and touches nothing else: no daemon is restarted, and a session that the
 * change does not reset stays up with every route in it.
 *
 * New devices start while their cables are unplugged, as in `up`; then the routers that stay are told their new lines; then
 * cables are plugged in and pulled out, and what is gone goes. While that happens the state names both plans: when it is
 * interrupted, the next `apply` takes each thing to be either, looks at what daemons really run, and says the rest again.
 */

export interface ApplyOptions {
  /** Only say what would be done. */
  dryRun?: boolean
  convergenceTimeoutMs?: number
  onProgress?: OnProgress
}

export interface ApplyResult {
  change: LabChange
  clusters: ClusterChange
  /** Things of the new plan that a running lab cannot become. */
  notes: string[]
  /** Milliseconds until everything was done, and until the lab was as planned; null after a dry run. */
  times: { appliedMs: number; convergedMs: number } | null
}

const width = 8
const lockWaitMs = 15_000

/** Applies a changed plan to a running lab and waits until it has converged. */
export async function applyPlan(lab: string, wanted: Plan, options: ApplyOptions = {}): Promise<ApplyResult> {
  for (const device of wanted.devices) checkDeviceName(device.name)
  if (options.dryRun) return await new Applier(await requireState(lab), wanted, options).plan()
  return await withLabLock(
    lab,
    'weft lab apply',
    async () => await new Applier(await requireState(lab), wanted, options).run(),
    { waitMs: lockWaitMs },
  )
}

class Applier {
  readonly #started = performance.now()
  readonly #state: LabState
  readonly #plan: Plan
  readonly #relaxed: LabState['relaxedBfd']
  readonly #options: ApplyOptions
  readonly #reader: LabReader

  constructor(state: LabState, wanted: Plan, options: ApplyOptions) {
    requireWhole(state)
    const fitted = fitBfd(state.hasBfd ? wanted : withoutBfd(wanted), { cores: availableParallelism() })
    this.#state = state
    this.#plan = fitted.plan
    this.#relaxed = fitted.relaxed
    this.#options = options
    this.#reader = new LabReader(state.name)
  }

  /** What would be done. */
  async plan(): Promise<ApplyResult> {
    const { plan: old, applying } = this.#state
    const before = applying === undefined ? [old] : [old, applying]
    const running = applying === undefined ? undefined : await this.#readRunning(before)
    const change = planChange(before, this.#plan, setupOptions(this.#state), running)
    const { clusters, notes } = planClusters(this.#state, this.#plan)
    return { change, clusters, notes, times: null }
  }

  async run(): Promise<ApplyResult> {
    try {
      const planned = await this.plan()
      const { change, clusters } = planned
      this.#state.applying = this.#plan
      await writeState(this.#state)
      await this.#applyChange(change)
      this.#state.plan = this.#plan
      this.#state.relaxedBfd = this.#relaxed
      await changeClusters(this.#state, clusters)
      delete this.#state.applying
      await writeState(this.#state)
      const appliedMs = performance.now() - this.#started
      await awaitConverged({
        lab: this.#state.name,
        plan: this.#plan,
        reader: this.#reader,
        pods: this.#state.hasPods,
        timeoutMs: this.#options.convergenceTimeoutMs ?? 60_000 + 500 * this.#plan.devices.length,
        onProgress: this.#options.onProgress ?? (() => {}),
      })
      return { ...planned, times: { appliedMs, convergedMs: performance.now() - this.#started } }
    } finally {
      this.#reader.close()
    }
  }

  async #applyChange(change: LabChange): Promise<void> {
    const lab = this.#state.name
    const { added, removed, kept, cables } = change
    const shells = new ShellPool(width, { env: { ...process.env, [labEnvironmentKey]: lab } })
    try {
      // Left of an interrupted attempt, in whatever state.
      await this.#removeDevices(added.map(({ device }) => device))
      await createNamespaces(added.map(({ device }) => namespaceOf(lab, device)))
      const taken = new Set(cables.added.flat().map(({ device, interface: name }) => `${device} ${name}`))
      const inTheWay = cables.removed.filter((cable) =>
        cable.some(({ device, interface: name }) => taken.has(`${device} ${name}`)),
      )
      await this.#unplug(inTheWay)
      await this.#makeCables(cables.added)
      await writeConfigs(lab, setupDevices(this.#plan, setupOptions(this.#state)))
      await forEachLimited(added, width, async (setup) => await startRouter(shells, lab, setup))
      await forEachLimited(kept, width, async ({ setup, lines }) => {
        // Profiles before the sessions that use them, and addresses before the routes.
        for (const daemon of ['bfdd', 'zebra', 'bgpd'] as const)
          for (const { changes } of lines.filter((entry) => entry.daemon === daemon))
            await this.#reader.daemon(setup.device, daemon).configure(changes)
      })
      await forEachLimited(kept, width, async ({ setup, sysctls, ports, ipOperations }) => {
        const namespace = namespaceOf(lab, setup.device)
        const quick = Object.fromEntries(ports.map((name) => [`net.ipv6.conf.${name}.accept_dad`, '0']))
        await applySysctls({ ...quick, ...sysctls }, { namespace })
        await applyIpBatch(
          [
            ...ports.map((name) => `link set ${name} up`),
            // What was there before may be there in another form.
            ...ipOperations.map((operation) => operation.replace(/^(route|addr) add/, '$1 replace')),
          ],
          { namespace },
        )
      })
      await forEachLimited(added, width, async (setup) => await plugIn(shells, lab, setup))
      await this.#unplug(cables.removed.filter((cable) => !inTheWay.includes(cable)))
      await this.#removeDevices(removed)
    } finally {
      shells.close()
    }
  }

  async #makeCables(cables: readonly Cable[]): Promise<void> {
    const lab = this.#state.name
    if (cables.length === 0) return
    const first = (await this.#highestIndex()) + 1
    const failures = await tryIpBatch(
      cables.map((cable, index) => cableOperation(lab, cable, first + 2 * index)),
    )
    // After an interruption some are there already.
    const failure = failures.find(({ reason }) => !/exists/.test(reason))
    if (failure !== undefined)
      throw new WeftError('WEFT_IP_FAILED', `"ip ${failure.operation}" was refused: ${failure.reason}`)
  }

  /** Ports have indexes that are unique in the lab. */
  async #highestIndex(): Promise<number> {
    const namespaces = new Set(await listNamespaces())
    const names = setupDevices(this.#state.plan, setupOptions(this.#state)).map(({ device }) =>
      namespaceOf(this.#state.name, device),
    )
    let highest = 100
    await forEachLimited(
      names.filter((name) => namespaces.has(name)),
      width,
      async (namespace) => {
        for (const { index } of await readLinks({ namespace })) highest = Math.max(highest, index)
      },
    )
    return highest
  }

  async #unplug(cables: readonly Cable[]): Promise<void> {
    await forEachLimited(cables, width, async ([{ device, interface: name }]) => {
      // Gone with its other end, perhaps.
      await tryIpBatch([`link delete ${name}`], { namespace: namespaceOf(this.#state.name, device) }).catch(
        () => {},
      )
    })
  }

  async #removeDevices(devices: readonly string[]): Promise<void> {
    const { name: lab } = this.#state
    const present = await listNamespaces()
    for (const device of devices.filter((name) => present.includes(namespaceOf(lab, name)))) {
      await killEverything(lab, device)
      const pods = podNamespacesOf(namespaceOf(lab, 'pod-'), device, present)
      await deleteNamespaces([namespaceOf(lab, device), ...pods])
      await rm(`${frrRunDirectory}/${namespaceOf(lab, device)}`, { recursive: true, force: true })
      this.#state.processes = this.#state.processes.filter((process) => process.device !== device)
    }
  }

  async #readRunning(plans: readonly Plan[]): Promise<RunningConfigs> {
    const texts = new Map<string, string>()
    const setups = new Map(
      plans
        .flatMap((plan) => setupDevices(plan, setupOptions(this.#state)))
        .map((setup) => [setup.device, setup]),
    )
    await forEachLimited([...setups.values()], width, async ({ device, configs }) => {
      for (const daemon of Object.keys(configs) as Daemon[]) {
        const text = await readRunningConfig(this.#reader.daemon(device, daemon)).catch(() => null)
        if (text !== null) texts.set(`${device}/${daemon}`, text)
      }
    })
    return (device, daemon) => texts.get(`${device}/${daemon}`)
  }
}

/** Agents run where pods do. */
function setupOptions({ hasBfd, hasPods }: LabState): SetupOptions {
  return { hasBfd, hasAgents: hasPods }
}

function requireWhole(state: LabState): void {
  if (state.phase !== 'up')
    throw new WeftError('WEFT_LAB_BUSY', `lab "${state.name}" is ${state.phase}, not up`, {
      hint: `remove it with "weft lab down ${state.name}" and start it again`,
    })
  if (state.faults.length > 0)
    throw new WeftError('WEFT_LAB_BROKEN', `lab "${state.name}" has ${state.faults.length} faults in force`, {
      hint: 'mend it first: weft lab heal --all',
    })
}
