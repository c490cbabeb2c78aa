import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../../diagnostics/error.ts'
import { pathsOf } from '../names.ts'
import { endHelpers, findHelpers, startHelper } from './helpers.ts'

const startTimeoutMs = 10_000

/** Starts what makes a link come and go; resolves when it is ready, so that the first flap is as long as the others. */
export async function startFlapper(lab: string, fault: string): Promise<void> {
  const file = flapperReadyFile(lab, fault)
  await rm(file, { force: true })
  await startHelper(lab, 'flapper', fault, [])
  const deadline = Date.now() + startTimeoutMs
  while (!existsSync(file)) {
    if (Date.now() > deadline)
      throw new WeftError('WEFT_LAB_PROCESS', 'the process that makes links flap does not start', {
        hint: `its log: ${pathsOf(lab).logs}/faults/flapper.log`,
      })
    await delay(10)
  }
}

/** Ends it; the caller holds the lab's lock, so it is not changing anything now. */
export async function endFlapper(lab: string, fault: string): Promise<void> {
  endHelpers(await findHelpers(lab, 'flapper', fault))
  await rm(flapperReadyFile(lab, fault), { force: true })
}

/** Is there as soon as the process waits for its fault. */
export function flapperReadyFile(lab: string, fault: string): string {
  return `${pathsOf(lab).root}/flapper-${fault}.ready`
}
