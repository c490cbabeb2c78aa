/** What the names in an expectation stand for: devices that packets start at, and addresses that they go to. */
import { addressAt, contains, formatPrefix, hostPrefix, type Prefix, parsePrefix } from '../../net/prefix.ts'
import type { Device, Plan, ServicePool } from '../../plan/model.ts'
import { announced, poolsOf, sampleAddress } from '../routes/spreads.ts'
import type { RouteAttributes } from '../simulate/policy.ts'

export interface Destination {
  /** Host prefix that packets are sent to. */
  address: string
  /** Who has it: a packet that gets to one of them has arrived. */
  owners: ReadonlySet<string>
  /** The first of the owners, to be named. */
  owner: Device
  /** What it is a part of, such as `dc1.pods`. */
  segment: string
  /** The prefix that is announced for it. */
  prefix: string
  /** Set where no plan announces it: a service address, and who does. */
  origins: ReadonlyMap<string, RouteAttributes> | null
}

const siteSegments = ['nodes', 'pods', 'services', 'switches'] as const
type SiteSegment = (typeof siteSegments)[number]

/** Is there something of this name in the plan? */
export function isEndpoint(plan: Plan, name: string): boolean {
  return (
    name === 'peers' ||
    name === 'services' ||
    readSiteSegment(plan, name) !== null ||
    plan.devices.some((device) => device.name === name)
  )
}

/** Devices that packets from this endpoint start at. */
export function sourcesOf(plan: Plan, name: string): Device[] {
  const ofSite = readSiteSegment(plan, name)
  return plan.devices.filter((device) => {
    if (name === 'peers') return device.role === 'external'
    if (name === 'services') return device.role === 'node'
    if (ofSite === null) return device.name === name
    const isNode = device.role === 'node'
    return device.site === ofSite.site && isNode === (ofSite.segment !== 'switches')
  })
}

/** Addresses that packets to this endpoint go to. */
export function destinationsOf(plan: Plan, name: string): Destination[] {
  const ofSite = readSiteSegment(plan, name)
  if (name === 'peers') return peerDestinations(plan, sourcesOf(plan, name))
  if (name === 'services' || ofSite?.segment === 'services')
    return serviceDestinations(plan, name, ofSite?.site)
  return sourcesOf(plan, name).flatMap((device) => {
    if (device.role === 'external') return peerDestinations(plan, [device])
    const prefixes = ofSite?.segment === 'pods' ? device.podCidrs : device.loopbacks
    const segment = ofSite === null ? `${device.site}.${device.role === 'node' ? 'nodes' : 'switches'}` : name
    return prefixes.map((prefix) => ({
      address: ofSite?.segment === 'pods' ? hostIn(prefix, 2) : prefix,
      owners: new Set([device.name]),
      owner: device,
      segment,
      prefix,
      origins: null,
    }))
  })
}

function readSiteSegment(plan: Plan, name: string): { site: string; segment: SiteSegment } | null {
  const dot = name.indexOf('.')
  const [site, segment] = [name.slice(0, dot), name.slice(dot + 1)]
  const known = siteSegments.find((candidate) => candidate === segment)
  return known !== undefined && plan.sites.some((candidate) => candidate.name === site)
    ? { site, segment: known }
    : null
}

/** Any node may announce any address of a pool, alone: that is the case that has to work. */
function serviceDestinations(plan: Plan, segment: string, site: string | undefined): Destination[] {
  const taken = new Set(plan.devices.flatMap((device) => device.vips))
  const announcers = plan.devices.filter(
    (device) => device.role === 'node' && (site === undefined || device.site === site),
  )
  return announcers.flatMap((owner) => {
    const own = plan.sites.find((candidate) => candidate.name === owner.site)?.services ?? []
    const pools: ServicePool[] = site === undefined ? poolsOf(plan, owner) : own
    return pools.flatMap(({ prefix: pool, scope }): Destination[] => {
      const address = sampleAddress(parsePrefix(pool), taken)
      const attributes = announced(plan, owner, address, scope)
      if (attributes === null) return []
      const origins = new Map([[owner.name, attributes]])
      return [{ address, owners: new Set([owner.name]), owner, segment, prefix: pool, origins }]
    })
  })
}

/** What a peer announces, one address of each prefix; of a default route an address that is nobody's. */
function peerDestinations(plan: Plan, peers: readonly Device[]): Destination[] {
  const byPrefix = new Map<string, Device[]>()
  for (const peer of peers) {
    for (const { prefix } of peer.originates) byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), peer])
  }
  return [...byPrefix].map(([prefix, owners]) => ({
    address: prefix.endsWith('/0') ? addressOfNobody(plan, prefix) : hostIn(prefix, 1),
    owners: new Set(owners.map((owner) => owner.name)),
    owner: owners[0]!,
    segment: owners.length > 1 ? 'peers' : owners[0]!.name,
    prefix,
    origins: null,
  }))
}

/** Ranges for documentation (RFC 5737, RFC 3849) and after them some that are as good. */
const elsewhere = ['203.0.113.1/32', '198.51.100.1/32', '1.0.0.1/32', '2001:db8:ffff::1/128', '2600::1/128']

function addressOfNobody(plan: Plan, defaultRoute: string): string {
  const isV6 = defaultRoute.includes(':')
  const used = plan.devices
    .flatMap((device) => device.originates.map(({ prefix }) => prefix))
    .filter((prefix) => prefix.includes(':') === isV6 && !prefix.endsWith('/0'))
    .map(parsePrefix)
  const candidates = elsewhere.filter((address) => address.includes(':') === isV6)
  return (
    candidates.find((address) => !used.some((prefix) => contains(prefix, parsePrefix(address)))) ??
    candidates[0]!
  )
}

function hostIn(prefix: string, index: number): string {
  const outer: Prefix = parsePrefix(prefix)
  const address = addressAt(outer, index)
  return formatPrefix(hostPrefix(contains(outer, address) ? address : addressAt(outer, 0)))
}
