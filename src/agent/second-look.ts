import type { ActualState } from './actual.ts'

/**
 * What was read beside the passes, corrected by what passes have changed since the reading began: it may have been read
 * before or after those changes, while of them it is known how they ended.
 */
export function takeOver(
  read: ActualState,
  known: ActualState,
  changedMeanwhile: ReadonlySet<string>,
): ActualState {
  for (const address of changedMeanwhile) {
    copyMember(address, known.addresses, read.addresses)
    copyMember(address, known.localRoutes, read.localRoutes)
    copyMember(address, known.unrouted, read.unrouted)
    copyEntry(address, known.networks, read.networks)
    if (known.guard !== undefined && read.guard !== undefined)
      copyEntry(address, known.guard.ports, read.guard.ports)
  }
  // A route map that passes have made since; should it be gone nevertheless, the next reading says so.
  if (changedMeanwhile.size > 0) for (const name of known.routeMaps) read.routeMaps.add(name)
  return read
}

function copyMember(address: string, from: ReadonlySet<string>, to: Set<string>): void {
  if (from.has(address)) to.add(address)
  else to.delete(address)
}

function copyEntry<Value>(address: string, from: ReadonlyMap<string, Value>, to: Map<string, Value>): void {
  const value = from.get(address)
  if (value === undefined) to.delete(address)
  else to.set(address, value)
}
