import { type NextHop, type Route, readRoutes } from '../../linux/ip.ts'
import { type Address, parseAddress } from '../../net/address.ts'
import { contains, parsePrefix } from '../../net/prefix.ts'
import type { Plan } from '../../plan/model.ts'
import { clientHost, namespaceOf } from '../names.ts'
import type { LabState } from '../state.ts'
import { clientLinks } from '../topology.ts'
import type { Footprint } from './choose.ts'

/*
 * Which devices and links traffic between two ends may pass through, by what the kernels would do now: every one of the
 * equal paths. Only the way there, because it is the one whose paths the probes choose.
 */

/** A way that packets take: from a host to an address, which these hosts answer. */
export interface Way {
  from: string
  address: string
  ends: readonly string[]
}

/** Follows every way over all of its equal paths. */
export async function readFootprint(state: LabState, ways: readonly Way[]): Promise<Footprint> {
  const devices = new Set<string>()
  const links = new Set<string>()
  const tables = new Map<string, Promise<Route[]>>()
  const read = (device: string, family: 'ipv4' | 'ipv6') => {
    const key = `${device} ${family}`
    const table = tables.get(key) ?? readRoutes({ namespace: namespaceOf(state.name, device), family })
    tables.set(key, table)
    return table
  }
  for (const { from, address, ends } of ways) {
    const destination = parseAddress(address)
    if (destination === null) continue
    const seen = new Set<string>()
    let edge = [from]
    while (edge.length > 0) {
      const next = new Set<string>()
      for (const device of edge) {
        seen.add(device)
        if (ends.includes(device)) continue
        const table = await read(device, address.includes(':') ? 'ipv6' : 'ipv4')
        for (const { device: port } of nextHopsTo(table, destination)) {
          const hop = followPort(state.plan, device, port)
          if (hop === null) continue
          if (hop.link !== null) links.add(hop.link)
          if (!seen.has(hop.device)) next.add(hop.device)
        }
      }
      edge = [...next]
    }
    for (const device of seen) devices.add(device)
  }
  // What fails is to be passed through; who sends is there to measure it.
  for (const { from } of ways) devices.delete(from)
  return { devices, links }
}

/** The longest prefix that holds the address decides. */
function nextHopsTo(table: readonly Route[], destination: Address): NextHop[] {
  let best: { length: number; nextHops: NextHop[] } = { length: -1, nextHops: [] }
  for (const { destination: text, nextHops } of table) {
    if (text === 'default') {
      if (best.length < 0) best = { length: 0, nextHops }
      continue
    }
    const prefix = parsePrefix(text)
    if (prefix.length > best.length && contains(prefix, destination))
      best = { length: prefix.length, nextHops }
  }
  return best.nextHops
}

function followPort(
  plan: Plan,
  device: string,
  port: string | undefined,
): { device: string; link: string | null } | null {
  if (device === clientHost) {
    const cable = clientLinks(plan).find((link) => link.interface === port)
    return cable === undefined ? null : { device: cable.external, link: null }
  }
  const found = plan.devices.find(({ name }) => name === device)?.interfaces.find(({ name }) => name === port)
  return found === undefined ? null : { device: found.peerDevice, link: found.link }
}
