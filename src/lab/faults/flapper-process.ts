import { endHelpers, findHelpers, startHelper } from './helpers.ts'

/** Starts what makes a link come and go, unless it runs already. */
export async function startFlapper(lab: string, fault: string): Promise<void> {
  if ((await findHelpers(lab, 'flapper', fault)).length === 0) await startHelper(lab, 'flapper', fault, [])
}

/** Ends it; the caller holds the lab's lock, so it is not changing anything now. */
export async function endFlapper(lab: string, fault: string): Promise<void> {
  endHelpers(await findHelpers(lab, 'flapper', fault))
}
