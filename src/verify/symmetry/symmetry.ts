/**
 * The symmetries of a plan, and what they make alike.
 *
 * Swaps that were proved generate a group; whatever a chain of them takes to each other behaves alike. Two things are
 * alike *after a failure* when swaps that leave the failure alone take them to each other, so each failure has its own,
 * finer classes. Fewer swaps than there are means more classes, never a wrong one.
 */

import { refineColours } from './colours.ts'
import type { CompactNetwork } from './compact-network.ts'
import type { PrefixUniverse } from './prefix-universe.ts'
import { SwapProver } from './proof.ts'
import { findSwaps } from './swaps.ts'

interface ProvedSwap {
  devices: Int32Array
  sessions: Int32Array
  prefixes: Int32Array
}

export interface Symmetry {
  swaps: readonly ProvedSwap[]
  /** Exchanges that were proposed, proved or not. */
  proposals: number
  /** Swaps that move device d: `touching[start[d]]` to `touching[start[d + 1] - 1]`. */
  start: Int32Array
  touching: Int32Array
}

/** Finds and proves the symmetries of a network. */
export function findSymmetry(network: CompactNetwork, universe: PrefixUniverse): Symmetry {
  const prover = new SwapProver(network, universe)
  let proposals = 0
  const found = findSwaps(network, refineColours(network, universe), (swap) => {
    proposals++
    return prover.prove(swap)
  })
  const swaps = found.map((swap) => ({
    devices: swap.pairs,
    sessions: Int32Array.from(prover.sessionPairs(swap)),
    prefixes: Int32Array.from(prover.prefixPairs(swap)),
  }))
  return indexSwaps(swaps, proposals, network.devices.length)
}

/** No symmetry at all: everything is a class of its own. */
export function noSymmetry(network: CompactNetwork): Symmetry {
  return indexSwaps([], 0, network.devices.length)
}

function indexSwaps(swaps: readonly ProvedSwap[], proposals: number, devices: number): Symmetry {
  const start = new Int32Array(devices + 1)
  for (const swap of swaps) for (const device of swap.devices) start[device + 1]!++
  for (let device = 0; device < devices; device++) start[device + 1]! += start[device]!
  const next = start.slice()
  const touching = new Int32Array(start[devices]!)
  for (const [index, swap] of swaps.entries())
    for (const device of swap.devices) touching[next[device]!++] = index
  return { swaps, proposals, start, touching }
}

/** Swaps that do not leave every one of the sets of devices where it is. */
export function swapsThatMove(symmetry: Symmetry, sets: readonly (readonly number[])[]): Set<number> {
  const moving = new Set<number>()
  for (const set of sets) {
    const members = new Set(set)
    const seen = new Set<number>()
    for (const device of set) {
      for (let at = symmetry.start[device]!; at < symmetry.start[device + 1]!; at++)
        seen.add(symmetry.touching[at]!)
    }
    for (const index of seen) {
      const { devices } = symmetry.swaps[index]!
      for (let at = 0; at < devices.length; at += 2) {
        if (members.has(devices[at]!) === members.has(devices[at + 1]!)) continue
        moving.add(index)
        break
      }
    }
  }
  return moving
}

/** Classes of things that are alike. */
export class Orbits {
  readonly #parent: Int32Array

  constructor(size: number) {
    this.#parent = Int32Array.from({ length: size }, (_, index) => index)
  }

  /** The least member of the class. */
  find(item: number): number {
    const parent = this.#parent
    let root = item
    while (parent[root] !== root) root = parent[root]!
    for (let at = item; parent[at] !== root; ) {
      const next = parent[at]!
      parent[at] = root
      at = next
    }
    return root
  }

  join(x: number, y: number): void {
    const [one, two] = [this.find(x), this.find(y)]
    if (one < two) this.#parent[two] = one
    else this.#parent[one] = two
  }

  joinPairs(pairs: Int32Array): void {
    for (let at = 0; at < pairs.length; at += 2) this.join(pairs[at]!, pairs[at + 1]!)
  }

  /** Least members with the size of their class. */
  classes(): Map<number, number> {
    const sizes = new Map<number, number>()
    for (const item of this.#parent.keys()) {
      const root = this.find(item)
      sizes.set(root, (sizes.get(root) ?? 0) + 1)
    }
    return sizes
  }
}

/** Classes of prefixes, once some swaps no longer hold. */
export function prefixClasses(
  symmetry: Symmetry,
  count: number,
  without: ReadonlySet<number>,
): Map<number, number> {
  const orbits = new Orbits(count)
  for (const [index, swap] of symmetry.swaps.entries())
    if (!without.has(index)) orbits.joinPairs(swap.prefixes)
  return orbits.classes()
}
