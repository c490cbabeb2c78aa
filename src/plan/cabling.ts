/** Gives every cable its interfaces. A port once given to a cable stays with it, whatever is cabled later. */
import { addressAt, formatPrefix, type Prefix } from '../net/prefix.ts'
import type { Allocator } from './lock.ts'
import type { Interface, Link } from './model.ts'
import type { Problems } from './problems.ts'
import type { Cable, Skeleton } from './topology.ts'

export interface Cabling {
  links: Link[]
  interfaces: Map<string, Interface[]>
}

const lastPort = 4094

/** Links, and the interfaces of each device in port order. */
export function cable(cables: readonly Cable[], allocator: Allocator, problems: Problems): Cabling {
  const interfaces = new Map<string, Interface[]>()
  const leavesSeen = new Map<string, number>()
  const add = (device: string, entry: Interface) => {
    const list = interfaces.get(device)
    if (list) list.push(entry)
    else interfaces.set(device, [entry])
  }
  const links = cables.map((entry): Link => {
    const { a, b } = entry
    const id = `${a.name}--${b.name}`
    const nameA = port(a, b.name)
    const nameB = b.role === 'node' ? nextUplink(b) : port(b, a.name)
    const [addressesA, addressesB] = peerAddresses(entry, allocator, problems)
    add(a.name, { name: nameA, link: id, peerDevice: b.name, peerInterface: nameB, addresses: addressesA })
    add(b.name, { name: nameB, link: id, peerDevice: a.name, peerInterface: nameA, addresses: addressesB })
    return {
      id,
      class: entry.class,
      a: { device: a.name, interface: nameA },
      b: { device: b.name, interface: nameB },
    }
  })
  for (const list of interfaces.values()) list.sort((x, y) => portOrder(x.name) - portOrder(y.name))
  return { links, interfaces }

  function port(device: Skeleton, peer: string): string {
    // No fabric has this many ports on one device; a full space would be a bug, not a user's error.
    const number = allocator.take(`ports/${device.name}`, peer, 1, lastPort)
    if (number === null) throw new Error(`${device.name} has more than ${lastPort} cables`)
    return `eth${number}`
  }

  /** Nodes name their interfaces by leaf, in the order of the rack type's `uplinks`. */
  function nextUplink(node: Skeleton): string {
    const index = leavesSeen.get(node.name) ?? 0
    leavesSeen.set(node.name, index + 1)
    return node.uplinks[index] ?? `eth${index + 1}`
  }
}

function portOrder(name: string): number {
  return Number(/\d+$/.exec(name)?.[0] ?? 0)
}

/** Addresses of a link to an external peer: the edge router's end gets the even one of its /31 or /127. */
function peerAddresses(entry: Cable, allocator: Allocator, problems: Problems): [string[], string[]] {
  const { peer } = entry
  if (peer === null || peer.link === 'unnumbered') return [[], []]
  const pairs: [string, string][] = []
  const room = Math.min(
    ...[peer.link.v4, peer.link.v6].map((pool) => (pool === null ? 2 ** 20 : pairsIn(pool))),
  )
  const index = allocator.take(`${peer.name}/links`, entry.a.name, 0, room - 1)
  if (index === null) {
    problems.add({
      code: 'WEFT_PLAN_POOL_EXHAUSTED',
      message: `the link addresses of peer ${peer.name} suffice for ${room} edge routers`,
      path: peer.link.path,
      found: formatPrefix(peer.link.v4),
      expected: 'one /31 for each edge router of the site',
    })
    return [[], []]
  }
  for (const pool of [peer.link.v4, peer.link.v6]) {
    if (pool === null) continue
    const length = pool.family === 4 ? 31 : 127
    const end = (side: number) =>
      formatPrefix({ ...addressAt(pool, BigInt(index) * 2n + BigInt(side)), length } as Prefix)
    pairs.push([end(0), end(1)])
  }
  return [pairs.map(([a]) => a), pairs.map(([, b]) => b)]
}

function pairsIn(pool: Prefix): number {
  const bits = (pool.family === 4 ? 31 : 127) - pool.length
  return bits < 0 ? 0 : 2 ** Math.min(bits, 20)
}
