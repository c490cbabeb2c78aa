/*
 * How a router's kernel spreads flows over equal next hops: a hash over the packet's fields and the router's own seed
 * picks a place between 0 and 1, and each next hop owns a stretch as long as its weight.
 *
 * The mixing function is not the kernel's, but its property that matters is kept: routers with the same seed put a flow
 * at the same place, so that a second tier with the seed of the first sees only one half of its scale (polarisation).
 */
import type { NextHop } from '../simulate/forwarding.ts'

/** The next hop that owns the flow's place. */
export function chooseByHash(seed: number, flow: number, hops: readonly NextHop[]): NextHop {
  const place = hash(seed, flow) / 2 ** 32
  const total = hops.reduce((sum, hop) => sum + hop.weight, 0)
  let upper = 0
  for (const hop of hops) {
    upper += hop.weight / total
    if (place < upper) return hop
  }
  return hops.at(-1)!
}

/** Murmur's finishing steps over both numbers: enough for even spread and for independence of seeds. */
function hash(seed: number, flow: number): number {
  let h = Math.imul(flow ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(seed + 0x165667b1, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
