import type { Plan } from '../plan/model.ts'
import { clientHost, linkLocalOf, macOf, namespaceOf } from './names.ts'

/** The plan's cables as `ip -batch` lines: both ends of a veth are made in place, with their final names and MACs. */
export function linkOperations(lab: string, plan: Plan): string[] {
  return cablesOf(plan).map((cable, index) => cableOperation(lab, cable, firstIndex + 2 * index))
}

/** Every cable of the lab: the plan's links, and the client's to the external networks. */
export function cablesOf(plan: Plan): Cable[] {
  return [
    ...plan.links.map(({ a, b }): Cable => [a, b]),
    ...clientLinks(plan).map(
      ({ external, interface: name }): Cable => [
        { device: clientHost, interface: name },
        { device: external, interface: clientInterface },
      ],
    ),
  ]
}

/** All namespaces of the lab: one a device, and the client's when there is anything beyond the edge. */
export function namespacesFor(lab: string, plan: Plan): string[] {
  const hosts = plan.devices.map((device) => device.name)
  if (clientLinks(plan).length > 0) hosts.push(clientHost)
  return hosts.map((host) => namespaceOf(lab, host))
}

/** Interfaces that must be up in a device's namespace before its daemons start. */
export function interfacesOf(plan: Plan, device: string): string[] {
  if (device === clientHost) return clientLinks(plan).map((link) => link.interface)
  const found = plan.devices.find((candidate) => candidate.name === device)
  if (found === undefined) return []
  const names = found.interfaces.map((iface) => iface.name)
  return found.role === 'external' ? [...names, clientInterface] : names
}

/** Address the client speaks from: 198.18.0.0/15 and 2001:2::/48 are reserved for measurements (RFC 2544, 5180). */
export const clientAddress = '198.18.0.1'
export const clientAddress6 = '2001:2::1'
/** Name of the client's cable at the external networks' end. */
export const clientInterface = 'client'

export interface ClientLink {
  external: string
  /** Interface at the client's end. */
  interface: string
}

/** The client's cables, one to every external network. */
export function clientLinks(plan: Plan): ClientLink[] {
  return plan.devices
    .filter((device) => device.role === 'external')
    .map((device, index) => ({ external: device.name, interface: `ext${index}` }))
}

/** Routes of the client: everything goes out over all external networks at once. */
export function clientRouteOperations(plan: Plan): string[] {
  const links = clientLinks(plan)
  if (links.length === 0) return []
  const hops = links.map((link) => {
    const gateway = linkLocalOf(macOf(link.external, clientInterface))
    return {
      v4: `nexthop via inet6 ${gateway} dev ${link.interface}`,
      v6: `nexthop via ${gateway} dev ${link.interface}`,
    }
  })
  const operations = [
    `addr add ${clientAddress}/32 dev lo`,
    `route add default src ${clientAddress} ${hops.map((hop) => hop.v4).join(' ')}`,
  ]
  if (!isDualStack(plan)) return operations
  return [
    ...operations,
    // Otherwise tentative for a moment, in which no route may name it as its source.
    `addr add ${clientAddress6}/128 dev lo nodad`,
    `route add ::/0 src ${clientAddress6} ${hops.map((hop) => hop.v6).join(' ')}`,
  ]
}

/** Routes back to the client in one external network's namespace. */
export function returnRouteOperations(plan: Plan, external: string): string[] {
  const link = clientLinks(plan).find((candidate) => candidate.external === external)
  if (link === undefined) return []
  const gateway = linkLocalOf(macOf(clientHost, link.interface))
  const operations = [`route add ${clientAddress}/32 via inet6 ${gateway} dev ${clientInterface}`]
  if (isDualStack(plan))
    operations.push(`route add ${clientAddress6}/128 via ${gateway} dev ${clientInterface}`)
  return operations
}

function isDualStack(plan: Plan): boolean {
  return plan.sessions.some((session) => session.families.includes('ipv6'))
}

export type Cable = readonly [End, End]

interface End {
  device: string
  interface: string
}

/**
 * Interface indexes are chosen, and differ at the two ends: Linux holds back the carrier of an interface whose peer
 * has the same index by up to a second (it takes it for one that is its own lower device).
 */
const firstIndex = 100

/** One cable as an `ip -batch` line; its ends get the index and the one after it. */
export function cableOperation(lab: string, [a, b]: Cable, index: number): string {
  const end = ({ device, interface: name }: End, number: number) =>
    `${name} netns ${namespaceOf(lab, device)} index ${number} address ${macOf(device, name)}`
  return `link add ${end(a, index)} type veth peer name ${end(b, index + 1)}`
}
