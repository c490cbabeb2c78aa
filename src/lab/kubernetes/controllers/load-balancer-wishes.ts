/**
 * What a Service of type LoadBalancer asks for, and what the pools give it: the part of the load-balancer controllers
 * that does not depend on where Services come from.
 *
 * A Service chooses by `weft.dev/address` (or the older `spec.loadBalancerIP`) and `weft.dev/pool`; it shares an
 * address only when it says so by `weft.dev/shared-address`. Services of another `loadBalancerClass` are left alone.
 */
import { parseAddress } from '../../../net/address.ts'
import { type IpFamily, keyOf, type LoadBalancerIngress, type Service } from '../api-server/objects.ts'
import type { AddressPools, AddressWish } from './address-pools.ts'

const loadBalancerClass = 'weft.dev/bgp'
const addressAnnotation = 'weft.dev/address'
const poolAnnotation = 'weft.dev/pool'
const sharedAnnotation = 'weft.dev/shared-address'

export interface Assignment {
  ingress: LoadBalancerIngress[]
  /** Why there is no address; empty when there is one. */
  refusals: string[]
  /** An address came free that others may wait for. */
  hasReleased: boolean
}

/** Whether the Service is a load balancer that this controller has to serve. */
export function isOurs(service: Service): boolean {
  return (
    service.spec.type === 'LoadBalancer' &&
    isClassOurs(service) &&
    service.metadata.deletionTimestamp === undefined
  )
}

/** Whether the Service's class, or the lack of one, leaves it to this controller. */
export function isClassOurs({ spec }: Service): boolean {
  return !spec.loadBalancerClass || spec.loadBalancerClass === loadBalancerClass
}

/** Addresses that Services show already keep their holders. */
export function adoptAddresses(pools: AddressPools, services: Iterable<Service>): void {
  for (const service of services) {
    if (!isOurs(service)) continue
    for (const { ip } of service.status?.loadBalancer?.ingress ?? []) {
      if (ip !== undefined)
        pools.assign(keyOf(service.metadata), { ...wishOf(service, familyOf(ip)), address: ip })
    }
  }
}

/** Takes addresses from the pools for each family of the Service, or none and says why. */
export function assignAddresses(pools: AddressPools, service: Service): Assignment {
  const key = keyOf(service.metadata)
  const families = service.spec.ipFamilies ?? ['IPv4']
  let hasReleased = false
  for (const family of ['IPv4', 'IPv6'] as const) {
    if (!families.includes(family) && pools.release(key, family)) hasReleased = true
  }
  const ingress: LoadBalancerIngress[] = []
  const refusals: string[] = []
  for (const [index, family] of families.entries()) {
    const outcome = pools.assign(key, wishOf(service, family))
    if ('address' in outcome) ingress.push({ ip: outcome.address, ipMode: 'VIP' })
    // A second family is a wish unless the Service requires it.
    else if (index === 0 || service.spec.ipFamilyPolicy === 'RequireDualStack') refusals.push(outcome.refused)
  }
  if (refusals.length === 0) return { ingress, refusals, hasReleased }
  return { ingress: [], refusals, hasReleased: pools.release(key) || hasReleased }
}

function wishOf({ metadata, spec }: Service, family: IpFamily): AddressWish {
  const annotations = metadata.annotations ?? {}
  const asked = (annotations[addressAnnotation] ?? spec.loadBalancerIP ?? '')
    .split(',')
    .map((part) => part.trim())
  const address = asked.find((each) => each !== '' && familyOf(each) === family)
  const pool = annotations[poolAnnotation]
  const sharingKey = annotations[sharedAnnotation]
  return {
    family,
    ...(address === undefined ? {} : { address }),
    ...(pool === undefined ? {} : { pool }),
    ...(sharingKey === undefined ? {} : { sharingKey }),
    ports: (spec.ports ?? []).map(({ protocol = 'TCP', port }) => `${protocol}/${port}`),
  }
}

/** Text that is no address counts as IPv4, so that the refusal names it. */
function familyOf(text: string): IpFamily {
  return parseAddress(text)?.family === 6 ? 'IPv6' : 'IPv4'
}
