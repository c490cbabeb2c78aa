/*
 * The plan as one device sees it.
 *
 * A Plan lists sessions once for both ends; a renderer wants a device's own. The index is built once per plan and
 * kept as long as the plan lives: a plan never changes, and a site of 5,000 nodes has 10,000 sessions that nobody
 * wants to search for each device.
 */
import type { Device, Plan, Session, SessionEnd } from '../plan/model.ts'

export interface DeviceView {
  plan: Plan
  device: Device
  neighbors: Neighbor[]
}

/** A session from this end. */
export interface Neighbor {
  session: Session
  own: SessionEnd
  peer: SessionEnd
  peerDevice: Device
}

const indexes = new WeakMap<Plan, Map<string, Neighbor[]>>()

/** A device with its sessions, in the order of its interfaces. */
export function viewDevice(plan: Plan, device: Device): DeviceView {
  let index = indexes.get(plan)
  if (index === undefined) {
    index = indexNeighbors(plan)
    indexes.set(plan, index)
  }
  return { plan, device, neighbors: index.get(device.name) ?? [] }
}

/** A router knows its own site only, so what the plan calls `dc1.FROM-NODE` is FROM-NODE there. */
export function localName(name: string): string {
  return name.slice(name.indexOf('.') + 1)
}

/** The families a device carries at all, IPv4 first. */
export function familiesOf(view: DeviceView): ('ipv4' | 'ipv6')[] {
  return (['ipv4', 'ipv6'] as const).filter(
    (family) =>
      view.neighbors.some(({ session }) => session.families.includes(family)) ||
      view.device.originates.some(({ prefix }) => familyOf(prefix) === family),
  )
}

/** Family of a canonical address or prefix. */
export function familyOf(prefix: string): 'ipv4' | 'ipv6' {
  return prefix.includes(':') ? 'ipv6' : 'ipv4'
}

function indexNeighbors(plan: Plan): Map<string, Neighbor[]> {
  const devices = new Map(plan.devices.map((device) => [device.name, device]))
  const places = new Map(
    plan.devices.map(({ name, interfaces }) => [
      name,
      new Map(interfaces.map((found, place) => [found.name, place])),
    ]),
  )
  const neighbors = new Map<string, Neighbor[]>()
  for (const session of plan.sessions) {
    for (const [own, peer] of [
      [session.a, session.b],
      [session.b, session.a],
    ] as const) {
      const peerDevice = devices.get(peer.device)
      if (peerDevice === undefined)
        throw new TypeError(`session ${session.link} names the unknown device "${peer.device}"`)
      const list = neighbors.get(own.device)
      const neighbor = { session, own, peer, peerDevice }
      if (list === undefined) neighbors.set(own.device, [neighbor])
      else list.push(neighbor)
    }
  }
  for (const [name, list] of neighbors) {
    const place = places.get(name)
    list.sort((x, y) => (place?.get(x.own.interface) ?? 0) - (place?.get(y.own.interface) ?? 0))
  }
  return neighbors
}
