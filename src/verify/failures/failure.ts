/** What may fail: single links and devices, and groups of devices that share a fate. */
import type { Device } from '../../plan/model.ts'
import type { CompactNetwork } from '../symmetry/compact-network.ts'
import { Orbits, type Symmetry, swapsThatMove } from '../symmetry/symmetry.ts'

export const domains = ['link', 'device', 'rack', 'plane', 'site'] as const
export type Domain = (typeof domains)[number]

export interface Failure {
  domain: Domain
  /** Link id, device name, `<site>-<rack>`, `<site> plane <n>` or site. */
  name: string
  /** Devices that die; none when a link fails. */
  devices: readonly number[]
  /** Sessions that end with it. */
  sessions: readonly number[]
  /** Devices that a symmetry has to leave in place, as a set, to leave the failure as it is. */
  anchor: readonly number[]
}

/** Failures that are alike, told by one of them. */
export interface FailureClass {
  /** One, or two that happen together. */
  failures: readonly Failure[]
  /** How many failures, or pairs of them, are alike. */
  members: number
}

/** Every single failure of the domains, in the order of the plan. Peers beyond the edge are not ours to fail. */
export function listFailures(network: CompactNetwork, wanted: readonly Domain[]): Failure[] {
  const sessionsOf = sessionsByDevice(network)
  const ofDevices = (domain: Domain, name: string, devices: readonly number[]): Failure => ({
    domain,
    name,
    devices,
    sessions: [...new Set(devices.flatMap((device) => sessionsOf[device]!))],
    anchor: devices,
  })
  const groups = (domain: Domain, nameOf: (device: Device) => string | null): Failure[] => {
    const byName = new Map<string, number[]>()
    for (const [index, device] of network.devices.entries()) {
      const name = nameOf(device)
      if (name === null) continue
      const members = byName.get(name)
      if (members === undefined) byName.set(name, [index])
      else members.push(index)
    }
    return [...byName].map(([name, devices]) => ofDevices(domain, name, devices))
  }
  const all: Record<Domain, () => Failure[]> = {
    link: () =>
      network.plan.sessions.map((session, index) => ({
        domain: 'link',
        name: session.link,
        devices: [],
        sessions: [index],
        anchor: [network.from[2 * index]!, network.to[2 * index]!],
      })),
    device: () =>
      network.devices.flatMap((device, index) =>
        device.role === 'external' ? [] : [ofDevices('device', device.name, [index])],
      ),
    rack: () => groups('rack', ({ site, rack }) => (rack === null ? null : `${site}-${rack}`)),
    plane: () => groups('plane', ({ site, plane }) => (plane === null ? null : `${site} plane ${plane}`)),
    site: () => groups('site', ({ site }) => site),
  }
  return domains.filter((domain) => wanted.includes(domain)).flatMap((domain) => all[domain]())
}

/** Classes of single failures: those that a symmetry takes to each other. */
export function classifyFailures(
  symmetry: Symmetry,
  network: CompactNetwork,
  failures: readonly Failure[],
): FailureClass[] {
  return [...failureOrbits(symmetry, network, failures, new Set()).classes()].map(([index, members]) => ({
    failures: [failures[index]!],
    members,
  }))
}

/** Classes of two failures at once: for one of each class, everything else by what leaves that one alone. */
export function classifyPairs(
  symmetry: Symmetry,
  network: CompactNetwork,
  failures: readonly Failure[],
): FailureClass[] {
  const first = failureOrbits(symmetry, network, failures, new Set())
  return [...first.classes()].flatMap(([index, members]): FailureClass[] => {
    const failure = failures[index]!
    const moving = swapsThatMove(symmetry, [failure.anchor])
    const rest = failureOrbits(symmetry, network, failures, moving)
    return [...rest.classes()].flatMap(([other, others]): FailureClass[] => {
      const kin = first.find(other)
      // A pair of different classes is met from both sides; the side of the lesser class tells it.
      if (
        other === index ||
        kin < index ||
        isWithin(failures[other]!, failure) ||
        isWithin(failure, failures[other]!)
      )
        return []
      return [
        { failures: [failure, failures[other]!], members: (members * others) / (kin === index ? 2 : 1) },
      ]
    })
  })
}

/** A failure that another one includes adds nothing to it. */
function isWithin(one: Failure, other: Failure): boolean {
  const [devices, sessions] = [new Set(other.devices), new Set(other.sessions)]
  return (
    one.devices.every((device) => devices.has(device)) &&
    one.sessions.every((session) => sessions.has(session))
  )
}

function failureOrbits(
  symmetry: Symmetry,
  network: CompactNetwork,
  failures: readonly Failure[],
  without: ReadonlySet<number>,
): Orbits {
  const orbits = new Orbits(failures.length)
  const bySession = new Map<number, number>()
  const byDevice = new Map<number, number>()
  const groupsOf = new Map<number, number[]>()
  const groupIndex = new Map<string, number>()
  for (const [index, { domain, devices, sessions }] of failures.entries()) {
    if (domain === 'link') bySession.set(sessions[0]!, index)
    else if (domain === 'device') byDevice.set(devices[0]!, index)
    else {
      groupIndex.set(keyOf(domain, devices), index)
      for (const device of devices) groupsOf.set(device, [...(groupsOf.get(device) ?? []), index])
    }
  }
  const image = Int32Array.from({ length: network.devices.length }, (_, device) => device)
  for (const [at, swap] of symmetry.swaps.entries()) {
    if (without.has(at)) continue
    joinMapped(orbits, bySession, swap.sessions)
    joinMapped(orbits, byDevice, swap.devices)
    if (groupsOf.size === 0) continue
    for (const [place, device] of swap.devices.entries()) image[device] = swap.devices[place ^ 1]!
    for (const group of new Set([...swap.devices].flatMap((device) => groupsOf.get(device) ?? []))) {
      const { domain, devices } = failures[group]!
      const other = groupIndex.get(
        keyOf(
          domain,
          devices.map((device) => image[device]!),
        ),
      )
      if (other !== undefined) orbits.join(group, other)
    }
    for (const device of swap.devices) image[device] = device
  }
  return orbits
}

function joinMapped(orbits: Orbits, ids: ReadonlyMap<number, number>, pairs: Int32Array): void {
  for (let at = 0; at < pairs.length; at += 2) {
    const [one, two] = [ids.get(pairs[at]!), ids.get(pairs[at + 1]!)]
    if (one !== undefined && two !== undefined) orbits.join(one, two)
  }
}

function keyOf(domain: Domain, devices: readonly number[]): string {
  return `${domain}:${[...devices].sort((x, y) => x - y).join()}`
}

function sessionsByDevice({ inStart, inEdges, devices }: CompactNetwork): number[][] {
  return devices.map((_, device) =>
    Array.from(inEdges.subarray(inStart[device]!, inStart[device + 1]!), (edge) => edge >> 1),
  )
}

/** Names of failures that happen together, for people. */
export function nameFailures({ failures }: Pick<FailureClass, 'failures'>): string {
  return failures.map(({ domain, name }) => `${domain} ${name}`).join(' and ')
}
