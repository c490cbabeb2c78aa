/*
 * From a filter of a router back to what was written in weft.yaml. Filters are made by the planner, so no line says
 * "deny" where one was refused; but each follows from something that was written, and that is where to change it.
 */
import type { Device, Plan, PolicyTerm } from '../../plan/model.ts'
import type { Refusal } from '../simulate/exchange.ts'

export interface IntentPlace {
  /** Dotted path in weft.yaml. */
  path: string
  /** What the rule is for. */
  reason: string
}

/** The term of the plan's policy that an entry of a route map was written from; null for the end of the map. */
export function termOf(plan: Plan, device: Device, { filter, sequence }: Refusal): PolicyTerm | null {
  const site = device.role === 'external' ? 'external' : device.site
  if (filter === null || sequence === null) return null
  return plan.policies[`${site}.${filter}`]?.terms[Math.floor(sequence / 10) - 1] ?? null
}

/** A policy's term in words. */
export function describeTerm({ action, match }: PolicyTerm): string {
  const conditions = [
    ...(match.prefixSet === undefined ? [] : [`prefix in ${match.prefixSet.replace(/^[^.]*\./, '')}`]),
    ...(match.anyCommunity === undefined ? [] : [`carries ${match.anyCommunity.join(' or ')}`]),
    ...(match.local === true ? ['originated here'] : []),
    ...(match.gracefulShutdown === true ? ['carries GRACEFUL_SHUTDOWN'] : []),
    ...(match.localPreference === undefined ? [] : [`preference ${match.localPreference}`]),
  ]
  return `${action} what ${conditions.length === 0 ? 'comes here' : conditions.join(' and ')}`
}

/** Where in the intent the rule comes from that refused a route. */
export function placeOf(plan: Plan, at: Device, from: Device, refusal: Refusal): IntentPlace {
  const { reason, filter } = refusal
  const [site, other] = refusal.stage === 'export' ? [from, at] : [at, from]
  if (reason === 'own AS number in the path')
    return { path: at.path, reason: 'a path that has been here already is a loop (RFC 4271 §9.1.2)' }
  if (reason === 'learned from an internal neighbour')
    return {
      path: site.path,
      reason: 'iBGP passes on to other iBGP neighbours only through a reflector (RFC 4456)',
    }
  const term = termOf(plan, site, refusal)
  const carried = term?.match.anyCommunity ?? []
  if (carried.includes('DOWN'))
    return {
      path: site.path,
      reason: 'what came from above never goes up again: a leaf is never between two spines',
    }
  if (carried.includes('SCOPE-rack'))
    return {
      path: `sites.${site.site}.addresses.services.scope`,
      reason: 'a service address of scope rack stays in its rack; the Service or its pool says so',
    }
  if (carried.some((name) => name.startsWith('SITE-')))
    return {
      path: 'dci',
      reason: 'a site is never told its own routes, nor does a border leaf pass another site’s on',
    }
  if (filter?.startsWith('ACCEPT-') === true)
    return {
      path: from.path,
      reason: `${at.name} accepts from ${from.name} exactly what the plan gave it`,
    }
  const peer = [site, other].find(({ role }) => role === 'external')
  if (peer !== undefined)
    return filter?.startsWith('FROM-') === true
      ? { path: `peers.${peer.name}.receive`, reason: 'only what receive: names is accepted from the peer' }
      : { path: `peers.${peer.name}.send`, reason: 'the peer is told what send: names, and nothing else' }
  if (filter !== null && /DCI/.test(filter))
    return {
      path: 'dci.carry',
      reason: 'sites tell each other what carry: names, as aggregates; services by scope',
    }
  if (filter !== null && /EDGE/.test(filter))
    return {
      path: `sites.${site.site}.addresses.services.scope`,
      reason: 'the edge learns aggregates, and service addresses of scope edge',
    }
  if (filter !== null && /NODE|TO-LEAF|OWN/.test(filter))
    return {
      path: filter === 'TO-NODE-DEFAULT' ? 'bgp.nodeRoutes' : site.path,
      reason:
        filter === 'TO-NODE-DEFAULT'
          ? 'nodes of this site learn a default route only'
          : 'nodes announce their own routes only and are never transit',
    }
  return { path: site.path, reason: 'no line of the filter permits it: it is not part of this fabric' }
}
