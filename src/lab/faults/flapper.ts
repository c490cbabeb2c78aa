import { rm, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { withLabLock } from '../lock.ts'
import { readState, writeState } from '../state.ts'
import { effectsOf, type FlapFault, isFlap, nextFlap } from './effects.ts'
import { flapperReadyFile } from './flapper-process.ts'
import { settlePorts } from './settle.ts'

/*
 * Makes a link flap: `flapper.ts <lab> <fault>`, one process a fault, started a moment before it is in force.
 *
 * It holds no state. At every edge it makes the link's ports what all faults in force want at that moment, under the
 * lab's lock, so that a port which another fault keeps down stays down. It ends when its fault is no longer in force,
 * and takes it out of force when the last flap is over. Killed, it leaves a fault that heals like any other.
 */

const [lab = '', id = ''] = process.argv.slice(2)
/** Who started this was killed when no fault appears. */
const patienceMs = 20_000
const pollMs = 10
const stopper = new AbortController()
process.once('SIGTERM', () => stopper.abort())

async function flap(): Promise<void> {
  const { signal } = stopper
  await writeFile(flapperReadyFile(lab, id), '')
  const deadline = Date.now() + patienceMs
  while ((await ownFault()) === null && Date.now() < deadline) await delay(pollMs, undefined, { signal })
  let edge = Date.now()
  while (!signal.aborted) {
    const fault = await ownFault()
    if (fault === null) return
    const next = nextFlap(fault, edge)
    if (next !== null) await delay(Math.max(0, next - Date.now()), undefined, { signal })
    await withLabLock(lab, 'a flapping link', () => settleNow(next === null), { waitMs: 600_000, signal })
    if (next === null) return
    edge = next
  }
}

async function ownFault(): Promise<FlapFault | null> {
  const state = await readState(lab)
  const fault = state?.faults.find((candidate) => candidate.id === id)
  return fault !== undefined && isFlap(fault) ? fault : null
}

async function settleNow(isOver: boolean): Promise<void> {
  const state = await readState(lab)
  const fault = state?.faults.find((candidate) => candidate.id === id)
  if (state === null || fault === undefined) return
  if (isOver) state.faults = state.faults.filter((candidate) => candidate !== fault)
  const { plan, faults } = state
  await settlePorts(lab, effectsOf(plan, [fault], 'ever'), effectsOf(plan, faults, Date.now()))
  if (isOver) await writeState(state)
}

try {
  await flap()
} catch (error) {
  if (!stopper.signal.aborted) throw error
} finally {
  await rm(flapperReadyFile(lab, id), { force: true })
}
