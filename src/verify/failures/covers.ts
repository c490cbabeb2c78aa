/** Tables of the prefixes around others, of every device in every world: what a walk falls back on. */
import type { CoverTable, Hops } from './forwarding.ts'
import { localRank, type Propagation } from './propagation.ts'

const nothing = new Int32Array()

/** The tables of one prefix: whole for world 0, by what differs for each other world. */
export class CoverTables {
  readonly #start: Int32Array
  readonly #edges: Int32Array
  readonly #isLocal: Uint8Array
  readonly #changes = new Map<number, Map<number, Hops>>()

  /** Copies what the engine holds, which must be the world without failures. */
  constructor(engine: Propagation) {
    const { devices } = engine.network
    this.#start = new Int32Array(devices.length + 1)
    this.#isLocal = new Uint8Array(devices.length)
    const edges: number[] = []
    for (const device of devices.keys()) {
      if (engine.bestRank[device] === localRank) this.#isLocal[device] = 1
      else if (engine.bestRank[device]! > 0) for (const edge of engine.nextHopsOf(device)) edges.push(edge)
      this.#start[device + 1] = edges.length
    }
    this.#edges = Int32Array.from(edges)
  }

  /** Notes what differs in a world that the engine plays at this moment. */
  record(world: number, engine: Propagation): void {
    const changes = new Map<number, Hops>()
    for (const device of engine.touched) changes.set(device, hopsOf(engine, device))
    if (changes.size > 0) this.#changes.set(world, changes)
  }

  /** Devices whose table entry may differ in that world. */
  changedIn(world: number): Iterable<number> {
    return this.#changes.get(world)?.keys() ?? []
  }

  inWorld(world: number): CoverTable {
    const changes = this.#changes.get(world)
    return {
      nextHops: (device) => {
        const changed = changes?.get(device)
        if (changed !== undefined) return changed
        if (this.#isLocal[device] === 1) return 'local'
        const [from, to] = [this.#start[device]!, this.#start[device + 1]!]
        return from === to ? nothing : this.#edges.subarray(from, to)
      },
    }
  }
}

function hopsOf(engine: Propagation, device: number): Hops {
  return engine.bestRank[device] === localRank ? 'local' : Int32Array.from(engine.nextHopsOf(device))
}

/** Prefixes that lie around others, widest first, so that each one's own surroundings are known before it. */
export function listCovers(cover: Int32Array): number[] {
  const depth = (prefix: number): number => (cover[prefix]! < 0 ? 0 : 1 + depth(cover[prefix]!))
  return [...new Set(cover)].filter((prefix) => prefix >= 0).sort((x, y) => depth(x) - depth(y) || x - y)
}
