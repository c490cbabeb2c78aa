import type { BfdPeer } from '../frr/show-bfd.ts'
import type { BgpSession } from '../frr/show-bgp.ts'
import { contains, parsePrefix } from '../net/prefix.ts'
import type { ServicePool } from '../plan/model.ts'
import type { ActualRoute, KernelRoutes } from './actual.ts'
import type { PlannedDevice, PlannedRoute, PlannedSession } from './planned.ts'

/*
 * Planned against actual, as data. Everything here is a function of what was read; why a session is down is found out
 * afterwards, for those that are shown (reasons.ts).
 */

export interface Difference {
  device: string
  kind: 'daemon' | 'session' | 'bfd' | 'route' | 'kernel' | 'process' | 'fault'
  /** What it is about: a neighbor, a prefix, a daemon. */
  subject: string
  planned: string
  actual: string
  why?: string
}

/** A planned session that is not Established, with what bgpd says instead. */
export interface DownSession {
  device: string
  session: PlannedSession
  state: string
}

/** Planned sessions that are not up in every family. */
export function findDownSessions(planned: PlannedDevice, actual: readonly BgpSession[]): DownSession[] {
  return planned.sessions.flatMap((session) => {
    const rows = actual.filter((row) => row.neighbor === session.neighbor)
    const down = session.families
      .map((family) => rows.find((row) => row.family === family))
      .find((row) => !row?.isEstablished)
    const isComplete = session.families.every((family) => rows.some((row) => row.family === family))
    if (isComplete && down === undefined) return []
    return [{ device: planned.device, session, state: down?.state ?? 'not configured' }]
  })
}

/** Sessions that are configured and not planned. */
export function findExtraSessions(planned: PlannedDevice, actual: readonly BgpSession[]): Difference[] {
  const known = new Set(planned.sessions.map((session) => session.neighbor))
  const extra = new Map(actual.filter((row) => !known.has(row.neighbor)).map((row) => [row.neighbor, row]))
  return [...extra.values()].map((row) => ({
    device: planned.device,
    kind: 'session',
    subject: row.neighbor,
    planned: 'no session',
    actual: `${row.state}, AS ${row.remoteAs}`,
  }))
}

/** Planned BFD sessions that are not up, and others that are not planned. */
export function compareBfd(planned: PlannedDevice, actual: readonly BfdPeer[]): Difference[] {
  const wanted = planned.sessions.filter((session) => session.hasBfd)
  const missing = wanted.flatMap((session): Difference[] => {
    const peer = actual.find((row) => isPeerOf(session, row))
    if (peer?.isUp) return []
    return [
      {
        device: planned.device,
        kind: 'bfd',
        subject: `${session.interface} to ${session.peerDevice}`,
        planned: 'up',
        actual: peer === undefined ? 'no BFD session' : `${peer.status} (${peer.diagnostic})`,
      },
    ]
  })
  const extra = actual
    .filter((row) => !wanted.some((session) => isPeerOf(session, row)))
    .map(
      (row): Difference => ({
        device: planned.device,
        kind: 'bfd',
        subject: row.interface ?? row.peer,
        planned: 'no BFD session',
        actual: row.status,
      }),
    )
  return [...missing, ...extra]
}

function isPeerOf(session: PlannedSession, row: BfdPeer): boolean {
  return row.interface === session.interface || row.peer === session.neighbor
}

export interface RouteComparison {
  differences: Difference[]
  /** Service addresses that agents announce: not planned, and not wrong. */
  dynamic: number
}

/** Planned routes against BGP's tables, and the kernel's when they were read. */
export function compareRoutes(
  planned: PlannedDevice,
  actual: ReadonlyMap<string, ActualRoute>,
  kernel: KernelRoutes | null,
  servicePools: readonly ServicePool[],
): RouteComparison {
  const { device } = planned
  const differences: Difference[] = []
  const differ = (kind: Difference['kind'], subject: string, wanted: string, found: string) =>
    differences.push({ device, kind, subject, planned: wanted, actual: found })

  for (const [prefix, route] of planned.routes) {
    const wanted = { isLocal: route.isLocal, width: route.interfaces.length }
    const found = actual.get(prefix)
    const isAsPlanned = found?.isLocal === wanted.isLocal && found.width === wanted.width
    if (!isAsPlanned)
      differ('route', prefix, describe(wanted), found === undefined ? 'not in the table' : describe(found))
    // What BGP itself lacks, the kernel cannot have: it is asked whether it has what BGP has.
    if (route.isLocal || kernel === null || found === undefined || found.isLocal) continue
    const interfaces = kernel.get(prefix)
    if (interfaces === undefined) differ('kernel', prefix, describe(found), 'not in the kernel')
    else if (interfaces.length !== found.width)
      differ('kernel', prefix, describe(found), hops(interfaces.length))
    else if (isAsPlanned && !usesPlannedInterfaces(planned, route, interfaces))
      differ('kernel', prefix, over(route.interfaces), over(interfaces))
  }
  let dynamic = 0
  for (const [prefix, route] of actual) {
    if (planned.routes.has(prefix)) continue
    if (isServiceAddress(prefix, servicePools)) dynamic++
    else differ('route', prefix, 'not in the table', `${describe(route)}, AS path ${route.asPath || 'empty'}`)
  }
  for (const [prefix, interfaces] of kernel ?? [])
    if (!actual.has(prefix)) differ('kernel', prefix, 'not in the kernel', hops(interfaces.length))
  return { differences, dynamic }
}

/** Where maximum-paths cuts some equal paths off, their age decides which: then their number is all that is planned. */
function usesPlannedInterfaces(
  { maximumPaths }: PlannedDevice,
  { interfaces }: PlannedRoute,
  actual: readonly string[],
): boolean {
  return interfaces.length >= maximumPaths || interfaces.every((name) => actual.includes(name))
}

function isServiceAddress(prefix: string, pools: readonly ServicePool[]): boolean {
  const parsed = parsePrefix(prefix)
  const isHost = parsed.length === (prefix.includes(':') ? 128 : 32)
  return isHost && pools.some((pool) => contains(parsePrefix(pool.prefix), parsed))
}

function describe(route: { isLocal: boolean; width: number }): string {
  return route.isLocal ? 'announced here' : hops(route.width)
}

function over(interfaces: readonly string[]): string {
  return `over ${interfaces.toSorted().join(' ')}`
}

function hops(width: number): string {
  return width === 1 ? '1 next hop' : `${width} next hops`
}
