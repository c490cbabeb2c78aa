import { setTimeout as delay } from 'node:timers/promises'
import { LabReader } from '../actual.ts'
import { awaitConverged } from '../convergence.ts'
import type { LabState } from '../state.ts'
import { readStatus } from '../status.ts'
import type { Workload } from './workload.ts'

/*
 * Between two drills the lab must be what the plan says again: every session, every route, and BFD on every session,
 * which FRR 8.4 brings up seconds after BGP. A drill that begins earlier measures the end of the one before.
 */

/** Waits until the lab is as planned; the reason when it is not within the time. */
export async function awaitRestored(
  state: LabState,
  workload: Workload | null,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<string | null> {
  const deadline = performance.now() + timeoutMs
  const leftMs = () => Math.max(1000, deadline - performance.now())
  const reader = new LabReader(state.name)
  try {
    await awaitConverged({
      lab: state.name,
      plan: state.plan,
      reader,
      pods: state.hasPods,
      timeoutMs: leftMs(),
      onProgress: () => {},
      ...(signal === undefined ? {} : { signal }),
    })
    await workload?.awaitReady(leftMs())
    for (;;) {
      const { isAsPlanned, differences } = await readStatus(state.name)
      if (isAsPlanned) return null
      const [first] = differences
      if (performance.now() > deadline)
        return first === undefined
          ? 'the lab is not up'
          : `${first.device} ${first.kind} ${first.subject}: planned ${first.planned}, found ${first.actual}`
      await delay(200, undefined, signal && { signal })
    }
  } catch (error) {
    if (signal?.aborted) throw error
    return error instanceof Error ? error.message.split('\n').slice(0, 2).join(' ') : String(error)
  } finally {
    reader.close()
  }
}
