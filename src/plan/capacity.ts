/** How full the pools are, and when each runs out: computed before anything is built. */
import type { Intent, SiteIntent } from '../intent/model.ts'
import { contains, type Prefix, parsePrefix, sizeOf } from '../net/prefix.ts'
import { hostCapacity, podCapacity } from './addressing.ts'
import type { CapacityRow, Device } from './model.ts'

/** The pools of each site, then what all sites share. */
export function computeCapacity(intent: Intent, devices: readonly Device[]): CapacityRow[] {
  const bySite = Map.groupBy(devices, (device) => device.site)
  const rows = intent.sites.flatMap((site) => poolRows(site, bySite.get(site.name) ?? []))
  if (intent.globalServices === null) return rows
  const pool = intent.globalServices.v4
  const global = { site: null, resource: 'global service addresses', runsOut: null }
  return [...rows, { ...global, used: countVips(devices, pool), total: Number(sizeOf(pool)) }]
}

/** An address that several nodes announce is one address. */
function countVips(devices: readonly Device[], pool: Prefix): number {
  const vips = devices.flatMap((device) => device.vips).filter((vip) => contains(pool, parsePrefix(vip)))
  return new Set(vips).size
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
  const services = addresses.services.v4
  return [
    row('switch loopbacks', members.length - nodes.length, hostCapacity(addresses.switches), perRack.leaves),
    row('node loopbacks', nodes.length, hostCapacity(addresses.nodes), perRack.nodes),
    row(
      `pod prefixes (/${addresses.pods.lengthPerNode.v4})`,
      nodes.length,
      podCapacity(addresses.pods),
      perRack.nodes,
    ),
    row('service addresses', countVips(nodes, services), Number(sizeOf(services)), 0),
  ]
}

function afterRacks(racks: number, nodes: number): string {
  return racks === 0
    ? 'with the next rack'
    : `after ${racks} more ${racks === 1 ? 'rack' : 'racks'} of ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`
}
