/**
 * Where packets for a prefix end up: every device looks up its most specific route, and hands on over all equal ones.
 *
 * A packet for a node's address follows the route to the node where there is one, the site's aggregate elsewhere, and the
 * default route where only that is known. So a walk needs the tables of the prefix itself, live from the engine, and
 * those of the prefixes around it, which were worked out before (covers.ts).
 */
import type { CompactNetwork } from '../symmetry/compact-network.ts'
import type { PrefixUniverse } from '../symmetry/prefix-universe.ts'
import { localRank, type Propagation } from './propagation.ts'

/** What becomes of packets: all arrive, none, or it depends on the hash. */
export const fate = { unknown: 0, arrives: 1, lost: 2, partly: 3, walking: 4 } as const

/** Edges from the next hops of a device, or that it brings the prefix in itself. */
export type Hops = Int32Array | 'local'

/** Next hops of every device for one prefix in one world. */
export interface CoverTable {
  nextHops(device: number): Hops
}

export class Walk {
  readonly #network: CompactNetwork
  readonly #universe: PrefixUniverse
  readonly #engine: Propagation
  readonly #fate: Int8Array
  #seen: number[] = []
  #covers: readonly CoverTable[] = []

  constructor(engine: Propagation) {
    this.#engine = engine
    this.#network = engine.network
    this.#universe = engine.universe
    this.#fate = new Int8Array(engine.network.devices.length)
  }

  /** Forgets what it knows, because tables changed; `covers` are those around the prefix, most specific first. */
  reset(covers: readonly CoverTable[]): void {
    for (const device of this.#seen) this.#fate[device] = fate.unknown
    this.#seen = []
    this.#covers = covers
  }

  /** Fate of packets from `device` for the prefix that the engine holds. */
  fateOf(device: number): number {
    const known = this.#fate[device]!
    // Whoever is met again while the walk is on its way round is in a loop.
    if (known === fate.walking) return fate.lost
    if (known !== fate.unknown) return known
    this.#seen.push(device)
    this.#fate[device] = fate.walking
    const found = this.#follow(device)
    this.#fate[device] = found
    return found
  }

  /** Next hops that the device uses for packets to the prefix, whichever route they come from. */
  nextHopsOf(device: number): readonly number[] | Hops | 'discard' {
    const engine = this.#engine
    if (engine.bestRank[device]! > 0) {
      return engine.bestRank[device] === localRank ? 'local' : engine.nextHopsOf(device)
    }
    for (const cover of this.#covers) {
      const hops = cover.nextHops(device)
      // An aggregate discards what no more specific route takes; whoever brings in something wider is not the one meant.
      if (hops === 'local') return 'discard'
      if (hops.length > 0) return hops
    }
    return 'discard'
  }

  #follow(device: number): number {
    if (this.#engine.isDead(device)) return fate.lost
    const hops = this.nextHopsOf(device)
    if (hops === 'local') return fate.arrives
    if (hops === 'discard') return fate.lost
    let arrives = 0
    let loses = 0
    for (const edge of hops) {
      const next = this.fateOf(this.#network.from[edge]!)
      if (next !== fate.lost) arrives++
      if (next !== fate.arrives) loses++
    }
    return loses === 0 ? fate.arrives : arrives === 0 ? fate.lost : fate.partly
  }

  /** Prefixes around one, most specific first. */
  coversOf(prefix: number): number[] {
    const around: number[] = []
    for (let at = this.#universe.cover[prefix]!; at >= 0; at = this.#universe.cover[at]!) around.push(at)
    return around
  }
}
