import type { EndpointSliceView, EndpointView, NodeView } from '../../kube/views.ts'
import { type Address, formatAddress } from '../../net/address.ts'
import { contains } from '../../net/prefix.ts'
import { type AgentConfig, isReserved, type Pool } from '../config.ts'
import { type Claim, fieldOf } from './claims.ts'
import { type Decision, type ReasonCode, reasonCodes } from './decision.ts'

/*
 * May this address be announced from this node? One pure function of the claims on it, their endpoints, the node and
 * the configuration.
 *
 * An address may be claimed by several Services (on different ports) and is announced as long as one claim holds.
 * When none does, the claim that got furthest is the one worth explaining.
 *
 * Endpoints follow kube-proxy: a ready endpoint counts (no `ready` condition means ready), and when there is none, one
 * that terminates but still serves. Local traffic policies look at this node's endpoints only: a packet that arrives
 * here would be dropped otherwise. externalTrafficPolicy rules addresses from outside, internalTrafficPolicy ClusterIPs.
 */

export interface DecisionContext {
  config: AgentConfig
  /** This node's own object; undefined until it has registered. */
  node?: NodeView | undefined
  /** The slices of one Service, by its `namespace/name`. */
  slicesOf: (service: string) => Iterable<EndpointSliceView>
}

interface Refusal {
  code: ReasonCode
  text: string
  object: string
}

/** Set to `false` on a Service to keep its addresses from being announced. */
const announceAnnotation = 'weft.dev/announce'

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers'

/** Decides about one address from all claims on it; there must be at least one. */
export function decideAddress(claims: readonly Claim[], context: DecisionContext): Decision {
  const sorted = claims.toSorted((a, b) => (a.service.key < b.service.key ? -1 : 1))
  const services = [...new Set(sorted.map((claim) => claim.service.key))]
  const [first] = sorted
  if (first === undefined) throw new TypeError('decideAddress: no claims')
  const { address, parsed } = first
  const refusals = sorted.map((claim) => refuse(claim, context))
  if (refusals.includes(undefined) && parsed !== null) {
    const pool = findPool(context.config, parsed) as Pool
    const isIpv4 = parsed.family === 4
    return {
      kind: 'announce',
      address,
      prefix: `${address}/${isIpv4 ? 32 : 128}`,
      family: isIpv4 ? 'ipv4' : 'ipv6',
      pool: pool.name,
      scope: pool.scope,
      services,
    }
  }
  const furthest = refusals
    .filter((refusal) => refusal !== undefined)
    .reduce((a, b) => (reasonCodes.indexOf(b.code) > reasonCodes.indexOf(a.code) ? b : a))
  return { kind: 'withheld', address, ...furthest, services }
}

/** The pool an address lies in; the longest prefix wins when pools are nested. */
export function findPool(config: AgentConfig, address: Address): Pool | undefined {
  return config.pools
    .filter((pool) => contains(pool.prefix, address))
    .reduce<Pool | undefined>(
      (best, pool) => (best && best.prefix.length >= pool.prefix.length ? best : pool),
      undefined,
    )
}

function refuse(claim: Claim, context: DecisionContext): Refusal | undefined {
  return (
    refuseAddress(claim, context.config) ?? refuseClaim(claim, context) ?? refuseEndpoints(claim, context)
  )
}

function refuseAddress(
  { address, parsed, source, service }: Claim,
  config: AgentConfig,
): Refusal | undefined {
  const object = `Service ${service.key} ${fieldOf(source)}`
  if (parsed === null) return { code: 'address-invalid', text: `"${address}" is not an address`, object }
  if (isReserved(config, parsed)) {
    return {
      code: 'address-reserved',
      text: `${formatAddress(parsed)} belongs to the node or its configuration`,
      object,
    }
  }
  if (findPool(config, parsed) === undefined) {
    const pools = config.pools.map((pool) => pool.name).join(', ') || 'none'
    return {
      code: 'outside-pools',
      text: `${address} lies in no pool of this site (pools: ${pools})`,
      object,
    }
  }
  return undefined
}

function refuseClaim({ source, service }: Claim, { config, node }: DecisionContext): Refusal | undefined {
  const object = `Service ${service.key}`
  if (service.type === 'ExternalName') {
    return { code: 'external-name', text: 'an ExternalName Service has no address of its own', object }
  }
  if (service.clusterIPs.length === 0) {
    return { code: 'headless', text: 'no node forwards traffic for a headless Service', object }
  }
  if (source === 'external-ip' && !config.allowExternalIPs) {
    return {
      code: 'external-ips-not-allowed',
      text: 'spec.externalIPs are not allowed here',
      object: `${object} spec.externalIPs`,
    }
  }
  if (source === 'cluster-ip' && !config.announceClusterIPs) {
    return {
      code: 'cluster-ips-not-announced',
      text: 'ClusterIPs are not announced by this configuration',
      object,
    }
  }
  if (source === 'load-balancer' && service.type !== 'LoadBalancer') {
    return {
      code: 'not-a-load-balancer',
      text: `the Service is of type ${service.type}`,
      object: `${object} spec.type`,
    }
  }
  if (service.annotations[announceAnnotation] === 'false') {
    return {
      code: 'opted-out',
      text: 'the Service asks not to be announced',
      object: `${object} ${announceAnnotation}`,
    }
  }
  if (node?.isNetworkUnavailable) {
    return {
      code: 'node-network-unavailable',
      text: 'the node’s network is not ready',
      object: `Node ${node.name} NetworkUnavailable`,
    }
  }
  if (source !== 'cluster-ip' && node?.labels[excludeLabel] !== undefined) {
    return {
      code: 'node-excluded',
      text: 'the node is excluded from external load balancers',
      object: `Node ${node.name} ${excludeLabel}`,
    }
  }
  return undefined
}

function refuseEndpoints(claim: Claim, context: DecisionContext): Refusal | undefined {
  const { service, source } = claim
  const addressType = claim.parsed?.family === 6 ? 'IPv6' : 'IPv4'
  const all: EndpointView[] = []
  for (const slice of context.slicesOf(service.key)) {
    if (slice.addressType === addressType) all.push(...slice.endpoints)
  }
  const object = `EndpointSlices of Service ${service.key}`
  if (all.length === 0)
    return { code: 'no-endpoints', text: `the Service has no ${addressType} endpoints`, object }
  if (!canServe(all)) {
    return { code: 'no-ready-endpoint', text: `none of ${all.length} endpoints is ready or serving`, object }
  }
  const policy = source === 'cluster-ip' ? service.internalTrafficPolicy : service.externalTrafficPolicy
  if (policy === 'Cluster') return undefined
  const field = source === 'cluster-ip' ? 'internalTrafficPolicy' : 'externalTrafficPolicy'
  const local = all.filter((endpoint) => endpoint.nodeName === context.config.node)
  if (local.length === 0) {
    return {
      code: 'no-endpoint-on-node',
      text: `${field} is Local and no endpoint is on ${context.config.node}`,
      object,
    }
  }
  if (!canServe(local)) {
    return {
      code: 'no-ready-endpoint-on-node',
      text: `${field} is Local and none of ${local.length} endpoints on ${context.config.node} is ready or serving`,
      object,
    }
  }
  return undefined
}

function canServe(endpoints: readonly EndpointView[]): boolean {
  return endpoints.some((endpoint) => endpoint.isReady || (endpoint.isServing && endpoint.isTerminating))
}
