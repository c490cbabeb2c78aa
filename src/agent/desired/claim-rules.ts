import type { NodeView } from '../../kube/views.ts'
import { type Address, formatAddress, parseAddress } from '../../net/address.ts'
import { contains, type Prefix, parsePrefix } from '../../net/prefix.ts'
import { type AgentConfig, isReserved, type Pool } from '../config.ts'
import { announceAnnotation, readWishes } from './annotations.ts'
import { type Claim, fieldOf } from './claims.ts'
import type { ReasonCode } from './decision.ts'
import { selects } from './label-selector.ts'

/* What people decide: addresses, Services, configuration. Whatever is refused here is refused on purpose, at once. */

export interface Refusal {
  code: ReasonCode
  text: string
  object: string
}

/** Keeps a node out of load balancing from outside. */
export const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers'

/** Ranges of which no address is a host's on the network, whatever a pool says. */
const neverHosts: readonly (readonly [Prefix, string])[] = (
  [
    ['0.0.0.0/8', 'means "this network"'],
    ['127.0.0.0/8', 'is the loopback'],
    ['169.254.0.0/16', 'is link-local'],
    ['224.0.0.0/4', 'is multicast'],
    ['240.0.0.0/4', 'is reserved'],
    ['::/127', 'is unspecified or the loopback'],
    ['::ffff:0:0/96', 'is an IPv4 address in disguise'],
    ['fe80::/10', 'is link-local'],
    ['ff00::/8', 'is multicast'],
  ] as const
).map(([prefix, meaning]) => [parsePrefix(prefix), meaning])

/** The pool an address lies in; the longest prefix wins when pools are nested. */
export function findPool(config: AgentConfig, address: Address): Pool | undefined {
  let best: Pool | undefined
  for (const pool of config.pools) {
    if (contains(pool.prefix, address) && (best === undefined || pool.prefix.length > best.prefix.length))
      best = pool
  }
  return best
}

/** Is the address one that may be announced here at all? */
export function refuseAddress(
  { address, parsed, source, service }: Claim,
  config: AgentConfig,
  node: NodeView | undefined,
): Refusal | undefined {
  const object = `Service ${service.key} ${fieldOf(source)}`
  if (parsed === null)
    return { code: 'address-invalid', text: `"${address.slice(0, 60)}" is not an address`, object }
  const special = neverHosts.find(([range]) => contains(range, parsed))
  if (special !== undefined)
    return { code: 'address-invalid', text: `${address} ${special[1]}, no host's address`, object }
  if (isReserved(config, parsed) || isOfNode(node, parsed)) {
    return {
      code: 'address-reserved',
      text: `${formatAddress(parsed)} belongs to the node, to the cluster or to its configuration`,
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

/** May this Service claim addresses in this way? */
export function refuseClaim(claim: Claim, config: AgentConfig): Refusal | undefined {
  const { service } = claim
  const object = `Service ${service.key}`
  if (service.type === 'ExternalName') {
    return { code: 'external-name', text: 'an ExternalName Service has no address of its own', object }
  }
  if (service.clusterIPs.length === 0) {
    return { code: 'headless', text: 'no node forwards traffic for a headless Service', object }
  }
  return refuseSource(claim, config) ?? refuseSelection(claim, config)
}

/** Does the configuration announce what the Service claims by this field? */
function refuseSource({ source, service }: Claim, config: AgentConfig): Refusal | undefined {
  const object = `Service ${service.key}`
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
  if (source !== 'load-balancer') return undefined
  if (service.type !== 'LoadBalancer') {
    return {
      code: 'not-a-load-balancer',
      text: `the Service is of type ${service.type}`,
      object: `${object} spec.type`,
    }
  }
  if (service.loadBalancerClass !== config.loadBalancerClass) {
    const found = service.loadBalancerClass ?? 'none'
    const wanted = config.loadBalancerClass ?? 'none'
    return {
      code: 'other-load-balancer-class',
      text: `the Service's load balancer class is ${found}, this agent's is ${wanted}`,
      object: `${object} spec.loadBalancerClass`,
    }
  }
  return undefined
}

/** Is this Service one of those to be announced, with the attributes it asks for? */
function refuseSelection({ service, parsed }: Claim, config: AgentConfig): Refusal | undefined {
  const object = `Service ${service.key}`
  if (config.namespaces !== undefined && !config.namespaces.includes(service.namespace)) {
    return {
      code: 'not-selected',
      text: `namespace ${service.namespace} is not among the agent's namespaces`,
      object: `${object} metadata.namespace`,
    }
  }
  if (!selects(config.serviceSelector, service.labels)) {
    return {
      code: 'not-selected',
      text: "its labels do not match the agent's serviceSelector",
      object: `${object} metadata.labels`,
    }
  }
  const wish = service.annotations[announceAnnotation]?.trim()
  if (wish === 'false' || (wish === undefined && !config.announceByDefault)) {
    const verb = wish === undefined ? 'does not ask' : 'asks not'
    return {
      code: 'opted-out',
      text: `the Service ${verb} to be announced`,
      object: `${object} ${announceAnnotation}`,
    }
  }
  const pool = parsed === null ? undefined : findPool(config, parsed)
  const read = pool === undefined ? undefined : readWishes(service, pool.scope, config)
  if (read !== undefined && 'problem' in read) {
    const { annotation, text } = read.problem
    return { code: 'annotation-invalid', text, object: `${object} ${annotation}` }
  }
  if (service.isDeleting) {
    return { code: 'service-deleting', text: 'the Service is being deleted', object }
  }
  return undefined
}

/** Has somebody taken the node out of the cluster, or its Services elsewhere? */
export function refuseNode(
  { source }: Claim,
  config: AgentConfig,
  node: NodeView | undefined,
): Refusal | undefined {
  if (node === undefined) {
    return {
      code: 'node-unknown',
      text: `the API has no Node ${config.node}: it was deleted or has not registered`,
      object: `Node ${config.node}`,
    }
  }
  // The label is about what comes from outside; ClusterIPs are the cluster's own business.
  if (source !== 'cluster-ip' && node.labels[excludeLabel] !== undefined) {
    return {
      code: 'node-excluded',
      text: 'the node is excluded from external load balancers',
      object: `Node ${node.name} ${excludeLabel}`,
    }
  }
  return undefined
}

function isOfNode(node: NodeView | undefined, address: Address): boolean {
  const text = formatAddress(address)
  return (
    node?.addresses.some((own) => {
      const parsed = own.type === 'Hostname' ? null : parseAddress(own.address)
      return parsed !== null && formatAddress(parsed) === text
    }) ?? false
  )
}
