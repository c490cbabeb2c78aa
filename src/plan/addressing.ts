/** Hands out loopbacks and pod prefixes: the same index in the IPv4 and the IPv6 segment of a site. */
import type { PodSegment, Segment, SiteIntent } from '../intent/model.ts'
import { type Address, formatAddress } from '../net/address.ts'
import {
  addressAt,
  contains,
  formatPrefix,
  hostPrefix,
  type Prefix,
  sizeOf,
  subnetAt,
  subnetCount,
} from '../net/prefix.ts'
import type { Allocator } from './lock.ts'
import type { DeviceSettings } from './overrides.ts'
import type { Problems } from './problems.ts'
import type { Skeleton } from './topology.ts'

export interface DeviceAddresses {
  /** IPv4 loopback: router ID, and stable address of the device. */
  routerId: string
  loopbacks: string[]
  podCidrs: string[]
  /** Index within the loopback segment; stable, so a drawing may use it. */
  index: number
}

/** Name of the lock space that a device's loopback comes from. */
function loopbackSpace(site: SiteIntent, role: Skeleton['role']): string {
  return `${site.name}/${role === 'node' ? 'nodes' : 'switches'}`
}

/** How many host addresses a segment has for devices: network address and IPv4 broadcast are left alone. */
export function hostCapacity(segment: Segment): number {
  const v4 = Math.max(0, Number(sizeOf(segment.v4)) - 2)
  return segment.v6 === null ? v4 : Math.min(v4, clamp(sizeOf(segment.v6)) - 1)
}

/** How many nodes a pod segment has room for. */
export function podCapacity(pods: PodSegment): number {
  const v4 = clamp(subnetCount(pods.v4, pods.lengthPerNode.v4))
  return pods.v6 === null ? v4 : Math.min(v4, clamp(subnetCount(pods.v6, pods.lengthPerNode.v6!)))
}

function clamp(count: bigint): number {
  return count > 1n << 40n ? 2 ** 40 : Number(count)
}

/** Addresses of every device of a site. Pinned ones are taken first, so that nobody else gets them. */
export function addressSite(
  site: SiteIntent,
  devices: readonly Skeleton[],
  overrides: ReadonlyMap<string, DeviceSettings>,
  allocator: Allocator,
  problems: Problems,
): Map<string, DeviceAddresses> {
  for (const device of devices) {
    const settings = overrides.get(device.name)
    if (settings) pinAddresses(site, device, settings, allocator, problems)
  }
  const addresses = new Map<string, DeviceAddresses>()
  const exhausted = new Set<string>()
  for (const device of devices) {
    const segment = device.role === 'node' ? site.addresses.nodes : site.addresses.switches
    const index = takeIndex(loopbackSpace(site, device.role), device, segment, 1, hostCapacity(segment))
    const settings = overrides.get(device.name) ?? {}
    const loopbacks = index === null ? [] : hostsAt(segment, index, settings)
    const podCidrs: string[] = []
    if (device.role === 'node') {
      const { pods } = site.addresses
      const block = takeIndex(`${site.name}/pods`, device, pods, 0, podCapacity(pods) - 1)
      if (block !== null) podCidrs.push(...podPrefixesAt(pods, block, settings))
    }
    addresses.set(device.name, {
      routerId: loopbacks[0]?.split('/')[0] ?? '0.0.0.0',
      loopbacks,
      podCidrs,
      index: index ?? 0,
    })
  }
  return addresses

  function takeIndex(
    space: string,
    device: Skeleton,
    segment: Segment,
    first: number,
    last: number,
  ): number | null {
    const index = allocator.take(space, device.name, first, last)
    if (index === null && !exhausted.has(space)) {
      exhausted.add(space)
      const wanted = devices.filter(
        (other) => loopbackSpace(site, other.role) === space || device.role === other.role,
      )
      const retired = allocator.retired(space)
      problems.add({
        code: 'WEFT_PLAN_POOL_EXHAUSTED',
        message: `${segmentText(segment)} of site ${site.name} has room for ${last - first + 1}, but ${wanted.length} ${wanted.length === 1 ? 'is' : 'are'} needed`,
        path: segment.path,
        found: `room for ${last - first + 1}`,
        expected: `room for ${wanted.length}`,
        hint:
          retired > 0
            ? `${retired} numbers are kept for elements that went away: \`weft plan --prune\` frees them`
            : 'use a shorter prefix; a pool that grows keeps everybody’s address when its first address stays',
      })
    }
    return index
  }
}

function segmentText(segment: Segment): string {
  return segment.v6 === null
    ? formatPrefix(segment.v4)
    : `${formatPrefix(segment.v4)} with ${formatPrefix(segment.v6)}`
}

function hostsAt(segment: Segment, index: number, settings: Partial<DeviceSettings>): string[] {
  const v4 = settings.loopback ?? addressAt(segment.v4, index)
  const hosts = [formatPrefix(hostPrefix(v4))]
  if (segment.v6 !== null)
    hosts.push(formatPrefix(hostPrefix(settings.loopback6 ?? addressAt(segment.v6, index))))
  return hosts
}

function podPrefixesAt(pods: PodSegment, index: number, settings: Partial<DeviceSettings>): string[] {
  const prefixes = [formatPrefix(settings.podCidr ?? subnetAt(pods.v4, pods.lengthPerNode.v4, index))]
  if (pods.v6 !== null) {
    prefixes.push(formatPrefix(settings.podCidr6 ?? subnetAt(pods.v6, pods.lengthPerNode.v6!, index)))
  }
  return prefixes
}

/** Reserves what overrides ask for by its index in the segment. */
function pinAddresses(
  site: SiteIntent,
  device: Skeleton,
  settings: DeviceSettings,
  allocator: Allocator,
  problems: Problems,
): void {
  const segment = device.role === 'node' ? site.addresses.nodes : site.addresses.switches
  const pin = (space: string, pool: Prefix, wanted: Address | Prefix, step: bigint) => {
    const text = 'length' in wanted ? formatPrefix(wanted) : formatAddress(wanted)
    if (!contains(pool, wanted)) {
      problems.add({
        code: 'WEFT_PLAN_PIN_OUTSIDE',
        message: `${device.name} is given ${text} by override`,
        path: settings.path,
        found: text,
        expected: `an address in ${formatPrefix(pool)}`,
      })
      return
    }
    const holder = allocator.pin(space, device.name, Number((wanted.value - pool.value) / step))
    if (holder !== null) {
      problems.add({
        code: 'WEFT_PLAN_PIN_CONFLICT',
        message: `overrides give ${text} to both ${holder} and ${device.name}`,
        path: settings.path,
      })
    }
  }
  const space = loopbackSpace(site, device.role)
  if (settings.loopback) pin(space, segment.v4, settings.loopback, 1n)
  else if (settings.loopback6 && segment.v6) pin(space, segment.v6, settings.loopback6, 1n)
  const { pods } = site.addresses
  if (settings.podCidr) {
    pin(`${site.name}/pods`, pods.v4, settings.podCidr, 1n << BigInt(32 - pods.lengthPerNode.v4))
  } else if (settings.podCidr6 && pods.v6) {
    pin(`${site.name}/pods`, pods.v6, settings.podCidr6, 1n << BigInt(128 - pods.lengthPerNode.v6!))
  }
}
