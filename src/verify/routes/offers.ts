/**
 * What neighbours tell each other about a prefix in the settled state, and why some of it is not taken.
 *
 * The simulator answers which routes exist; a check wants to know why one does not.
 */
import { isPrivateAsn } from '../../net/private-asn.ts'
import { bareRoute, evaluatorOf, type RouteAttributes } from '../simulate/policy.ts'
import type { Adjacency, Network, Selection } from '../simulate/propagate.ts'
import type { Spread } from './spread.ts'

export type Refusal = 'loop' | 'prefix-list' | 'as-path' | 'policy'

export interface Offer {
  adjacency: Adjacency
  /** As it arrives at the other end. */
  route: RouteAttributes
  /** Null when it is taken. */
  refusal: Refusal | null
}

/** Everything that is offered over sessions of the network, except a route back to where it came from. */
export function* offersOf(network: Network, spread: Spread): Generator<Offer> {
  const family = spread.prefix.includes(':') ? 'ipv6' : 'ipv4'
  for (const [device, selection] of spread.selections) {
    for (const adjacency of network.adjacencies.get(device) ?? []) {
      if (!adjacency.session.families.includes(family)) continue
      if (selection.paths.some(({ via }) => via === adjacency)) continue
      const offer = offerOver(network, spread.prefix, adjacency, selection)
      if (offer !== null) yield offer
    }
  }
}

/** What one end tells the other; null when its export policy or the rules of route reflection keep the route back. */
export function offerOver(
  network: Network,
  prefix: string,
  adjacency: Adjacency,
  selection: Selection,
): Offer | null {
  if (!mayReflect(adjacency, selection)) return null
  const evaluator = evaluatorOf(network.plan, prefix)
  const sent = evaluator.apply(adjacency.local.export, selection.attributes)
  if (sent === null) return null
  const route = onTheWire(adjacency, sent)
  return { adjacency, route, refusal: refusalOf(network, prefix, adjacency, route) }
}

function mayReflect({ session, local }: Adjacency, selection: Selection): boolean {
  const learnedFrom = selection.paths[0]?.via
  if (session.type !== 'ibgp' || learnedFrom?.session.type !== 'ibgp') return true
  return learnedFrom.local.routeReflectorClient || local.routeReflectorClient
}

function onTheWire(
  { session, local, localAsn, remoteAsn }: Adjacency,
  route: RouteAttributes,
): RouteAttributes {
  if (session.type === 'ibgp') return route
  const inner = local.removePrivateAs
    ? route.asPath.filter((asn) => asn === remoteAsn || !isPrivateAsn(asn))
    : route.asPath
  const asPath = [...new Array<number>(1 + route.prepend).fill(localAsn), ...inner]
  return { ...route, asPath, localPreference: bareRoute.localPreference, prepend: 0 }
}

function refusalOf(
  network: Network,
  prefix: string,
  { remote, remoteAsn }: Adjacency,
  route: RouteAttributes,
): Refusal | null {
  const evaluator = evaluatorOf(network.plan, prefix)
  if (route.asPath.includes(remoteAsn)) return 'loop'
  if (remote.accept !== null && !evaluator.accepts(remote.accept)) return 'prefix-list'
  if (remote.acceptAsPath !== null) {
    const expression = new RegExp(remote.acceptAsPath.replaceAll('_', '( |^|$)'))
    if (!expression.test(route.asPath.join(' '))) return 'as-path'
  }
  return evaluator.apply(remote.import, route) === null ? 'policy' : null
}
