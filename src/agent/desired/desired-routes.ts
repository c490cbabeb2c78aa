import type { EndpointSliceView, NodeView, ServiceView } from '../../kube/views.ts'
import type { AgentConfig } from '../config.ts'
import { type Claim, claimsOf } from './claims.ts'
import { decideAddress } from './decide.ts'
import type { Verdict } from './decision.ts'
import { readSliceFacts } from './endpoints.ts'

export interface DesiredInput {
  services: Iterable<ServiceView>
  slices: Iterable<EndpointSliceView>
  node?: NodeView | undefined
  config: AgentConfig
}

/** Decides about every address any Service asks for, from nothing but the objects. */
export function desiredRoutes({ services, slices, node, config }: DesiredInput): Map<string, Verdict> {
  const slicesByService = Map.groupBy(slices, (slice) => `${slice.namespace}/${slice.service ?? ''}`)
  const claims = new Map<string, Claim[]>()
  for (const service of services) {
    for (const claim of claimsOf(service)) {
      const others = claims.get(claim.address)
      if (others === undefined) claims.set(claim.address, [claim])
      else others.push(claim)
    }
  }
  const context = {
    config,
    node,
    slicesOf: (service: string) =>
      (slicesByService.get(service) ?? []).map((slice) => readSliceFacts(slice, config)),
  }
  return new Map([...claims].map(([address, list]) => [address, decideAddress(list, context)]))
}
