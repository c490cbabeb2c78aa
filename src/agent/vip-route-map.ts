import { createHash } from 'node:crypto'
import type { ConfigChange } from '../frr/config-transaction.ts'
import type { AnnounceAttributes } from './desired/decision.ts'

/*
 * What an announcement says beside its prefix goes through a route map, and FRR looks at an edited route map only after
 * a delay of seconds, for every route that uses it. So none is ever edited. A route map's name says everything it sets;
 * addresses that say the same share it; and an address that says something else now, a new weight for instance, has its
 * `network` statement issued again with another name, which takes effect like any other statement.
 *
 * `VIP-<scope>` belongs to the base configuration and is called first, since it knows the fabric's communities. Whatever
 * has a further part, such as `VIP-site-w3-drained`, is the agent's, made when first used and removed when many are idle.
 */

export interface VipRouteMap {
  name: string
  attributes: AnnounceAttributes
}

/** FRR takes bandwidths of 1 to 25,600 Mbit/s and drops a larger one without a word. */
const maxWeight = 25_600

const ownedName = /^(?<base>VIP-(?:rack|site|global|edge))-/

/** The route map that says exactly this. */
export function routeMapOf(attributes: AnnounceAttributes): VipRouteMap {
  const { scope, weight, drained, communities, localPreference, prepend } = attributes
  const parts = [
    `VIP-${scope}`,
    ...(weight === undefined ? [] : [`w${bandwidthOf(weight)}`]),
    ...(drained === true ? ['drained'] : []),
    ...(localPreference === undefined ? [] : [`lp${localPreference}`]),
    ...(prepend === undefined ? [] : [`p${prepend}`]),
    ...(communities === undefined ? [] : [`c${digest(communities)}`]),
  ]
  return { name: parts.join('-'), attributes }
}

/** Whether a route map of that name was made by an agent. */
export function isOwnedRouteMap(name: string): boolean {
  return ownedName.test(name)
}

/** The route map of the base configuration that one of these needs to exist. */
export function baseRouteMapOf(name: string): string {
  return ownedName.exec(name)?.groups?.base ?? name
}

/** The lines that make it. */
export function routeMapChanges({ name, attributes }: VipRouteMap, asn: number): ConfigChange[] {
  const { scope, weight, drained, communities = [], localPreference, prepend } = attributes
  const large = communities.filter((community) => community.split(':').length === 3)
  const standard = communities.filter((community) => community.split(':').length === 2)
  if (drained === true) standard.push('graceful-shutdown')
  const sets = [
    ...(weight === undefined ? [] : [`set extcommunity bandwidth ${bandwidthOf(weight)}`]),
    ...(standard.length === 0 ? [] : [`set community ${standard.join(' ')} additive`]),
    ...(large.length === 0 ? [] : [`set large-community ${large.join(' ')} additive`]),
    ...(localPreference === undefined ? [] : [`set local-preference ${localPreference}`]),
    ...(prepend === undefined ? [] : [`set as-path prepend ${Array(prepend).fill(asn).join(' ')}`]),
  ]
  const inEntry = (sequence: number, lines: readonly string[]) =>
    lines.map((line): ConfigChange => ({ context: [`route-map ${name} permit ${sequence}`], line }))
  // A called route map runs after the entry's own `set` lines and would replace what they added: hence two entries.
  return [...inEntry(10, [`call VIP-${scope}`, 'on-match next']), ...inEntry(20, sets)]
}

/** Values mean something only beside each other, so those above the limit are as good as the limit. */
function bandwidthOf(weight: number): number {
  return Math.min(Math.max(1, Math.round(weight)), maxWeight)
}

function digest(communities: readonly string[]): string {
  return createHash('sha256').update(communities.join(' ')).digest('hex').slice(0, 12)
}
