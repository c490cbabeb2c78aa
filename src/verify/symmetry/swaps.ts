/**
 * Proposes exchanges of like devices: two nodes of a rack, two racks with all that is in them, two pods, two sites.
 *
 * Starting from two devices of one colour, their neighbours are exchanged too, except those that both have, and so on
 * outward. That finds the smallest exchange around the two, which is what failures elsewhere leave intact. A proposal may
 * be wrong; proof.ts decides.
 */
import type { Colours } from './colours.ts'
import type { CompactNetwork } from './compact-network.ts'

/** Devices that change places, pair by pair: `pairs[0]` with `pairs[1]`, and so on. */
export interface Swap {
  pairs: Int32Array
}

/** Attempts that may fail in a row before the devices of a colour are left as they are. */
const patience = 24

/** Finds swaps that `prove` confirms. Their number is linear in the devices. */
export function findSwaps(network: CompactNetwork, colours: Colours, prove: (swap: Swap) => boolean): Swap[] {
  const swaps: Swap[] = []
  const finder = new SwapFinder(network, colours)
  /** By device: with whom it changes places, and how many do so together. */
  const partners = new Map<number, { device: number; size: number }[]>()
  const groupOf = new Int32Array(network.devices.length)
  for (const members of classesOf(colours)) {
    if (members.length < 2) continue
    const groups = twinsOf(network, colours, members)
    for (const [index, group] of groups.entries()) {
      for (const device of group) groupOf[device] = index
      for (const [before, device] of group.slice(1).entries()) accept(finder.propose(group[before]!, device))
    }
    let failures = 0
    for (let index = 1; index < groups.length && failures < patience; index++) {
      const second = groups[index]![0]!
      const known = (partners.get(second) ?? []).filter(({ device }) => groupOf[device]! < index)
      // An exchange found for their neighbours may have carried these along already.
      if (known.some(({ device }) => groupOf[device] === index - 1)) continue
      // A much smaller one than is known is worth having: it leaves more failures alone.
      const limit = Math.min(...known.map(({ size }) => size / 2))
      // From the one before, or past one odd one, so that it does not part those on both sides of it.
      const isFound = [index - 1, index - 2].some(
        (before) => before >= 0 && accept(finder.propose(groups[before]![0]!, second, limit)),
      )
      failures = isFound || known.length > 0 ? 0 : failures + 1
    }
  }
  return swaps

  function accept(swap: Swap | null): boolean {
    if (swap === null || !prove(swap)) return false
    swaps.push(swap)
    const size = swap.pairs.length / 2
    for (const [at, device] of swap.pairs.entries()) {
      const entry = { device: swap.pairs[at ^ 1]!, size }
      const list = partners.get(device)
      if (list === undefined) partners.set(device, [entry])
      else list.push(entry)
    }
    return true
  }
}

/** Colours with their devices; the rarest first, whose exchanges carry the most along. */
function classesOf({ ofDevice, count }: Colours): number[][] {
  const classes: number[][] = Array.from({ length: count }, () => [])
  for (const [device, colour] of ofDevice.entries()) classes[colour]!.push(device)
  return classes.sort((x, y) => x.length - y.length || x[0]! - y[0]!)
}

/** Members with exactly the same neighbours over like sessions, together. */
function twinsOf(
  { inStart, inEdges, from }: CompactNetwork,
  { ofEdge }: Colours,
  members: readonly number[],
): number[][] {
  const groups = new Map<string, number[]>()
  for (const device of members) {
    const seen: string[] = []
    for (let at = inStart[device]!; at < inStart[device + 1]!; at++) {
      const edge = inEdges[at]!
      seen.push(`${from[edge]}:${ofEdge[edge]}:${ofEdge[edge ^ 1]}`)
    }
    const key = seen.join()
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [device])
    else group.push(device)
  }
  return [...groups.values()]
}

class SwapFinder {
  readonly #network: CompactNetwork
  readonly #colours: Colours
  readonly #image: Int32Array
  readonly #mark: Int32Array
  #stamp = 0

  constructor(network: CompactNetwork, colours: Colours) {
    this.#network = network
    this.#colours = colours
    this.#image = new Int32Array(network.devices.length).fill(-1)
    this.#mark = new Int32Array(network.devices.length)
  }

  /** The smallest exchange that takes `first` to `second`, as far as colours tell; null when none has at most `limit` pairs. */
  propose(first: number, second: number, limit = Number.POSITIVE_INFINITY): Swap | null {
    const pairs: number[] = []
    const image = this.#image
    const join = (x: number, y: number) => {
      image[x] = y
      image[y] = x
      pairs.push(x, y)
    }
    join(first, second)
    let isPossible = true
    for (let at = 0; at < pairs.length && isPossible; at += 2) {
      const matched = this.#match(pairs[at]!, pairs[at + 1]!)
      if (matched === null || pairs.length / 2 + matched.length > limit) isPossible = false
      else for (const [x, y] of matched) join(x, y)
    }
    for (const device of pairs) image[device] = -1
    return isPossible ? { pairs: Int32Array.from(pairs) } : null
  }

  /** Which neighbours have to follow when two devices change places. */
  #match(first: number, second: number): [number, number][] | null {
    const image = this.#image
    const ofFirst = this.#neighbours(first)
    const ofSecond = this.#neighbours(second)
    if (ofFirst.length !== ofSecond.length) return null
    this.#stamp++
    for (const { device } of ofSecond) this.#mark[device] = this.#stamp
    const left: Neighbour[] = []
    for (const neighbour of ofFirst) {
      const { device } = neighbour
      const to = image[device]!
      if (to >= 0) {
        if (this.#mark[to] !== this.#stamp) return null
      } else if (this.#mark[device] !== this.#stamp) left.push(neighbour)
    }
    this.#stamp++
    for (const { device } of ofFirst) this.#mark[device] = this.#stamp
    const right = ofSecond.filter(({ device }) => image[device]! < 0 && this.#mark[device] !== this.#stamp)
    if (left.length !== right.length) return null
    left.sort(byColour)
    right.sort(byColour)
    const matched: [number, number][] = []
    for (const [index, { device, colour }] of left.entries()) {
      const other = right[index]!
      if (other.colour !== colour) return null
      matched.push([device, other.device])
    }
    return matched
  }

  #neighbours(device: number): Neighbour[] {
    const { inStart, inEdges, from } = this.#network
    const { ofDevice, ofEdge } = this.#colours
    const found: Neighbour[] = []
    for (let at = inStart[device]!; at < inStart[device + 1]!; at++) {
      const edge = inEdges[at]!
      const neighbour = from[edge]!
      found.push({ device: neighbour, colour: ofDevice[neighbour]! * 4096 + ofEdge[edge]! })
    }
    return found
  }
}

interface Neighbour {
  device: number
  colour: number
}

function byColour(x: Neighbour, y: Neighbour): number {
  return x.colour - y.colour || x.device - y.device
}
