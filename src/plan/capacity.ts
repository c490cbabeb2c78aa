/** How full the plan is, and when each pool runs out: computed before anything is built. */
import type { Intent, SiteIntent } from '../intent/model.ts'
import { sizeOf } from '../net/prefix.ts'
import { hostCapacity, podCapacity } from './addressing.ts'
import type { CapacityRow, Device, Role, Session } from './model.ts'

/** Roles whose tables and session counts are worth a line, from the node upward. */
const routerRoles: Role[] = [
  'node',
  'leaf',
  'spine',
  'super-spine',
  'border-leaf',
  'dci-router',
  'edge-router',
]

/** The capacity table: pools of each site first, then what its routers must hold. */
export function computeCapacity(
  intent: Intent,
  devices: readonly Device[],
  sessions: readonly Session[],
  fullRoutesToNodes: ReadonlyMap<string, boolean>,
): CapacityRow[] {
  const sessionCount = new Map<string, number>()
  for (const { a, b } of sessions) {
    for (const end of [a, b]) sessionCount.set(end.device, (sessionCount.get(end.device) ?? 0) + 1)
  }
  const bySite = Map.groupBy(devices, (device) => device.site ?? '')
  return intent.sites.flatMap((site) => {
    const members = bySite.get(site.name) ?? []
    return [
      ...poolRows(site, members),
      ...routerRows(intent, members, bySite, sessionCount, fullRoutesToNodes.get(site.name) ?? true),
    ]
  })
}

function poolRows(site: SiteIntent, members: readonly Device[]): CapacityRow[] {
  const nodes = members.filter((device) => device.role === 'node')
  const racks = site.fabric.pods.flatMap((pod) => pod.racks)
  const biggest = racks.reduce((max, rack) => (rack.nodes.length > max.nodes.length ? rack : max), racks[0]!)
  const perRack = { nodes: biggest?.nodes.length ?? 0, leaves: biggest?.leaves ?? 0 }
  const row = (resource: string, used: number, total: number, each: number): CapacityRow => ({
    site: site.name,
    resource,
    used,
    total,
    runsOut: each === 0 ? null : afterRacks(Math.floor((total - used) / each), perRack.nodes),
  })
  const { addresses } = site
  return [
    row('switch loopbacks', members.length - nodes.length, hostCapacity(addresses.switches), perRack.leaves),
    row('node loopbacks', nodes.length, hostCapacity(addresses.nodes), perRack.nodes),
    row(
      `pod prefixes (/${addresses.pods.lengthPerNode.v4})`,
      nodes.length,
      podCapacity(addresses.pods),
      perRack.nodes,
    ),
    row(
      'service addresses',
      nodes.reduce((sum, node) => sum + node.vips.length, 0),
      Number(sizeOf(addresses.services.v4)),
      0,
    ),
  ]
}

function afterRacks(racks: number, nodes: number): string {
  return racks === 0
    ? 'with the next rack'
    : `after ${racks} more ${racks === 1 ? 'rack' : 'racks'} of ${nodes} nodes`
}

function routerRows(
  intent: Intent,
  members: readonly Device[],
  bySite: ReadonlyMap<string, readonly Device[]>,
  sessionCount: ReadonlyMap<string, number>,
  fullRoutesToNodes: boolean,
): CapacityRow[] {
  const site = members[0]?.site ?? null
  const roles = routerRoles.filter((role) => members.some((device) => device.role === role))
  return roles.flatMap((role): CapacityRow[] => {
    const busiest = Math.max(
      ...members.filter((d) => d.role === role).map((d) => sessionCount.get(d.name) ?? 0),
    )
    const prefixes = role === 'node' && !fullRoutesToNodes ? 3 : prefixesAt(intent, role, members, bySite)
    return [
      { site, resource: `sessions on a ${role}`, used: busiest, total: null, runsOut: null },
      {
        site,
        resource: `IPv4 prefixes on a ${role}, services aside`,
        used: prefixes,
        total: null,
        runsOut: null,
      },
    ]
  })
}

/** Prefixes that a router of the role has when everything is up; service addresses come on top. */
function prefixesAt(
  intent: Intent,
  role: Role,
  members: readonly Device[],
  bySite: ReadonlyMap<string, readonly Device[]>,
): number {
  const nodes = members.filter((device) => device.role === 'node').length
  const switches = members.length - nodes
  const carried = intent.dci.carry.filter((segment) => segment !== 'services').length
  const remote = (bySite.size > 1 ? intent.sites.length - 1 : 0) * carried
  const external = new Set(
    intent.peers.flatMap((peer) => peer.receive.map((prefix) => `${prefix.value}/${prefix.length}`)),
  )
  switch (role) {
    case 'dci-router':
    case 'edge-router':
      return switches + 2 + remote + external.size
    case 'border-leaf':
      return switches + 2 * nodes + 2 + remote + external.size
    default:
      return switches + 2 * nodes + remote + external.size
  }
}
