/**
 * What neighbours tell each other about a prefix in the settled state, and why some of it is not taken.
 *
 * The simulator answers which routes exist; a check wants to know why one does not.
 */
import { isPrivateAsn } from '../../net/private-asn.ts'
import { bareRoute, evaluatorOf, type RouteAttributes } from '../simulate/policy.ts'
import type { Adjacency, Network, Selection } from '../simulate/propagate.ts'

export type Refusal = 'loop' | 'prefix-list' | 'as-path' | 'policy'

/** What one end tells the other and the other does not take. */
export interface Offer {
  adjacency: Adjacency
  /** As it arrives at the other end. */
  route: RouteAttributes
  refusal: Refusal
}

/** Everything that is told and not taken, except a route on its way back to where it came from. */
export function refusedOffers(
  network: Network,
  prefix: string,
  selections: ReadonlyMap<string, Selection>,
): Offer[] {
  const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
  const refused: Offer[] = []
  for (const [device, selection] of selections) {
    for (const adjacency of network.adjacencies.get(device) ?? []) {
      if (!adjacency.session.families.includes(family)) continue
      if (selection.paths.some(({ via }) => via === adjacency)) continue
      // A loop refused by somebody who knows the route anyway is BGP at work, and most of what is refused.
      const { remoteAsn, remote } = adjacency
      if (selection.attributes.asPath.includes(remoteAsn) && selections.has(remote.device)) continue
      const offer = refusedOver(network, prefix, adjacency, selection)
      if (offer !== null) refused.push(offer)
    }
  }
  return refused
}

/** Null when an export policy or the rules of route reflection keep the route back, or when it is taken. */
function refusedOver(
  network: Network,
  prefix: string,
  adjacency: Adjacency,
  selection: Selection,
): Offer | null {
  if (!mayReflect(adjacency, selection)) return null
  const sent = evaluatorOf(network.plan, prefix).apply(adjacency.local.export, selection.attributes)
  if (sent === null) return null
  const route = onTheWire(adjacency, sent)
  const refusal = refusalOf(network, prefix, adjacency, route)
  return refusal === null ? null : { adjacency, route, refusal }
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
