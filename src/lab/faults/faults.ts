import { WeftError } from '../../diagnostics/error.ts'
import { withLabLock } from '../lock.ts'
import { type LabState, requireState, writeState } from '../state.ts'
import { startFlapper } from './flapper-process.ts'
import type { ActiveFault, FaultSpec } from './model.ts'
import { checkFault, settle } from './settle.ts'
import { resolveFault } from './targets.ts'

/*
 * Breaks things in a running lab, and mends them.
 *
 * A fault is written to the lab's state before it takes effect, and taken out after its effect is gone: whatever moment
 * a command is killed at, the state names everything that may be broken, and healing it once more does no harm. What the
 * machine should look like is computed from all faults in force (effects.ts), so they compose and heal in any order.
 * The lab's lock keeps two commands from doing this at once; each waits for the other.
 */

const lockWaitMs = 15_000

/** Breaks something; returns when it is broken. */
export async function injectFault(lab: string, spec: FaultSpec): Promise<ActiveFault> {
  return await withFaults(lab, 'weft lab fail', async (state) => {
    const resolved = resolveFault(state.plan, spec)
    await checkFault(state, resolved)
    const id = `f${++state.lastFault}`
    if (resolved.kind === 'flap') await startFlapper(lab, id)
    const fault: ActiveFault = { id, spec: resolved, since: new Date().toISOString() }
    state.faults.push(fault)
    await writeState(state)
    try {
      await settle(state, state.faults, [fault])
    } catch (error) {
      await remove(state, [fault]).catch(() => {})
      throw error
    }
    if (isMomentary(resolved)) await remove(state, [fault])
    return fault
  })
}

/** Mends what a fault broke, as far as no other fault breaks it too; one that was healed before is no error. */
export async function healFault(lab: string, id: string): Promise<void> {
  await withFaults(lab, 'weft lab heal', async (state) => {
    const fault = state.faults.find((candidate) => candidate.id === id)
    if (fault !== undefined) await remove(state, [fault])
    else if (!wasGiven(state, id)) throw unknownFault(state, id)
  })
}

/** Mends everything and returns the faults that were in force. */
export async function healAll(lab: string): Promise<ActiveFault[]> {
  return await withFaults(lab, 'weft lab heal --all', async (state) => {
    const faults = [...state.faults]
    await remove(state, faults)
    return faults
  })
}

/** The faults in force, oldest first. */
export async function listFaults(lab: string): Promise<ActiveFault[]> {
  return (await requireState(lab)).faults
}

async function withFaults<T>(
  lab: string,
  command: string,
  work: (state: LabState) => Promise<T>,
): Promise<T> {
  await requireState(lab)
  return await withLabLock(
    lab,
    command,
    async () => {
      const state = await requireState(lab)
      if (state.phase !== 'up')
        throw new WeftError('WEFT_LAB_BUSY', `lab "${lab}" is ${state.phase}, not up`, {
          hint: `remove it with "weft lab down ${lab}" and start it again`,
        })
      return await work(state)
    },
    { waitMs: lockWaitMs },
  )
}

async function remove(state: LabState, faults: readonly ActiveFault[]): Promise<void> {
  if (faults.length === 0) return
  const rest = state.faults.filter((fault) => !faults.includes(fault))
  await settle(state, rest, faults)
  state.faults = rest
  await writeState(state)
}

/** What is over as soon as it has happened. */
function isMomentary(spec: FaultSpec): boolean {
  return (spec.kind === 'daemon' && spec.how === 'restart') || (spec.kind === 'pod' && spec.how === 'delete')
}

function wasGiven(state: LabState, id: string): boolean {
  const number = /^f(\d+)$/.exec(id)?.[1]
  return number !== undefined && Number(number) >= 1 && Number(number) <= state.lastFault
}

function unknownFault(state: LabState, id: string): WeftError {
  const ids = state.faults.map((fault) => fault.id)
  return new WeftError('WEFT_LAB_FAULT_UNKNOWN', `lab "${state.name}" never had a fault "${id}"`, {
    hint:
      ids.length === 0 ? 'none is in force' : `in force: ${ids.join(', ')}; see them with: weft lab faults`,
    exitCode: 2,
  })
}
