/**
 * Cluster addresses and node ports of Services.
 *
 * What a Service holds is written in its spec and held here under its namespace/name. Allocation completes the spec
 * of a Service about to be stored and can be undone, so that a refused or dry-run request holds nothing. What a
 * Service stops using is given back once the change is stored.
 */
import { formatAddress, parseAddress } from '../../../net/address.ts'
import { type Prefix, parsePrefix } from '../../../net/prefix.ts'
import { type AddressAllocator, createAddressAllocator } from './address-allocator.ts'
import { ApiError, type FieldError, invalidField } from './api-error.ts'
import { type IpFamily, keyOf, type Service, type ServiceSpec } from './objects.ts'
import { createPortAllocator, type PortAllocator } from './port-allocator.ts'
import type { Allocation } from './resource-type.ts'
import { hasNodePorts, needsHealthCheckPort, portsHeld } from './service-defaults.ts'

export interface ServiceRanges {
  /** One range, or one of each family; the first one is the default family. */
  serviceCidrs: readonly string[]
  nodePortRange?: { first: number; last: number }
}

export interface ServiceAddresses {
  readonly families: readonly IpFamily[]
  allocate(service: Service): Allocation
  /** Gives back what `gone` held, except what `kept`, the same Service now, still holds. */
  release(gone: Service, kept: Service | undefined): void
}

/** The addresses and ports of all Services of one cluster. */
export function createServiceAddresses(ranges: ServiceRanges): ServiceAddresses {
  const prefixes = ranges.serviceCidrs.map((text) => parsePrefix(text))
  const clusterIps = new Map(
    prefixes.map((prefix) => [familyOf(prefix), createAddressAllocator([prefix], { skipEnds: true })]),
  )
  const nodePorts = createPortAllocator(ranges.nodePortRange ?? { first: 30000, last: 32767 })

  return {
    families: prefixes.map(familyOf),

    allocate(service) {
      const holder = keyOf(service.metadata)
      const taken: (() => void)[] = []
      const undo = () => {
        for (const giveBack of taken) giveBack()
      }
      try {
        const errors = [
          ...allocateClusterIps(service.spec, clusterIps, holder, taken),
          ...allocateNodePorts(service.spec, nodePorts, holder, taken),
        ]
        return { errors, undo }
      } catch (error) {
        undo()
        throw error
      }
    },

    release(gone, kept) {
      const holder = keyOf(gone.metadata)
      const keptIps = new Set(kept?.spec.clusterIPs ?? [])
      for (const ip of gone.spec.clusterIPs ?? []) {
        if (!keptIps.has(ip)) for (const allocator of clusterIps.values()) allocator.release(ip, holder)
      }
      const keptPorts = new Set(kept === undefined ? [] : portsHeld(kept.spec))
      for (const port of portsHeld(gone.spec)) if (!keptPorts.has(port)) nodePorts.release(port, holder)
    },
  }
}

function familyOf(prefix: Prefix): IpFamily {
  return prefix.family === 4 ? 'IPv4' : 'IPv6'
}

function allocateClusterIps(
  spec: ServiceSpec,
  allocators: ReadonlyMap<IpFamily, AddressAllocator>,
  holder: string,
  taken: (() => void)[],
): FieldError[] {
  if (spec.type === 'ExternalName') {
    delete spec.clusterIP
    delete spec.clusterIPs
    return []
  }
  if (spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None') {
    spec.clusterIP = 'None'
    spec.clusterIPs = ['None']
    return []
  }
  const errors: FieldError[] = []
  const asked = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])
  const given: string[] = []
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    const at = `spec.clusterIPs[${index}]`
    const allocator = allocators.get(family)
    const wanted = asked[index]
    if (allocator === undefined) {
      errors.push(invalidField(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'))
    } else if (wanted) {
      const isHeld = allocator.holderOf(wanted) === holder
      const outcome = allocator.claim(wanted, holder)
      if (outcome === 'outside') {
        errors.push(invalidField(at, wanted, `failed to allocate IP ${wanted}: not in the service range`))
      } else if (outcome === 'held-by-another') {
        errors.push(
          invalidField(at, wanted, `failed to allocate IP ${wanted}: provided IP is already allocated`),
        )
      } else {
        given.push(formatAddress(parseAddress(wanted)!))
        if (!isHeld) taken.push(() => allocator.release(wanted, holder))
      }
    } else {
      const address = allocator.take(holder)
      if (address === undefined)
        throw exhausted(`no free ${family} cluster address is left in the service range`)
      given.push(address)
      taken.push(() => allocator.release(address, holder))
    }
  }
  if (errors.length === 0 && given[0] !== undefined) {
    spec.clusterIP = given[0]
    spec.clusterIPs = given
  }
  return errors
}

function allocateNodePorts(
  spec: ServiceSpec,
  allocator: PortAllocator,
  holder: string,
  taken: (() => void)[],
): FieldError[] {
  if (!hasNodePorts(spec)) return []
  const errors: FieldError[] = []
  const isAutomatic = spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false
  for (const [index, port] of (spec.ports ?? []).entries()) {
    if (port.nodePort) {
      errors.push(...claimPort(allocator, port.nodePort, `spec.ports[${index}].nodePort`, holder, taken))
    } else if (isAutomatic) {
      port.nodePort = takePort(allocator, holder, taken)
    }
  }
  if (needsHealthCheckPort(spec)) {
    const wanted = spec.healthCheckNodePort
    if (wanted) errors.push(...claimPort(allocator, wanted, 'spec.healthCheckNodePort', holder, taken))
    else spec.healthCheckNodePort = takePort(allocator, holder, taken)
  }
  return errors
}

function claimPort(
  allocator: PortAllocator,
  port: number,
  field: string,
  holder: string,
  taken: (() => void)[],
): FieldError[] {
  const isHeld = allocator.holderOf(port) === holder
  const outcome = allocator.claim(port, holder)
  if (outcome === 'outside') return [invalidField(field, port, 'provided port is not in the valid range')]
  if (outcome === 'held-by-another') return [invalidField(field, port, 'provided port is already allocated')]
  if (!isHeld) taken.push(() => allocator.release(port, holder))
  return []
}

function takePort(allocator: PortAllocator, holder: string, taken: (() => void)[]): number {
  const port = allocator.take(holder)
  if (port === undefined) throw exhausted('no free node port is left')
  taken.push(() => allocator.release(port, holder))
  return port
}

function exhausted(what: string): ApiError {
  return new ApiError(500, 'InternalError', `${what}; delete Services that are not needed or widen the range`)
}
