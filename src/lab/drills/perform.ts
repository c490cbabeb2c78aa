import { WeftError } from '../../diagnostics/error.ts'
import type { Plan } from '../../plan/model.ts'
import { applyPlan } from '../apply/apply.ts'
import { drainNode, undrainNode } from '../drain.ts'
import { drainSwitch, undrainSwitch } from '../drain-switch.ts'
import { describeFault } from '../faults/describe.ts'
import { healAll, healFault, injectFault } from '../faults/faults.ts'
import type { FaultSpec } from '../faults/model.ts'
import { restartFrr } from '../frr-restart.ts'
import type { LabState } from '../state.ts'
import { NotApplicable } from './choose.ts'
import type { Action } from './resolve.ts'
import { awaitRestored } from './restore.ts'
import type { Workload } from './workload.ts'

/*
 * Does to a lab what a drill says, and undoes all of it: whatever happens in between, `undo` leaves no fault in force
 * and nothing drained.
 */

/** Plans the lab's intent with a merge patch (RFC 7396) applied to it. */
export type Replan = (patch: Record<string, unknown>) => Plan

export class Performer {
  readonly #state: LabState
  readonly #workload: Workload | null
  readonly #signal: AbortSignal | undefined
  readonly #replan: Replan | undefined
  readonly #drained = new Set<string>()
  #lastFault: string | null = null
  #isChanged = false

  constructor(
    state: LabState,
    workload: Workload | null,
    { signal, replan }: { signal?: AbortSignal; replan?: Replan },
  ) {
    this.#state = state
    this.#workload = workload
    this.#signal = signal
    this.#replan = replan
  }

  /** Does it, and says what was done once it is. */
  async perform(action: Action): Promise<string> {
    const { name: lab } = this.#state
    switch (action.kind) {
      case 'fail': {
        const fault = await injectFault(lab, action.fault)
        this.#lastFault = fault.id
        return describeFault(fault.spec)
      }
      case 'heal':
        if (action.what === 'it' && this.#lastFault !== null) await healFault(lab, this.#lastFault)
        else await healAll(lab)
        return action.what === 'it' ? 'what failed last is mended' : 'everything is mended'
      case 'drain':
        return await this.#drain(action.device)
      case 'undrain':
        await this.#undrain(action.device)
        return `${action.device} is back in service`
      case 'restart':
        await this.#restart(action.what, action.device)
        return action.what === 'frr'
          ? `FRR on ${action.device} was restarted with graceful restart`
          : `the agent on ${action.device} was restarted`
      case 'roll':
        for (const device of action.devices) {
          await this.#restart('frr', device)
          const problem = await awaitRestored(this.#state, this.#workload, 60_000, this.#signal)
          if (problem !== null) throw notBack(device, problem)
        }
        return `FRR was restarted on ${action.devices.length} devices, one after the other`
      case 'apply':
        return await this.#apply(action.patch)
    }
  }

  /** Mends every fault, ends every drain that this drill began, and takes back what it changed. */
  async undo(): Promise<void> {
    await healAll(this.#state.name)
    for (const device of this.#drained) await this.#undrain(device)
    if (this.#isChanged) await applyPlan(this.#state.name, this.#state.plan)
    this.#isChanged = false
  }

  async #apply(patch: Record<string, unknown>): Promise<string> {
    if (this.#replan === undefined)
      throw new NotApplicable('the intent of this lab is not known: name it with --intent, without --name')
    const plan = this.#replan(patch)
    this.#isChanged = true
    const { change } = await applyPlan(this.#state.name, plan)
    const { added, removed, kept } = change
    return `the changed plan is applied: ${added.length} devices added, ${removed.length} removed, ${kept.length} changed`
  }

  async #drain(device: string): Promise<string> {
    this.#drained.add(device)
    if (this.#isNode(device)) {
      await drainNode(this.#state, device, this.#nodePrefix(device))
      return `${device} is drained: the fabric uses other nodes`
    }
    const { left } = await drainSwitch(this.#state, device)
    return left.length === 0
      ? `${device} is drained: nothing is sent to it`
      : `${device} is drained: ${left.length} prefixes still come, which nobody else has`
  }

  async #undrain(device: string): Promise<void> {
    if (this.#isNode(device)) await undrainNode(this.#state, device, this.#nodePrefix(device))
    else await undrainSwitch(this.#state, device)
    this.#drained.delete(device)
  }

  async #restart(what: 'frr' | 'agent', device: string): Promise<void> {
    if (what === 'frr') {
      await restartFrr(this.#state, device)
      return
    }
    // As an upgrade does it: the old one ends in its own time, then the new one starts.
    const fault: FaultSpec = { kind: 'daemon', device, daemon: 'agent', how: 'terminate' }
    const { id } = await injectFault(this.#state.name, fault)
    await healFault(this.#state.name, id)
  }

  #isNode(device: string): boolean {
    return this.#state.plan.devices.some(({ name, role }) => name === device && role === 'node')
  }

  /** What is watched while a node drains: web where it runs, for that is what others can take over. */
  #nodePrefix(device: string): string {
    if (this.#workload?.announcers.includes(device)) return this.#workload.prefix
    const found = this.#state.plan.devices.find(({ name }) => name === device)
    return found?.vips[0] ?? found?.loopbacks[0] ?? ''
  }
}

function notBack(device: string, problem: string): WeftError {
  return new WeftError(
    'WEFT_DRILL_NOT_RESTORED',
    `after its restart ${device} is not as planned: ${problem}`,
    {
      hint: 'look at the device while the lab is up: run the drill on a lab of your own, with --name',
    },
  )
}
