import type { Decision } from '../agent/desired/decision.ts'
import type { AddressExplanation, NeighborState, NodeExplanation } from '../agent/explain/explain.ts'
import {
  type DeliveryCode,
  deliveryMends,
  holdMends,
  nodeMends,
  reasonMends,
  type SubjectCode,
  subjectMends,
} from '../agent/explain/mends.ts'
import type { LeafView } from './why-leaves.ts'

/*
 * The answers of many agents put together, address by address: where it is announced, and where not, why not first.
 */

export interface Reason {
  code: string
  text: string
  /** The object and field at fault. */
  object?: string
  mend: string
}

export interface WhyNeighbor {
  neighbor: string
  hostname?: string
  code: DeliveryCode
  text: string
  /** Absent when nothing is wrong. */
  mend?: string
}

export interface WhyNode {
  node: string
  isAnnounced: boolean
  /** Why not; or, beside an announcement, what is wrong with it all the same. */
  reason?: Reason
  attributes?: Record<string, unknown>
  communities?: string[]
  neighbors: WhyNeighbor[]
}

export interface WhyAddress {
  address: string
  cluster?: string
  services: string[]
  nodes: WhyNode[]
}

export interface WhyReport {
  subject: string
  /** True when each address is taken by a neighbor of at least one node, in each cluster. */
  isAnnounced: boolean
  addresses: WhyAddress[]
  /** Agents that could not be asked, and Services without an address. */
  problems: (Reason & { where: string })[]
}

/** One agent's answer, or why there is none. */
export interface NodeAnswer {
  node: string
  cluster?: string
  explanation?: NodeExplanation
  error?: { code: string; message: string }
}

/** By `node neighbor address`; empty where the other end cannot be seen. */
export type LeafViews = ReadonlyMap<string, LeafView>

/** The key of a leaf's view. */
export function viewKey(node: string, neighbor: string, address: string): string {
  return `${node} ${neighbor} ${address}`
}

/** Puts the answers together. */
export function composeReport(subject: string, answers: readonly NodeAnswer[], views: LeafViews): WhyReport {
  const addresses = new Map<string, WhyAddress>()
  const problems = answers.flatMap(problemsOf)
  for (const { node, cluster, explanation } of answers) {
    for (const found of explanation?.addresses ?? []) {
      // Where no Service asks for it there is nothing to say, unless nobody asks anywhere.
      if (found.decision === undefined) continue
      const key = `${cluster ?? ''} ${found.address}`
      const entry: WhyAddress = addresses.get(key) ?? {
        address: found.address,
        ...(cluster === undefined ? {} : { cluster }),
        services: found.services,
        nodes: [],
      }
      entry.nodes.push(describeNode(node, found, found.decision, explanation?.problem, views))
      addresses.set(key, entry)
    }
  }
  const list = [...addresses.values()]
  for (const entry of list) {
    noteMissingWeights(entry)
    noteIgnoredWeights(entry, answers)
  }
  if (list.length === 0 && problems.length === 0)
    problems.push({
      where: 'any node asked',
      ...subjectReason('unclaimed', 'no Service asks for this address'),
    })
  const isTaken = (entry: WhyAddress) =>
    entry.nodes.some(({ neighbors }) => neighbors.some(({ code }) => code === 'sent' || code === 'accepted'))
  return { subject, isAnnounced: list.length > 0 && list.every(isTaken), addresses: list, problems }
}

function describeNode(
  node: string,
  found: AddressExplanation,
  decision: Decision,
  problem: NodeExplanation['problem'],
  views: LeafViews,
): WhyNode {
  if (decision.kind === 'withheld' && !found.isApplied) {
    const { code, text, object } = decision
    return {
      node,
      isAnnounced: false,
      reason: { code, text, object, mend: reasonMends[code] },
      neighbors: [],
    }
  }
  const neighbors = found.neighbors.map((state) =>
    describeNeighbor(state, found, views.get(viewKey(node, state.neighbor, found.address))),
  )
  const reason = reasonBeside(found, decision, problem)
  return {
    node,
    isAnnounced: neighbors.some(({ code }) => code === 'sent' || code === 'accepted'),
    ...(reason === undefined ? {} : { reason }),
    ...(decision.kind === 'announce' ? { attributes: attributesOf(decision) } : {}),
    ...(found.route === undefined
      ? {}
      : {
          communities: [
            ...found.route.communities,
            ...found.route.largeCommunities,
            // bgpd explains a bandwidth in several words.
            ...(found.route.extendedCommunities.length === 0
              ? []
              : [found.route.extendedCommunities.join(' ')]),
          ],
        }),
    neighbors,
  }
}

/** What an operator should know about an announcement that is, or should be, there. */
function reasonBeside(
  { isApplied, address }: AddressExplanation,
  decision: Decision,
  problem: NodeExplanation['problem'],
): Reason | undefined {
  if (problem !== undefined) {
    const { code, message, hint } = problem
    const mend = code === 'api-not-read' || code === 'bgpd-down' ? nodeMends[code] : hint
    return { code, text: message, mend: mend ?? deliveryMends['not-applied'] }
  }
  if (decision.kind === 'withheld') {
    return {
      code: 'not-applied',
      text: `${address} should be withdrawn (${decision.code}: ${decision.text}) and still is announced`,
      object: decision.object,
      mend: deliveryMends['not-applied'],
    }
  }
  if (!isApplied) {
    return {
      code: 'not-applied',
      text: 'it should be announced, and FRR does not have it yet',
      mend: deliveryMends['not-applied'],
    }
  }
  if (decision.held === undefined) return undefined
  const { by, text, against } = decision.held
  return { code: `held-${by}`, text: `${text}; without the guard: ${against}`, mend: holdMends[by] }
}

function describeNeighbor(
  { neighbor, hostname, session, isSent }: NeighborState,
  { address, route }: AddressExplanation,
  view: LeafView | undefined,
): WhyNeighbor {
  const base = { neighbor, ...(hostname === undefined ? {} : { hostname }) }
  const wrong = (code: DeliveryCode, text: string) => ({ ...base, code, text, mend: deliveryMends[code] })
  const prefix = `${address}/${address.includes(':') ? 128 : 32}`
  if (session !== 'Established') return wrong('session-down', `the session is ${session}`)
  if (route === undefined) return wrong('not-applied', 'bgpd does not originate it')
  if (!isSent) return wrong('not-sent', 'bgpd does not send it: the export policy denies it')
  if (view === undefined) {
    const { code, text, mend } = wrong('sent', 'sent; the neighbor cannot be seen from here')
    return { ...base, code, text, mend: mend.replace('PREFIX', prefix) }
  }
  if (view.path === undefined) return wrong('refused-by-neighbor', `sent, and ${view.device} did not take it`)
  const use = view.path.isMultipath ? 'in use' : 'not in use: it prefers another path'
  const weights =
    view.unweighted.length === 0 ? '' : `; ignores all weights, none came from ${view.unweighted.join(', ')}`
  return { ...base, code: 'accepted', text: `accepted, ${use}${weights}` }
}

/** One announcer without a weight makes the routers ignore the weights of all others, and say nothing. */
function noteMissingWeights({ nodes }: WhyAddress): void {
  const announcing = nodes.filter((node) => node.isAnnounced)
  const isWeighted = (node: WhyNode) =>
    node.communities?.some((community) => community.includes('LB:')) === true
  if (!announcing.some(isWeighted)) return
  for (const node of announcing) {
    if (isWeighted(node) || node.reason !== undefined) continue
    const text = 'announced without a weight, while other nodes have one: all weights are ignored'
    node.reason = { code: 'weight-missing', text, mend: deliveryMends['weight-missing'] }
  }
}

/** What the nodes notice when the announcer without a weight is none of those asked. */
function noteIgnoredWeights({ address, nodes }: WhyAddress, answers: readonly NodeAnswer[]): void {
  if (nodes.some(({ reason }) => reason?.code === 'weight-missing')) return
  for (const node of nodes) {
    const { explanation } = answers.find((answer) => answer.node === node.node) ?? {}
    const neighbors = explanation?.addresses.find((found) => found.address === address)?.unweightedNeighbors
    if (neighbors === undefined || node.reason !== undefined) continue
    const text = `${neighbors.join(' and ')} has a route to it without a weight: all weights are ignored`
    node.reason = { code: 'weights-ignored', text, mend: deliveryMends['weights-ignored'] }
  }
}

function attributesOf(decision: Extract<Decision, { kind: 'announce' }>): Record<string, unknown> {
  const { pool, scope, weight, drained, communities, localPreference, prepend } = decision
  const all = { pool, scope, weight, drained, communities, localPreference, prepend }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function problemsOf({ node, explanation, error }: NodeAnswer): WhyReport['problems'] {
  if (explanation === undefined) {
    return [
      { where: node, code: 'agent-silent', text: error?.message ?? '', mend: nodeMends['agent-silent'] },
    ]
  }
  const { subject, addresses } = explanation
  if (subject.kind === 'refused')
    return [{ where: node, ...subjectReason('object-refused', subject.reason, `Service ${subject.key}`) }]
  if (subject.kind === 'service' && addresses.length === 0) {
    const object = `Service ${subject.key} status.loadBalancer.ingress`
    return [{ where: node, ...subjectReason('no-address', 'the Service has no address', object) }]
  }
  return []
}

function subjectReason(code: SubjectCode, text: string, object?: string): Reason {
  return { code, text, ...(object === undefined ? {} : { object }), mend: subjectMends[code] }
}
