/** What each device brings into BGP by itself. */
import type { Intent, Segment, SiteIntent } from '../intent/model.ts'
import { contains, formatPrefix, hostPrefix } from '../net/prefix.ts'
import { scopes } from './communities.ts'
import type { Origination } from './model.ts'
import type { DeviceSettings } from './overrides.ts'
import { policies, vipPolicy } from './policies.ts'
import type { Problems } from './problems.ts'
import type { Skeleton } from './topology.ts'

/** Originations of a device, and the host prefixes of its configured service addresses. */
export function originate(
  intent: Intent,
  device: Skeleton,
  site: SiteIntent | null,
  addresses: { loopbacks: string[]; podCidrs: string[] },
  settings: DeviceSettings | undefined,
  problems: Problems,
): { originates: Origination[]; vips: string[]; extraPolicies: string[] } {
  if (site === null) {
    const peer = intent.peers.find((candidate) => candidate.name === device.name)!
    const originates = peer.receive.map((prefix) => network(formatPrefix(prefix), null))
    return { originates, vips: [], extraPolicies: [] }
  }
  if (device.role === 'node') {
    const vips = (settings?.vips ?? []).map((address) => {
      const pools = [
        site.addresses.services,
        ...(intent.globalServices === null ? [] : [intent.globalServices]),
      ]
      const prefix = hostPrefix(address)
      if (!pools.some((pool) => segmentHolds(pool, prefix))) {
        problems.add({
          code: 'WEFT_PLAN_VIP_OUTSIDE',
          message: `${device.name} is to announce ${formatPrefix(prefix)}, which no leaf would accept`,
          path: `${settings!.path}.set.vips`,
          found: formatPrefix(prefix),
          expected: `an address in ${pools.map((pool) => formatPrefix(pool.v4)).join(' or ')}`,
        })
      }
      return formatPrefix(prefix)
    })
    return {
      originates: [
        ...[...addresses.loopbacks, ...vips].map((prefix) => network(prefix, null)),
        ...addresses.podCidrs.map((prefix): Origination => ({ prefix, via: 'kernel', policy: null })),
      ],
      vips,
      extraPolicies: scopes.map((scope) => `${site.name}.${vipPolicy(scope)}`),
    }
  }
  const originates = addresses.loopbacks.map((prefix) =>
    network(prefix, `${site.name}.${policies.switchOrigin}`),
  )
  if (device.role === 'border-leaf') {
    // One prefix for many, made where it cannot hide a failure inside the fabric: border leaves see every spine.
    originates.push(...aggregate(site, site.addresses.nodes, policies.nodeAggregate))
    originates.push(...aggregate(site, site.addresses.pods, policies.podAggregate))
  }
  const wantsPools = intent.peers.some(
    (peer) => peer.site === site.name && peer.send.includes('service-pools'),
  )
  if (device.role === 'edge-router' && wantsPools) {
    for (const pool of [site.addresses.services, intent.globalServices]) {
      if (pool !== null) originates.push(...aggregate(site, pool, policies.serviceAggregate))
    }
  }
  return { originates, vips: [], extraPolicies: [] }
}

function network(prefix: string, policy: string | null): Origination {
  return { prefix, via: 'network', policy }
}

function aggregate(site: SiteIntent, segment: Segment, policy: string): Origination[] {
  return [segment.v4, segment.v6].flatMap((prefix): Origination[] =>
    prefix === null
      ? []
      : [{ prefix: formatPrefix(prefix), via: 'aggregate', policy: `${site.name}.${policy}` }],
  )
}

function segmentHolds(segment: Segment, prefix: ReturnType<typeof hostPrefix>): boolean {
  return [segment.v4, segment.v6].some((pool) => pool !== null && contains(pool, prefix))
}
