/**
 * Intent and lock in, Plan and lock out: a pure function, and a fixed point of its own lock.
 *
 * The order of work is the order of dependence: devices and cables, then the numbers that the lock holds (site ids,
 * addresses, AS numbers, ports), then policies and sessions, which are functions of those. Problems are collected, not
 * thrown, so that one run reports all of them; there is no plan when one of them is an error, and then the caller must
 * not write the lock either.
 */
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { hasErrors } from '../diagnostics/diagnostic.ts'
import type { BfdProfile, Intent, LinkClass, ServicePoolIntent } from '../intent/model.ts'
import { formatPrefix } from '../net/prefix.ts'
import { addressSite, type DeviceAddresses } from './addressing.ts'
import { numberDevices } from './as-numbers.ts'
import { cable } from './cabling.ts'
import { computeCapacity } from './capacity.ts'
import { listCommunities } from './communities.ts'
import { Allocator, type Lock } from './lock.ts'
import type { Device, Plan, PlannedCluster, PlannedSite, ServicePool } from './model.ts'
import { originate } from './originations.ts'
import { type DeviceSettings, resolveOverrides } from './overrides.ts'
import { externalPolicies, policiesOf } from './policies.ts'
import { Problems } from './problems.ts'
import { computeScale } from './scale.ts'
import { planSessions } from './sessions.ts'
import { layOut, type Skeleton, type Topology } from './topology.ts'
import { warnOfFullRoutes, warnOfNarrowPaths } from './warnings.ts'

export interface Planned {
  /** Null when some diagnostic is an error. */
  plan: Plan | null
  /** The lock with everything handed out in this run; to be written only when there is a plan. */
  lock: Lock
  diagnostics: Diagnostic[]
}

/** With more routes than this in a site, `nodeRoutes: auto` gives nodes a default route instead of every route. */
const fullTableLimit = 2_000

/**
 * Plans the fabric. Pass {@link emptyLock} the first time.
 *
 * @param options.prune frees the numbers of elements that are no longer in the intent
 */
export function planFabric(intent: Intent, lock: Lock, options: { prune?: boolean } = {}): Planned {
  const problems = new Problems()
  const allocator = new Allocator(lock)
  const topology = layOut(intent, problems)
  const overrides = resolveOverrides(intent, topology.devices, problems)
  const siteIds = new Map(
    intent.sites.map((site) => [site.name, allocator.take('sites', site.name, 1, 0xffff) ?? 0]),
  )
  const addresses = addressDevices(intent, topology, overrides, allocator, problems)
  const asNumbers = numberDevices(intent, topology.devices, siteIds, overrides, allocator, problems)
  const cabling = cable(topology.cables, allocator, problems)
  const devices = topology.devices.map((skeleton): Device => {
    const settings = overrides.get(skeleton.name)
    const numbers = addresses.get(skeleton.name)
    const site = intent.sites.find((candidate) => candidate.name === skeleton.site) ?? null
    const interfaces = cabling.interfaces.get(skeleton.name) ?? []
    return {
      name: skeleton.name,
      hostname: settings?.hostname ?? skeleton.name,
      role: skeleton.role,
      site: skeleton.site,
      pod: skeleton.pod === '' ? null : skeleton.pod,
      rack: skeleton.rack,
      plane: skeleton.plane,
      tier: skeleton.tier,
      position: numbers?.index ?? 0,
      asn: asNumbers.get(skeleton.name)!,
      routerId:
        numbers?.routerId ?? externalRouterId(interfaces[0]?.addresses[0], asNumbers.get(skeleton.name)!),
      loopbacks: numbers?.loopbacks ?? [],
      podCidrs: numbers?.podCidrs ?? [],
      attachment: skeleton.attachment,
      interfaces,
      ...originate(intent, skeleton, site, numbers ?? { loopbacks: [], podCidrs: [] }, settings, problems),
      maximumPaths: settings?.maximumPaths ?? intent.bgp.maximumPaths,
      hashSeed: hashSeedOf(skeleton.name),
      path: skeleton.path,
    }
  })
  const fullRoutesToNodes = decideNodeRoutes(intent, devices)
  warnOfFullRoutes(intent, fullRoutesToNodes, problems)
  warnOfNarrowPaths(devices, overrides, problems)
  if (options.prune) allocator.prune()
  const nextLock = allocator.lock()
  if (hasErrors(problems.diagnostics))
    return { plan: null, lock: nextLock, diagnostics: problems.diagnostics }

  const bfdProfiles: Record<string, BfdProfile> = {}
  const sessions = planSessions({
    intent,
    devices: new Map(devices.map((device) => [device.name, device])),
    links: cabling.links,
    fullRoutesToNodes,
    overrides,
    bfdProfile: (linkClass, settings) => registerBfd(intent, linkClass, settings, bfdProfiles),
  })
  const perSite = intent.sites.map((site) => policiesOf(intent, site))
  const plan: Plan = {
    name: intent.name,
    frr: intent.frr,
    ecmpHash: intent.ecmp.hash,
    fastLocalRepair: intent.ecmp.fastLocalRepair,
    sites: intent.sites.map(
      (site): PlannedSite => ({
        name: site.name,
        id: siteIds.get(site.name)!,
        switches: prefixTexts(site.addresses.switches),
        nodes: prefixTexts(site.addresses.nodes),
        pods: prefixTexts(site.addresses.pods),
        services: pools(site.addresses.services),
      }),
    ),
    devices,
    links: cabling.links,
    sessions,
    policies: Object.assign(
      {},
      ...perSite.map((entry) => entry.policies),
      intent.peers.length > 0 ? externalPolicies : {},
    ),
    prefixSets: Object.assign({}, ...perSite.map((entry) => entry.prefixSets)),
    communities: listCommunities(intent.bgp.asn.first, siteIds),
    bfdProfiles,
    clusters: planClusters(intent, devices),
    globalServices: intent.globalServices === null ? [] : pools(intent.globalServices),
    capacity: computeCapacity(intent, devices),
    scale: computeScale(intent, devices, sessions, fullRoutesToNodes),
    expect: intent.expect,
  }
  return { plan, lock: nextLock, diagnostics: problems.diagnostics }
}

function addressDevices(
  intent: Intent,
  topology: Topology,
  overrides: ReadonlyMap<string, DeviceSettings>,
  allocator: Allocator,
  problems: Problems,
): Map<string, DeviceAddresses> {
  const bySite = Map.groupBy(topology.devices, (device: Skeleton) => device.site)
  const addresses = new Map<string, DeviceAddresses>()
  for (const site of intent.sites) {
    for (const [name, entry] of addressSite(
      site,
      bySite.get(site.name) ?? [],
      overrides,
      allocator,
      problems,
    )) {
      addresses.set(name, entry)
    }
  }
  return addresses
}

/** A stand-in beyond the edge has no loopback: it is known by its link address, or failing that by its AS number. */
function externalRouterId(linkAddress: string | undefined, asn: number): string {
  const v4 = linkAddress !== undefined && !linkAddress.includes(':') ? linkAddress.split('/')[0] : undefined
  return v4 ?? [24, 16, 8, 0].map((shift) => (asn >>> shift) & 255).join('.')
}

/** FNV-1a; never 0, which would mean the kernel's own random seed. */
function hashSeedOf(name: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0 || 1
}

function decideNodeRoutes(intent: Intent, devices: readonly Device[]): Map<string, boolean> {
  return new Map(
    intent.sites.map((site) => {
      const members = devices.filter((device) => device.site === site.name)
      const nodes = members.filter((device) => device.role === 'node')
      // A leaf of an ibgp rack cannot reach past its twin, and a rack without spines has no default: both need routes.
      const needsRoutes = site.fabric.spines === 0 || nodes.some((node) => node.attachment === 'ibgp')
      const isSmall = members.length + nodes.length <= fullTableLimit
      const { nodeRoutes } = intent.bgp
      return [site.name, needsRoutes || nodeRoutes === 'full' || (nodeRoutes === 'auto' && isSmall)]
    }),
  )
}

function registerBfd(
  intent: Intent,
  linkClass: LinkClass,
  settings: readonly DeviceSettings[],
  profiles: Record<string, BfdProfile>,
): string | null {
  const override = settings.find((entry) => entry.bfd !== undefined)?.bfd
  const profile = override === undefined ? intent.bfd[linkClass] : override
  if (profile === null) return null
  const name =
    override === undefined
      ? linkClass
      : `${profile.transmitMilliseconds}x${profile.multiplier}-${profile.receiveMilliseconds}`
  profiles[name] = profile
  return name
}

function planClusters(intent: Intent, devices: readonly Device[]): PlannedCluster[] {
  return intent.clusters.map((cluster) => {
    const nodes = devices.filter((device) => device.role === 'node' && device.site === cluster.site)
    const first = nodes.find((node) => node.name === cluster.controlPlane[0])
    return {
      name: cluster.name,
      site: cluster.site,
      nodes: nodes.map((node) => node.name),
      controlPlane: cluster.controlPlane,
      apiUrl: `http://${first?.routerId}:${cluster.apiPort}`,
    }
  })
}

function prefixTexts(segment: {
  v4: Parameters<typeof formatPrefix>[0]
  v6: Parameters<typeof formatPrefix>[0] | null
}) {
  return segment.v6 === null
    ? [formatPrefix(segment.v4)]
    : [formatPrefix(segment.v4), formatPrefix(segment.v6)]
}

function pools(pool: ServicePoolIntent): ServicePool[] {
  return prefixTexts(pool).map((prefix) => ({ prefix, scope: pool.scope }))
}
