/**
 * AS numbers in the manner of RFC 7938 §5.2.1: one for the spines of a pod, one for the super-spines, one for each
 * leaf, border leaf and DCI router, one for a site's edge routers, one for each node.
 *
 * Spines share a number on purpose: a route that came down through one spine is refused by its twin, which keeps
 * paths valley-free even where a filter is missing. In a rack with `ibgp` attachment leaves and nodes share one.
 */
import type { Intent, SiteIntent } from '../intent/model.ts'
import type { Allocator } from './lock.ts'
import type { DeviceSettings } from './overrides.ts'
import type { Problems } from './problems.ts'
import type { Skeleton } from './topology.ts'

/** Numbers a site has of its own when the pool is large enough, so that the site shows in the number. */
const siteBlock = 1_000_000

/** The AS number of every device. */
export function numberDevices(
  intent: Intent,
  devices: readonly Skeleton[],
  siteIds: ReadonlyMap<string, number>,
  overrides: ReadonlyMap<string, DeviceSettings>,
  allocator: Allocator,
  problems: Problems,
): Map<string, number> {
  const { first, last } = intent.bgp.asn
  const blocks = Math.floor((last - first + 1) / siteBlock)
  const bySite = blocks >= 16
  const foreign = [
    ...intent.peers.map((peer) => peer.asn),
    ...intent.sites.flatMap((site) => site.edge?.asn ?? []),
    ...[...overrides.values()].flatMap((settings) => settings.asn ?? []),
  ]
  const ibgpRacks = new Set(
    devices.filter((device) => device.attachment === 'ibgp').map((device) => `${device.site}/${device.rack}`),
  )
  const sites = new Map(intent.sites.map((site) => [site.name, site]))
  const peers = new Map(intent.peers.map((peer) => [peer.name, peer.asn]))
  const taken = new Map<string, number>()
  const exhausted = new Set<string>()

  for (const device of devices) taken.set(device.name, numberOf(device))
  return taken

  function numberOf(device: Skeleton): number {
    const fixed = overrides.get(device.name)?.asn ?? fixedNumber(device, sites, peers)
    if (fixed !== null) return fixed
    const siteId = siteIds.get(device.site!)!
    const space = bySite ? `asn/${device.site}` : 'asn'
    const from = bySite ? first + (siteId % blocks) * siteBlock : first
    const to = bySite ? from + siteBlock - 1 : last
    // The lock holds offsets, so that a pool that moves keeps the order.
    allocator.reserve(
      space,
      foreign.map((asn) => asn - from),
    )
    const offset = allocator.take(space, groupOf(device, ibgpRacks), 1, to - from)
    if (offset === null && !exhausted.has(space)) {
      exhausted.add(space)
      problems.add({
        code: 'WEFT_PLAN_ASN_EXHAUSTED',
        message: `AS numbers ${from}-${to} do not suffice${bySite ? ` for site ${device.site}` : ''}`,
        path: 'bgp.asn',
        found: `${first}-${last}`,
        expected: 'one number a leaf, border leaf, DCI router and node, and one a pod of spines',
        hint: 'use the 4-byte private range 4200000000-4294967294 (RFC 6996), or `attachment: ibgp`',
      })
    }
    return from + (offset ?? 0)
  }
}

function fixedNumber(
  device: Skeleton,
  sites: Map<string, SiteIntent>,
  peers: Map<string, number>,
): number | null {
  if (device.role === 'external') return peers.get(device.name) ?? 0
  if (device.role === 'edge-router') return sites.get(device.site!)?.edge?.asn ?? null
  return null
}

/** Devices with the same group share a number. */
function groupOf(device: Skeleton, ibgpRacks: ReadonlySet<string>): string {
  const rack = `${device.site}/${device.rack}`
  switch (device.role) {
    case 'spine':
      return device.pod === '' ? `${device.site}/spines` : `${device.site}/${device.pod}/spines`
    case 'super-spine':
      return `${device.site}/super-spines`
    case 'edge-router':
      return `${device.site}/edge`
    case 'leaf':
    case 'node':
      return ibgpRacks.has(rack) ? rack : device.name
    default:
      return device.name
  }
}
