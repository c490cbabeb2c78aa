import type { ActualState } from './actual.ts'
import type { Announce } from './desired/decision.ts'
import { type GuardedPort, guardedPort } from './port-guard/guard-rules.ts'
import { isOwnedRouteMap, routeMapOf, type VipRouteMap } from './vip-route-map.ts'

/* From what should be to what is: the fewest operations. Pure; what it says is what `applyChanges` does. */

export interface ChangeSet {
  addAddresses: string[]
  removeAddresses: string[]
  /** Also those whose statement names another route map: FRR replaces it in place. */
  addNetworks: { address: string; routeMap: string }[]
  removeNetworks: string[]
  addRouteMaps: VipRouteMap[]
  removeRouteMaps: string[]
  /** The guard's table is missing or damaged and made anew. */
  rebuildGuard: boolean
  setGuards: { address: string; ports: readonly GuardedPort[] }[]
  removeGuards: string[]
}

/** A port of a Service. */
export interface ServicePort {
  protocol: string
  port: number
}

/** The ports of a Service by its `namespace/name`. */
export type PortsOf = (service: string) => readonly ServicePort[]

export type Known = Pick<ActualState, 'addresses' | 'unrouted' | 'networks' | 'routeMaps' | 'guard'>

/** So many idle route maps may wait to be used again: weights come and go. */
const idleRouteMaps = 64

/** What is to be done about some addresses. */
export function planChanges(
  addresses: Iterable<string>,
  wanted: (address: string) => Announce | undefined,
  actual: Known,
  portsOf: PortsOf,
): ChangeSet {
  const changes: ChangeSet = {
    addAddresses: [],
    removeAddresses: [],
    addNetworks: [],
    removeNetworks: [],
    addRouteMaps: [],
    removeRouteMaps: [],
    rebuildGuard: actual.guard?.isIntact === false,
    setGuards: [],
    removeGuards: [],
  }
  const newRouteMaps = new Map<string, VipRouteMap>()
  for (const address of new Set(addresses)) {
    const decision = wanted(address)
    const isPresent = actual.addresses.has(address)
    const announcedWith = actual.networks.get(address)
    const openPorts = actual.guard?.ports.get(address)
    if (decision !== undefined) {
      const routeMap = routeMapOf(decision)
      if (!isPresent || actual.unrouted.has(address)) changes.addAddresses.push(address)
      if (announcedWith !== routeMap.name) {
        changes.addNetworks.push({ address, routeMap: routeMap.name })
        if (isOwnedRouteMap(routeMap.name) && !actual.routeMaps.has(routeMap.name))
          newRouteMaps.set(routeMap.name, routeMap)
      }
      const ports = portsOfAll(decision.services, portsOf)
      if (actual.guard !== undefined && (changes.rebuildGuard || !isSame(openPorts, ports)))
        changes.setGuards.push({ address, ports })
    } else {
      if (announcedWith !== undefined) changes.removeNetworks.push(address)
      if (isPresent) changes.removeAddresses.push(address)
      if (openPorts !== undefined) changes.removeGuards.push(address)
    }
  }
  changes.addRouteMaps.push(...newRouteMaps.values())
  return changes
}

/** Every address there is something to compare about. */
export function everyAddress(decisions: Iterable<string>, actual: Known): Set<string> {
  return new Set([
    ...decisions,
    ...actual.addresses,
    ...actual.networks.keys(),
    ...(actual.guard?.ports.keys() ?? []),
  ])
}

/** The agent's route maps that nothing will use after these changes, once there are many or when all is to go. */
export function idleRouteMapsAfter(changes: ChangeSet, actual: Known, isWithdrawing: boolean): string[] {
  const used = new Set([...actual.networks.values(), ...changes.addNetworks.map(({ routeMap }) => routeMap)])
  const idle = [...actual.routeMaps].filter((name) => isOwnedRouteMap(name) && !used.has(name))
  return isWithdrawing || idle.length > idleRouteMaps ? idle : []
}

function portsOfAll(services: readonly string[], portsOf: PortsOf): readonly GuardedPort[] {
  const ports = services.flatMap((service) =>
    portsOf(service).flatMap(({ protocol, port }) => guardedPort(protocol, port) ?? []),
  )
  return ports.length < 2 ? ports : [...new Set(ports)].sort()
}

function isSame(left: readonly GuardedPort[] | undefined, right: readonly GuardedPort[]): boolean {
  return (
    left !== undefined && left.length === right.length && left.every((port, index) => port === right[index])
  )
}
