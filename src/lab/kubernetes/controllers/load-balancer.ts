/**
 * Gives Services of type LoadBalancer their addresses from named pools, and writes them to `status.loadBalancer`.
 *
 * When no address is to be had, an Event says why, and the Service is tried again whenever an address comes free.
 */
import { isSameJson, keyOf, type LoadBalancerIngress, type Service } from '../api-server/objects.ts'
import type { Registry } from '../api-server/registry.ts'
import type { Log } from '../log.ts'
import { createAddressPools, type PoolConfig } from './address-pools.ts'
import { type Controller, ownKey, startController } from './controller.ts'
import { recordEvent } from './event-recorder.ts'
import { adoptAddresses, assignAddresses, isClassOurs, isOurs } from './load-balancer-wishes.ts'

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
  adoptAddresses(pools, store.list('services') as unknown as Service[])

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
    const { ingress, refusals, hasReleased } = assignAddresses(pools, service)
    if (hasReleased) wakeWaiting()
    if (refusals.length > 0) {
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
