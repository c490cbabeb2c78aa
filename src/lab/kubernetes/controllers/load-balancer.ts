/**
 * Gives Services of type LoadBalancer their addresses from named pools, and writes them to `status.loadBalancer`.
 *
 * A Service chooses by `weft.dev/address` (or the older `spec.loadBalancerIP`) and `weft.dev/pool`; it shares an
 * address only when it says so by `weft.dev/shared-address`. Services of another `loadBalancerClass` are left alone.
 * When no address is to be had, an Event says why, and the Service is tried again whenever an address comes free.
 */
import { parseAddress } from '../../../net/address.ts'
import {
  type IpFamily,
  isSameJson,
  keyOf,
  type LoadBalancerIngress,
  type Service,
} from '../api-server/objects.ts'
import type { Registry } from '../api-server/registry.ts'
import type { Log } from '../log.ts'
import { type AddressWish, createAddressPools, type PoolConfig } from './address-pools.ts'
import { type Controller, ownKey, startController } from './controller.ts'
import { recordEvent } from './event-recorder.ts'

const loadBalancerClass = 'weft.dev/bgp'
const addressAnnotation = 'weft.dev/address'
const poolAnnotation = 'weft.dev/pool'
const sharedAnnotation = 'weft.dev/shared-address'
const component = 'weft-load-balancer'

/** Keeps the addresses of all load balancers. */
export function startLoadBalancer(
  registry: Registry,
  log: Log,
  configs: readonly PoolConfig[],
  now: () => number = Date.now,
): Controller {
  const { store } = registry
  const pools = createAddressPools(configs)
  const waiting = new Set<string>()
  adoptAddresses()

  /** Addresses handed out before this controller started keep their holders. */
  function adoptAddresses(): void {
    for (const service of store.list('services') as unknown as Service[]) {
      if (!isOurs(service)) continue
      for (const { ip } of service.status?.loadBalancer?.ingress ?? []) {
        if (ip !== undefined)
          pools.assign(keyOf(service.metadata), { ...wishOf(service, familyOf(ip)), address: ip })
      }
    }
  }

  function reconcile(key: string): void {
    const service = store.get('services', key) as Service | undefined
    if (service === undefined || !isOurs(service)) {
      waiting.delete(key)
      if (pools.release(key)) {
        wakeWaiting()
        // Not a load balancer any more: the address it showed is somebody else's now.
        if (service !== undefined && isClassOurs(service)) writeIngress(service, [])
      }
      return
    }
    const families = service.spec.ipFamilies ?? ['IPv4']
    for (const family of ['IPv4', 'IPv6'] as const) {
      if (!families.includes(family) && pools.release(key, family)) wakeWaiting()
    }
    const ingress: LoadBalancerIngress[] = []
    const refusals: string[] = []
    for (const [index, family] of families.entries()) {
      const outcome = pools.assign(key, wishOf(service, family))
      if ('address' in outcome) ingress.push({ ip: outcome.address, ipMode: 'VIP' })
      // A second family is a wish unless the Service requires it.
      else if (index === 0 || service.spec.ipFamilyPolicy === 'RequireDualStack')
        refusals.push(outcome.refused)
    }
    if (refusals.length > 0) {
      if (pools.release(key)) wakeWaiting()
      waiting.add(key)
      refuse(service, refusals.join('; '))
      return
    }
    waiting.delete(key)
    if (writeIngress(service, ingress)) {
      const addresses = ingress.map(({ ip }) => ip).join(', ')
      log.info({ service: key, addresses }, 'load balancer address assigned')
      recordEvent(
        registry,
        component,
        service,
        { type: 'Normal', reason: 'AddressAssigned', message: `Assigned ${addresses}` },
        now(),
      )
    }
  }

  function refuse(service: Service, why: string): void {
    const isChanged = writeIngress(service, [])
    const said = store
      .list('events', service.metadata.namespace)
      .some(
        (event) =>
          event.message === why && (event.involvedObject as { uid?: string }).uid === service.metadata.uid,
      )
    if (said && !isChanged) return
    log.warn({ service: keyOf(service.metadata), why }, 'no load balancer address')
    recordEvent(
      registry,
      component,
      service,
      { type: 'Warning', reason: 'AddressNotAssigned', message: why },
      now(),
    )
  }

  function writeIngress(service: Service, ingress: LoadBalancerIngress[]): boolean {
    if (isSameJson(service.status?.loadBalancer?.ingress ?? [], ingress)) return false
    registry.update(
      registry.types.stored('services'),
      service.metadata,
      (current) => ({ ...current, status: { loadBalancer: ingress.length === 0 ? {} : { ingress } } }),
      { subresource: 'status' },
    )
    return true
  }

  function wakeWaiting(): void {
    for (const key of waiting) controller.enqueue(key)
  }

  const controller = startController({
    name: 'load-balancer',
    registry,
    log,
    triggers: { services: ownKey },
    initialKeys: () => store.list('services').map(({ metadata }) => keyOf(metadata)),
    reconcile,
  })
  return controller
}

function isOurs(service: Service): boolean {
  return (
    service.spec.type === 'LoadBalancer' &&
    isClassOurs(service) &&
    service.metadata.deletionTimestamp === undefined
  )
}

function isClassOurs({ spec }: Service): boolean {
  return !spec.loadBalancerClass || spec.loadBalancerClass === loadBalancerClass
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
