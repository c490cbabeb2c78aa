import type { NodeView } from '../../kube/views.ts'
import type { AgentConfig } from '../config.ts'
import { mergeWishes, readWishes } from './annotations.ts'
import { findPool, type Refusal, refuseAddress, refuseClaim, refuseNode } from './claim-rules.ts'
import type { Claim } from './claims.ts'
import { type Announce, reasonCodes, type Verdict, type Withheld } from './decision.ts'
import {
  countUsable,
  type EndpointSummary,
  nodesWithUsable,
  type SliceFacts,
  summarize,
} from './endpoints.ts'

/*
 * May this address be announced from this node? One pure function of the claims on it, their endpoints, the node and
 * the configuration. What else it takes (a working data plane, guards, drain) comes after it, in src/agent/gate.
 *
 * An address may be claimed by several Services (on different ports). When none may be announced, the claim that got
 * furthest is the one worth explaining. Local traffic policies look at this node's endpoints only: a packet that
 * arrives here would be dropped otherwise. externalTrafficPolicy rules addresses from outside, internalTrafficPolicy
 * ClusterIPs.
 *
 * Services that share an address may differ in policy, and then a node that serves one may drop packets for another.
 * So the address is announced where all of them are served, if there is such a node; and when there is none, wherever
 * any of them is. Every node sees the same slices and comes to the same answer. A Service without any usable endpoint
 * has no say in it.
 */

export interface DecisionContext {
  config: AgentConfig
  /** This node's own object; undefined when there is none. */
  node?: NodeView | undefined
  /** The slices of one Service, by its `namespace/name`. */
  slicesOf: (service: string) => Iterable<SliceFacts>
}

export { findPool } from './claim-rules.ts'

/** A claim that nobody has refused on purpose. */
interface Candidate {
  claim: Claim
  summary: EndpointSummary
  isLocal: boolean
  /** Why it cannot be served from here. */
  refusal: Refusal | undefined
}

/** Decides about one address from all claims on it; there must be at least one. */
export function decideAddress(claims: readonly Claim[], context: DecisionContext): Verdict {
  const sorted = claims.toSorted((a, b) => (a.service.key < b.service.key ? -1 : 1))
  const [first] = sorted
  if (first === undefined) throw new TypeError('decideAddress: no claims')
  const services = [...new Set(sorted.map((claim) => claim.service.key))]
  const withhold = (refusal: Refusal): Withheld => ({
    kind: 'withheld',
    address: first.address,
    ...refusal,
    services,
  })

  const refusals: Refusal[] = []
  const candidates: Candidate[] = []
  for (const claim of sorted) {
    const examined = examine(claim, context)
    if ('code' in examined) refusals.push(examined)
    else candidates.push(examined)
  }
  if (candidates.length === 0)
    return { decision: withhold(furthest(refusals)), isServed: false, isServedElsewhere: false }

  const announce = announcement(candidates, services, context)
  const evidence = {
    isServed: candidates.some(({ summary }) => countUsable(summary.anywhere) > 0),
    isServedElsewhere: candidates.some(({ summary }) => countUsable(summary.elsewhere) > 0),
  }
  const unserved = candidates.flatMap(({ refusal }) => refusal ?? [])
  const conflict = unserved.length < candidates.length ? findConflict(candidates, context) : undefined
  const refusal = unserved.length < candidates.length ? conflict : furthest(unserved)
  if (refusal === undefined) return { decision: announce, ...evidence }
  return { decision: withhold(refusal), otherwise: announce, ...evidence }
}

function furthest(refusals: readonly Refusal[]): Refusal {
  return refusals.reduce((a, b) => (reasonCodes.indexOf(b.code) > reasonCodes.indexOf(a.code) ? b : a))
}

function examine(claim: Claim, context: DecisionContext): Refusal | Candidate {
  const { config, node } = context
  const refusal =
    refuseAddress(claim, config, node) ?? refuseClaim(claim, config) ?? refuseNode(claim, config, node)
  if (refusal !== undefined) return refusal
  const { service, source } = claim
  const summary = summarize(context.slicesOf(service.key), addressTypeOf(claim))
  if (summary.foreign !== undefined) {
    return {
      code: 'endpoints-outside-cluster',
      text: `endpoint ${summary.foreign} is no pod or node of this cluster`,
      object: `EndpointSlices of Service ${service.key}`,
    }
  }
  const policy = source === 'cluster-ip' ? service.internalTrafficPolicy : service.externalTrafficPolicy
  const candidate = { claim, summary, isLocal: policy === 'Local' }
  return { ...candidate, refusal: refuseHealth(candidate, context) }
}

/** What the node and the endpoints say: signals that nobody gave on purpose. */
function refuseHealth(
  { claim, summary, isLocal }: Omit<Candidate, 'refusal'>,
  { config, node }: DecisionContext,
): Refusal | undefined {
  if (node?.isNotReady) {
    return { code: 'node-not-ready', text: 'the node is not ready', object: `Node ${node.name} Ready` }
  }
  if (node?.isNetworkUnavailable) {
    return {
      code: 'node-network-unavailable',
      text: 'the node’s network is not ready',
      object: `Node ${node.name} NetworkUnavailable`,
    }
  }
  const { anywhere, here } = summary
  const object = `EndpointSlices of Service ${claim.service.key}`
  if (anywhere.total === 0) {
    const text = `the Service has no ${addressTypeOf(claim)} endpoints`
    return { code: 'no-endpoints', text, object }
  }
  if (countUsable(anywhere) === 0) {
    const text = `none of ${anywhere.total} endpoints is ready or serving`
    return { code: 'no-ready-endpoint', text, object }
  }
  if (!isLocal || countUsable(here) > 0) return undefined
  const field = claim.source === 'cluster-ip' ? 'internalTrafficPolicy' : 'externalTrafficPolicy'
  if (here.total === 0) {
    const text = `${field} is Local and no endpoint is on ${config.node}`
    return { code: 'no-endpoint-on-node', text, object }
  }
  const text = `${field} is Local and none of ${here.total} endpoints on ${config.node} is ready or serving`
  return { code: 'no-ready-endpoint-on-node', text, object }
}

/** Of Services that share the address: one that this node cannot serve, while another node serves them all. */
function findConflict(candidates: readonly Candidate[], context: DecisionContext): Refusal | undefined {
  const live = candidates.filter(({ summary, isLocal }) => isLocal && countUsable(summary.anywhere) > 0)
  const blocking = live.find(({ summary }) => countUsable(summary.here) === 0)
  if (blocking === undefined) return undefined
  const [first, ...others] = live.map(({ claim }) =>
    nodesWithUsable(context.slicesOf(claim.service.key), addressTypeOf(claim)),
  )
  const common = [...(first ?? [])].filter((name) => others.every((nodes) => nodes.has(name)))
  if (common.length === 0) return undefined
  const { key } = blocking.claim.service
  return {
    code: 'shared-address-conflict',
    text: `Service ${key} has the same address and policy Local, and no usable endpoint on ${context.config.node}; ${common.length} other nodes serve all Services of the address`,
    object: `EndpointSlices of Service ${key}`,
  }
}

function announcement(
  candidates: readonly Candidate[],
  services: string[],
  { config }: DecisionContext,
): Announce {
  const [{ claim }] = candidates as [Candidate]
  const { address, parsed } = claim
  // No candidate gets here without an address in a pool and annotations that can be read.
  const pool = parsed === null ? undefined : findPool(config, parsed)
  if (pool === undefined) throw new TypeError(`no pool for ${address}`)
  const wishes = candidates.flatMap((candidate) => {
    const read = readWishes(candidate.claim.service, pool.scope, config)
    return 'wishes' in read ? read.wishes : []
  })
  const weight = weightOf(candidates)
  const isIpv4 = parsed?.family === 4
  return {
    kind: 'announce',
    address,
    prefix: `${address}/${isIpv4 ? 32 : 128}`,
    family: isIpv4 ? 'ipv4' : 'ipv6',
    pool: pool.name,
    ...mergeWishes(wishes, pool.scope),
    ...(weight > 0 ? { weight } : {}),
    services,
  }
}

/** Local endpoints of all Services whose policy is Local, each Service once however it claims the address. */
function weightOf(candidates: readonly Candidate[]): number {
  const local = new Map(
    candidates
      .filter(({ isLocal }) => isLocal)
      .map(({ claim, summary }) => [claim.service.key, countUsable(summary.here)]),
  )
  return [...local.values()].reduce((sum, count) => sum + count, 0)
}

function addressTypeOf({ parsed }: Claim): 'IPv4' | 'IPv6' {
  return parsed?.family === 6 ? 'IPv6' : 'IPv4'
}
