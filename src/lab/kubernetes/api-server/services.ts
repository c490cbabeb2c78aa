/**
 * Rules of Services, composed: defaults, validation, and cluster addresses and node ports.
 */
import type { AnyObject, Service } from './objects.ts'
import type { Strategy } from './resource-type.ts'
import { createServiceAddresses, type ServiceRanges } from './service-addresses.ts'
import { applyDefaults, chooseFamilies, keepAllocations } from './service-defaults.ts'
import { checkService } from './service-validation.ts'

/** The strategy of Services over the given ranges. */
export function createServiceStrategy(ranges: ServiceRanges): Strategy {
  const addresses = createServiceAddresses(ranges)

  function complete(service: Service, previous: Service | undefined): void {
    applyDefaults(service.spec)
    if (previous !== undefined) keepAllocations(service.spec, previous.spec)
    chooseFamilies(service.spec, addresses.families)
  }

  return {
    prepareCreate(object) {
      const service = asService(object)
      complete(service, undefined)
      service.status = { loadBalancer: {} }
    },
    prepareUpdate(object, previous) {
      const service = asService(object)
      complete(service, asService(previous))
      // What it showed as a load balancer is somebody else's from now on.
      if (service.spec.type !== 'LoadBalancer') service.status = { loadBalancer: {} }
    },
    validate: (object, previous) =>
      checkService(asService(object).spec, previous === undefined ? undefined : asService(previous).spec),
    allocate: (object) => addresses.allocate(asService(object)),
    afterWrite(object, previous) {
      if (previous !== undefined) addresses.release(asService(previous), asService(object))
    },
    afterRemove: (object) => addresses.release(asService(object), undefined),
  }
}

function asService(object: AnyObject): Service {
  const service = object as unknown as Service
  service.spec ??= {}
  return service
}
