import type { IpSession } from '../linux/ip-session.ts'
import { type ActualState, localRouteProtocol, loopbackDevice } from './actual.ts'

/*
 * How a service address becomes local to the node, so that the kernel takes packets to it.
 *
 * As an address on `lo` it is there for everybody to see; but the kernel walks the list of addresses each time, so that
 * 10,000 of them take seconds, and every program that lists the node's addresses reads them all. As a route of type
 * `local` it costs the same whatever their number and carries a mark of the agent's. So the first few are addresses
 * and the rest are routes; none is ever moved from one form to the other (docs/decisions/service-addresses.md).
 *
 * In neither form does it become the node's source address or identity: an IPv4 address has scope `host`, which source
 * selection passes over, an IPv6 address is deprecated, and a local route is not an address at all.
 */

const visibleAddresses = 256

type Presence = Pick<ActualState, 'addresses' | 'localRoutes' | 'unrouted'>

/** Makes addresses local to the node, notes them, and tells of each that was refused. */
export async function addServiceAddresses(
  addresses: readonly string[],
  actual: Presence,
  ip: IpSession,
  onRefused: (address: string, reason: string) => void,
): Promise<void> {
  // The kernel puts back the local route of an address on `lo` only when the address itself comes anew.
  const unrouted = addresses.filter((address) => actual.unrouted.has(address))
  await removeServiceAddresses(unrouted, actual, ip, onRefused)
  const onLoopback = actual.addresses.size - actual.localRoutes.size
  const asAddresses = addresses.slice(0, Math.max(0, visibleAddresses - onLoopback))
  const asRoutes = new Set(addresses.slice(asAddresses.length))
  const operations = new Map([
    ...asAddresses.map((address) => [addAddress(address), address] as const),
    ...[...asRoutes].map((address) => [localRoute('replace', address), address] as const),
  ])
  await runBatch(operations, ip, onRefused, (address) => {
    actual.addresses.add(address)
    if (asRoutes.has(address)) actual.localRoutes.add(address)
  })
}

/** Takes them away in whichever form they are there. */
export async function removeServiceAddresses(
  addresses: readonly string[],
  actual: Presence,
  ip: IpSession,
  onRefused: (address: string, reason: string) => void,
): Promise<void> {
  const operations = new Map(
    addresses.map((address) => [
      actual.localRoutes.has(address)
        ? localRoute('del', address)
        : `addr del ${withLength(address)} dev ${loopbackDevice}`,
      address,
    ]),
  )
  await runBatch(operations, ip, onRefused, (address) => {
    actual.addresses.delete(address)
    actual.localRoutes.delete(address)
    actual.unrouted.delete(address)
  })
}

/** With the length of a host prefix. */
export function withLength(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`
}

function addAddress(address: string): string {
  const unselected = address.includes(':') ? 'nodad preferred_lft 0' : 'scope host'
  return `addr replace ${withLength(address)} dev ${loopbackDevice} ${unselected}`
}

function localRoute(verb: 'replace' | 'del', address: string): string {
  return `route ${verb} local ${withLength(address)} dev ${loopbackDevice} table local proto ${localRouteProtocol}`
}

async function runBatch(
  operations: ReadonlyMap<string, string>,
  ip: IpSession,
  onRefused: (address: string, reason: string) => void,
  note: (address: string) => void,
): Promise<void> {
  const refused = new Map(
    (await ip.apply([...operations.keys()])).map(({ operation, reason }) => [operation, reason]),
  )
  for (const [operation, address] of operations) {
    const reason = refused.get(operation)
    // Somebody else was faster: what was wanted to go is gone.
    if (
      reason === undefined ||
      /Address not found|Cannot assign requested address|No such process/.test(reason)
    )
      note(address)
    else onRefused(address, `ip ${operation}: ${reason}`)
  }
}
