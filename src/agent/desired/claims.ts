import type { ServiceView } from '../../kube/views.ts'
import { type Address, formatAddress, parseAddress } from '../../net/address.ts'
import type { ClaimSource } from './decision.ts'

/** One Service asking for one address. */
export interface Claim {
  /** Canonical text; as it was written when it is no address. */
  address: string
  parsed: Address | null
  source: ClaimSource
  service: ServiceView
}

/** Every address a Service asks for, allowed or not. */
export function claimsOf(service: ServiceView): Claim[] {
  const claims = (source: ClaimSource, addresses: readonly string[]) =>
    addresses.map((text): Claim => {
      const parsed = parseAddress(text)
      return { address: parsed === null ? text : formatAddress(parsed), parsed, source, service }
    })
  return [
    ...claims('load-balancer', service.ingressIPs),
    ...claims('external-ip', service.externalIPs),
    ...claims('cluster-ip', service.clusterIPs),
  ]
}

/** The field of the Service that makes the claim, for messages. */
export function fieldOf(source: ClaimSource): string {
  if (source === 'load-balancer') return 'status.loadBalancer.ingress'
  return source === 'external-ip' ? 'spec.externalIPs' : 'spec.clusterIPs'
}
