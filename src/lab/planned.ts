import type { Plan } from '../plan/model.ts'
import { type ExpectedTables, expectedRoutes } from '../verify/simulate/expected-routes.ts'

/** What the plan says about one device, in the terms its daemons answer in. */
export interface PlannedDevice {
  device: string
  sessions: PlannedSession[]
  /** Prefix → what the table should hold. */
  routes: Map<string, PlannedRoute>
  families: ('ipv4' | 'ipv6')[]
  maximumPaths: number
}

export interface PlannedSession {
  /** FRR's name of the neighbor: the interface, or the address on numbered links. */
  neighbor: string
  interface: string
  link: string
  peerDevice: string
  families: ('ipv4' | 'ipv6')[]
  hasBfd: boolean
  maximumPrefixes: number | null
}

export interface PlannedRoute {
  isLocal: boolean
  /** Interfaces of the equal-cost next hops; none for local routes. */
  interfaces: string[]
}

/**
 * Splits a plan into what each device should show.
 *
 * @param options.pods whether nodes have their pod prefixes in the kernel
 */
export function plannedDevices(plan: Plan, options: { pods: boolean }): Map<string, PlannedDevice> {
  const tables: ExpectedTables = expectedRoutes(plan, options)
  const planned = new Map<string, PlannedDevice>(
    plan.devices.map((device) => [
      device.name,
      {
        device: device.name,
        sessions: [],
        routes: new Map(
          [...(tables.get(device.name) ?? [])].map(([prefix, route]) => [
            prefix,
            { isLocal: route.local, interfaces: route.nextHops.map((hop) => hop.interface) },
          ]),
        ),
        // A peer beyond the edge may announce a family that its link does not carry: it is in its table all the same.
        families: (['ipv4', 'ipv6'] as const).filter((family) =>
          device.originates.some(({ prefix }) => prefix.includes(':') === (family === 'ipv6')),
        ),
        maximumPaths: device.maximumPaths,
      },
    ]),
  )
  for (const session of plan.sessions) {
    for (const [own, peer] of [
      [session.a, session.b],
      [session.b, session.a],
    ] as const) {
      const device = planned.get(own.device)
      if (device === undefined) continue
      device.sessions.push({
        neighbor: own.neighborAddress ?? own.interface,
        interface: own.interface,
        link: session.link,
        peerDevice: peer.device,
        families: session.families,
        hasBfd: session.bfd !== null,
        maximumPrefixes: own.maximumPrefixes,
      })
      for (const family of session.families)
        if (!device.families.includes(family)) device.families.push(family)
    }
  }
  return planned
}
