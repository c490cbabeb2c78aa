/** What routers have to hold, by role: sessions and prefixes when everything is up. */
import type { Intent } from '../intent/model.ts'
import type { Device, Role, ScaleRow, Session } from './model.ts'
import { roles } from './roles.ts'

const routerRoles = roles.filter((role) => role !== 'external')

/** One row for each role of each site. */
export function computeScale(
  intent: Intent,
  devices: readonly Device[],
  sessions: readonly Session[],
  fullRoutesToNodes: ReadonlyMap<string, boolean>,
): ScaleRow[] {
  const sessionCount = new Map<string, number>()
  for (const { a, b } of sessions) {
    for (const end of [a, b]) sessionCount.set(end.device, (sessionCount.get(end.device) ?? 0) + 1)
  }
  const bySite = Map.groupBy(devices, (device) => device.site)
  return intent.sites.flatMap((site) => {
    const members = bySite.get(site.name) ?? []
    return routerRoles.flatMap((role): ScaleRow[] => {
      const routers = members.filter((device) => device.role === role)
      if (routers.length === 0) return []
      // Own loopback, own pod prefix, and the default route.
      const isLean = role === 'node' && fullRoutesToNodes.get(site.name) === false
      return [
        {
          site: site.name,
          role,
          devices: routers.length,
          sessions: Math.max(...routers.map((device) => sessionCount.get(device.name) ?? 0)),
          prefixes: isLean ? 3 : prefixesAt(intent, role, members),
        },
      ]
    })
  })
}

function prefixesAt(intent: Intent, role: Role, members: readonly Device[]): number {
  const nodes = members.filter((device) => device.role === 'node').length
  const switches = members.length - nodes
  const carried = intent.dci.carry.filter((segment) => segment !== 'services').length
  const beyond = (intent.sites.length - 1) * carried + new Set(intent.peers.flatMap(receivedPrefixes)).size
  const ownAggregates = 2
  switch (role) {
    case 'dci-router':
    case 'edge-router':
      return switches + ownAggregates + beyond
    case 'border-leaf':
      return switches + 2 * nodes + ownAggregates + beyond
    default:
      return switches + 2 * nodes + beyond
  }
}

function receivedPrefixes(peer: Intent['peers'][number]): string[] {
  return peer.receive
    .filter((prefix) => prefix.family === 4)
    .map((prefix) => `${prefix.value}/${prefix.length}`)
}
