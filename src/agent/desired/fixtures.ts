import type { EndpointSliceView, EndpointView, NodeView, ServiceView } from '../../kube/views.ts'
import { type AgentConfig, parseAgentConfig } from '../config.ts'
import type { Verdict } from './decision.ts'
import { desiredRoutes } from './desired-routes.ts'

/** A configuration with one IPv4 and one IPv6 pool, as tests need it. */
export function makeConfig(fields: Record<string, unknown> = {}): AgentConfig {
  const result = parseAgentConfig(
    JSON.stringify({
      node: 'n1',
      api: { url: 'http://127.0.0.1:1' },
      pools: [
        { name: 'web', cidr: '10.9.0.0/16', scope: 'site' },
        { name: 'web6', cidr: 'fd09::/64', scope: 'edge' },
      ],
      loopbacks: ['10.9.255.1/32'],
      staticVips: ['10.9.255.2'],
      podCidrs: ['10.1.0.0/24'],
      ...fields,
    }),
  )
  if ('problems' in result) throw new TypeError(JSON.stringify(result.problems))
  return result.config
}

/** A LoadBalancer Service `shop/web` with the address 10.9.0.1. */
export function makeService(fields: Partial<ServiceView> = {}): ServiceView {
  return {
    key: 'shop/web',
    namespace: 'shop',
    name: 'web',
    type: 'LoadBalancer',
    clusterIPs: ['10.96.0.1'],
    externalIPs: [],
    ingressIPs: ['10.9.0.1'],
    externalTrafficPolicy: 'Cluster',
    internalTrafficPolicy: 'Cluster',
    ports: [{ protocol: 'TCP', port: 80 }],
    labels: {},
    annotations: {},
    isDeleting: false,
    ...fields,
  }
}

/** An endpoint on n1 that is ready. */
export function makeEndpoint(fields: Partial<EndpointView> = {}): EndpointView {
  const isReady = fields.isReady ?? true
  return {
    addresses: ['10.1.0.5'],
    isReady,
    isServing: isReady,
    isTerminating: false,
    nodeName: 'n1',
    ...fields,
  }
}

/** A slice of `shop/web`. */
export function makeSlice(
  endpoints: EndpointView[],
  fields: Partial<EndpointSliceView> = {},
): EndpointSliceView {
  return {
    key: 'shop/web-1',
    namespace: 'shop',
    name: 'web-1',
    service: 'web',
    addressType: 'IPv4',
    endpoints,
    ...fields,
  }
}

/** Node n1, ready. */
export function makeNode(fields: Partial<NodeView> = {}): NodeView {
  return {
    name: 'n1',
    labels: {},
    annotations: {},
    podCIDRs: [],
    addresses: [],
    isReady: true,
    isNotReady: false,
    isNetworkUnavailable: false,
    isUnschedulable: false,
    taints: [],
    ...fields,
  }
}

/** What a row of the state machine starts from; what is not given is a Service that is announced. */
interface Case {
  services?: ServiceView[]
  slices?: EndpointSliceView[]
  config?: AgentConfig
  node?: NodeView | undefined
}

/** The verdict about an address. */
export function judge(given: Case, address = '10.9.0.1'): Verdict | undefined {
  const { services = [makeService()], slices = [makeSlice([makeEndpoint()])], config = makeConfig() } = given
  const node = 'node' in given ? given.node : makeNode()
  return desiredRoutes({ services, slices, config, node }).get(address)
}

/** `announced`, or the first failing reason. */
export function decide(given: Case, address?: string): string | undefined {
  const decision = judge(given, address)?.decision
  return decision?.kind === 'withheld' ? decision.code : decision && 'announced'
}
