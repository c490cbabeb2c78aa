import { WeftError } from '../../diagnostics/error.ts'
import { findNearest } from '../../intent/nearest.ts'
import { formatPrefix, parsePrefix } from '../../net/prefix.ts'
import type { Device, Link, Plan, PlannedCluster, Role } from '../../plan/model.ts'
import type { FaultSpec } from './model.ts'

/*
 * What a fault's words mean in one plan: names are found, or refused with the name that was probably meant; racks, tiers
 * and sites become devices and links.
 */

export interface Touched {
  devices: string[]
  links: string[]
}

/** The same fault with every name as the plan writes it; throws when something in it does not exist. */
export function resolveFault(plan: Plan, spec: FaultSpec): FaultSpec {
  switch (spec.kind) {
    case 'carrier':
      return resolveEnds(plan, spec, spec.end, (end) => ({ end }))
    case 'silent':
    case 'rate':
    case 'loss':
      return resolveEnds(plan, spec, spec.from, (from) => ({ from }))
    case 'mtu':
    case 'flap':
      return { ...spec, link: requireLink(plan, spec.link).id }
    case 'daemon':
    case 'device':
      return { ...spec, device: requireDevice(plan, spec.device).name }
    case 'announcement':
      return resolveAnnouncement(plan, spec)
    case 'rack':
      return { ...spec, rack: requireRack(plan, spec.rack) }
    case 'tier':
      return { ...spec, site: requireSite(plan, spec.site), role: requireRole(plan, spec) }
    case 'site':
      return requireBoundary(plan, { ...spec, site: requireSite(plan, spec.site) })
    case 'pod':
    case 'api':
      return { ...spec, cluster: requireCluster(plan, spec.cluster).name }
  }
}

/** What a fault breaks: devices as such, and links; a device's own links are not named again. */
export function touchedBy(plan: Plan, spec: FaultSpec): Touched {
  switch (spec.kind) {
    case 'carrier':
    case 'silent':
    case 'rate':
    case 'loss':
    case 'mtu':
    case 'flap':
      return { devices: [], links: [requireLink(plan, spec.link).id] }
    case 'daemon':
    case 'device':
    case 'announcement':
      return { devices: [requireDevice(plan, spec.device).name], links: [] }
    case 'rack': {
      const rack = requireRack(plan, spec.rack)
      return { devices: namesOf(plan, (device) => rackName(device) === rack), links: [] }
    }
    case 'tier':
      return {
        devices: namesOf(plan, ({ site, role }) => site === spec.site && role === spec.role),
        links: [],
      }
    case 'site':
      return {
        devices: [],
        links: boundaryLinks(plan, spec.site, spec.boundary ?? 'all').map(({ id }) => id),
      }
    case 'pod':
      return { devices: [], links: [] }
    case 'api':
      return { devices: [controlPlaneOf(requireCluster(plan, spec.cluster))], links: [] }
  }
}

/** Finds a link by its id, or by its two devices in either order. */
export function requireLink(plan: Plan, name: string): Link {
  const { links } = plan
  const found =
    links.find((link) => link.id === name) ??
    links.find((link) => `${link.b.device}--${link.a.device}` === name)
  if (found !== undefined) return found
  const nearest = findNearest(
    name,
    links.map(({ id }) => id),
  )
  const near = links
    .map(({ id }) => id)
    .filter((id) => name.split('--').some((part) => part !== '' && id.includes(part)))
  const suggested = nearest === null ? near.slice(0, 4) : [nearest]
  throw new WeftError('WEFT_LAB_LINK_UNKNOWN', `fabric "${plan.name}" has no link "${name}"`, {
    hint:
      suggested.length > 0
        ? `did you mean ${suggested.join(', ')}?`
        : `links are named <device>--<device>, such as ${links[0]?.id}`,
    exitCode: 2,
  })
}

/** Finds a device by its name. */
export function requireDevice(plan: Plan, name: string): Device {
  const found = plan.devices.find((device) => device.name === name)
  if (found !== undefined) return found
  const names = plan.devices.map((device) => device.name)
  const nearest = findNearest(name, names)
  const near =
    nearest === null ? names.filter((candidate) => candidate.includes(name)).slice(0, 4) : [nearest]
  throw new WeftError('WEFT_LAB_DEVICE_UNKNOWN', `fabric "${plan.name}" has no device "${name}"`, {
    hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : `it has ${names.slice(0, 6).join(', ')}, …`,
    exitCode: 2,
  })
}

/** Finds a cluster by its name or, where a site has only one, by its site. */
export function requireCluster(plan: Plan, name: string): PlannedCluster {
  const found =
    plan.clusters.find((cluster) => cluster.name === name) ??
    only(plan.clusters.filter((cluster) => cluster.site === name))
  return (
    found ??
    unknown(
      'cluster',
      name,
      plan.clusters.map((cluster) => cluster.name),
    )
  )
}

/** The node that a cluster's API runs on. */
export function controlPlaneOf(cluster: PlannedCluster): string {
  return cluster.controlPlane[0] ?? unknown('control-plane node of cluster', cluster.name, [])
}

/** Where a link ends, seen from one of its devices: that end first. */
export function endsFrom(link: Link, device: string): [Link['a'], Link['b']] {
  return link.a.device === device ? [link.a, link.b] : [link.b, link.a]
}

/** Links that leave a site: towards other sites, towards external networks, or both. */
function boundaryLinks(plan: Plan, site: string, boundary: 'all' | 'dci' | 'edge'): Link[] {
  const sites = new Map(plan.devices.map((device) => [device.name, device.site]))
  return plan.links.filter(({ a, b }) => {
    const ends = [sites.get(a.device), sites.get(b.device)]
    if (!ends.includes(site) || ends[0] === ends[1]) return false
    return boundary === 'all' || (boundary === 'edge') === ends.includes(null)
  })
}

function resolveEnds<T extends { link: string }>(
  plan: Plan,
  spec: T,
  device: string | undefined,
  put: (device: string) => object,
): T {
  const link = requireLink(plan, spec.link)
  if (device === undefined) return { ...spec, link: link.id }
  const ends = [link.a.device, link.b.device]
  if (!ends.includes(device))
    throw new WeftError('WEFT_LAB_DEVICE_UNKNOWN', `link ${link.id} does not end at "${device}"`, {
      hint: `its ends are ${ends.join(' and ')}`,
      exitCode: 2,
    })
  return { ...spec, link: link.id, ...put(device) }
}

function resolveAnnouncement<T extends { device: string; prefix: string }>(plan: Plan, spec: T): T {
  const device = requireDevice(plan, spec.device)
  let prefix: string
  try {
    prefix = formatPrefix(parsePrefix(spec.prefix))
  } catch (cause) {
    throw new WeftError(
      'WEFT_LAB_FAULT_WORDS',
      `"${spec.prefix}" is no prefix: ${(cause as Error).message}`,
      {
        hint: 'write it like 10.0.0.0/8 or 2001:db8::/32',
        exitCode: 2,
        cause,
      },
    )
  }
  if (device.originates.some((origination) => origination.prefix === prefix))
    throw new WeftError('WEFT_LAB_FAULT_WORDS', `${device.name} announces ${prefix} by plan`, {
      hint: 'name a prefix that it may not announce, such as another node’s loopback',
      exitCode: 2,
    })
  return { ...spec, device: device.name, prefix }
}

function requireRack(plan: Plan, name: string): string {
  const racks = new Set(plan.devices.flatMap((device) => rackName(device) ?? []))
  const found = racks.has(name) ? name : only([...racks].filter((rack) => rack.endsWith(`-${name}`)))
  return found ?? unknown('rack', name, racks)
}

/** `<site>-<rack>`, which is unique in the plan. */
function rackName({ site, rack }: Device): string | null {
  return site === null || rack === null ? null : `${site}-${rack}`
}

function requireSite(plan: Plan, name: string): string {
  const sites = plan.sites.map((site) => site.name)
  return sites.includes(name) ? name : unknown('site', name, sites)
}

const shortRoles: Readonly<Record<string, Role>> = {
  border: 'border-leaf',
  dci: 'dci-router',
  edge: 'edge-router',
}

function requireRole(plan: Plan, { site, role: word }: { site: string; role: string }): Role {
  const roles = new Set(plan.devices.filter((device) => device.site === site).map(({ role }) => role))
  const wanted =
    shortRoles[word] ?? word.replace(/(leaf|spine|router|node)s$/, '$1').replace(/leaves$/, 'leaf')
  return [...roles].find((role) => role === wanted) ?? unknown(`tier in site ${site} named`, word, roles)
}

function requireBoundary<T extends { site: string; boundary?: 'all' | 'dci' | 'edge' }>(
  plan: Plan,
  spec: T,
): T {
  const boundary = spec.boundary ?? 'all'
  if (boundaryLinks(plan, spec.site, boundary).length > 0) return spec
  const where = { all: 'to the outside', dci: 'to another site', edge: 'to an external network' }[boundary]
  throw new WeftError('WEFT_LAB_LINK_UNKNOWN', `site ${spec.site} has no link ${where}`, {
    hint: 'see what there is: weft plan -o json',
    exitCode: 2,
  })
}

function namesOf(plan: Plan, isWanted: (device: Device) => boolean): string[] {
  return plan.devices.filter(isWanted).map(({ name }) => name)
}

function only<T>(found: readonly T[]): T | undefined {
  return found.length === 1 ? found[0] : undefined
}

function unknown(what: string, name: string, candidates: Iterable<string>): never {
  const known = [...candidates]
  const nearest = findNearest(name, known)
  throw new WeftError('WEFT_LAB_TARGET_UNKNOWN', `there is no ${what} "${name}"`, {
    hint:
      nearest !== null
        ? `did you mean ${nearest}?`
        : known.length > 0
          ? `there is ${known.slice(0, 8).join(', ')}`
          : 'the intent has none',
    exitCode: 2,
  })
}
