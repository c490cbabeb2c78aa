import type { Plan } from '../../plan/model.ts'
import { clientHost } from '../names.ts'
import { clientAddress, clientAddress6, clientInterface, clientLinks } from '../topology.ts'

/** The address that a host speaks from: its loopback; undefined when it is no host, or has none of that family. */
export function addressOfHost(
  plan: Plan,
  host: string,
  family: 'ipv4' | 'ipv6' = 'ipv4',
): string | undefined {
  if (host === clientHost) return family === 'ipv4' ? clientAddress : clientAddress6
  const loopbacks = plan.devices.find(({ name }) => name === host)?.loopbacks ?? []
  return loopbacks.find((loopback) => loopback.includes(':') === (family === 'ipv6'))?.split('/')[0]
}

/** The host whose own address this is. */
export function hostOfAddress(plan: Plan, address: string): string | undefined {
  if (address === clientAddress || address === clientAddress6) return clientHost
  return plan.devices.find(({ loopbacks }) =>
    loopbacks.some((loopback) => loopback.split('/')[0] === address),
  )?.name
}

/** Family of an address, as text. */
export function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}

/** The other end of a cable. */
export interface CableEnd {
  device: string
  interface: string
  /** Id of the link; null for the client's cables, which are not planned. */
  link: string | null
}

/** Key is `<device>/<interface>`. */
export function cablesOf(plan: Plan): Map<string, CableEnd> {
  const cables = new Map<string, CableEnd>()
  const connect = (
    a: { device: string; interface: string },
    b: { device: string; interface: string },
    link: string | null,
  ) => {
    cables.set(`${a.device}/${a.interface}`, { ...b, link })
    cables.set(`${b.device}/${b.interface}`, { ...a, link })
  }
  for (const { a, b, id } of plan.links) connect(a, b, id)
  for (const { external, interface: name } of clientLinks(plan))
    connect({ device: clientHost, interface: name }, { device: external, interface: clientInterface }, null)
  return cables
}
