import { run } from '../../linux/run.ts'

/*
 * The neighbours that BGP's next hops resolve to. FRR up to 9 gives a route learned over an unnumbered session the next
 * hop 169.254.0.1 and a permanent neighbour of that name; from 10 on the next hop is the neighbour's link-local address.
 */

export interface Neighbor {
  interface: string
  address: string
  linkLayerAddress: string
}

/** Stand-in next hop of unnumbered sessions (FRR, zebra's `ipv4_ll`). */
const standIn = '169.254.0.1'

interface NeighborEntry {
  dst: string
  dev: string
  lladdr?: string
  state?: string[]
}

/** Stand-in neighbours by interface; those that were left failed have their link-layer address from the link-local one. */
export async function readNextHopNeighbors(): Promise<{ usable: Neighbor[]; failed: Neighbor[] }> {
  const entries = JSON.parse((await run(['ip', '-j', 'neighbor', 'show'])).stdout || '[]') as NeighborEntry[]
  const usable: Neighbor[] = []
  const failed: Neighbor[] = []
  for (const { dst, dev, lladdr, state } of entries) {
    if (dst !== standIn) continue
    const known = lladdr ?? entries.find((other) => other.dev === dev && isLinkLocal(other))?.lladdr
    if (known === undefined) continue
    const neighbor = { interface: dev, address: dst, linkLayerAddress: known }
    if (state?.includes('FAILED')) failed.push(neighbor)
    else usable.push(neighbor)
  }
  return { usable, failed }
}

function isLinkLocal({ dst, lladdr }: NeighborEntry): boolean {
  return dst.startsWith('fe80:') && lladdr !== undefined
}

/** `ip` operation that puts a neighbour into a state; `failed` makes multipath routes pass it over. */
export function setNeighborState(neighbor: Neighbor, state: 'failed' | 'permanent'): string {
  const { address, interface: device, linkLayerAddress } = neighbor
  return `neighbor replace ${address} dev ${device} lladdr ${linkLayerAddress} nud ${state} proto zebra`
}
