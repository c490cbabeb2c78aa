import type { ServiceView } from '../../kube/views.ts'
import { type AgentConfig, type Scope, scopes } from '../config.ts'
import type { AnnounceAttributes } from './decision.ts'

/*
 * What a Service asks for with annotations, and whether it may.
 *
 *   weft.dev/announce          "true" or "false"
 *   weft.dev/scope             rack, site, global or edge; never wider than its pool's
 *   weft.dev/communities       such as "65000:1, 65000:9:2"; only what `allowedCommunities` of the configuration allows
 *   weft.dev/prepend           0 to 10 times
 *   weft.dev/local-preference  a number; iBGP neighbors see it
 *
 * Whoever creates Services is not who runs the network: an annotation narrows by itself, and widens only within what
 * the configuration allows. A value that cannot be used refuses the Service, since a guess would be a wrong route.
 */

export const announceAnnotation = 'weft.dev/announce'

type Wishes = Omit<AnnounceAttributes, 'scope' | 'weight' | 'drained'> & { scope?: Scope }

/** A value that cannot be used. */
export interface AnnotationProblem {
  annotation: string
  text: string
}

/** Reads a Service's annotations for an address in a pool of the given scope. */
export function readWishes(
  { annotations }: ServiceView,
  poolScope: Scope,
  config: AgentConfig,
): { wishes: Wishes } | { problem: AnnotationProblem } {
  const wishes: Wishes = {}
  for (const [annotation, value] of Object.entries(annotations)) {
    const text = wish(annotation, value.trim(), poolScope, config, wishes)
    if (text !== undefined)
      return { problem: { annotation, text: `"${value.slice(0, 60)}" cannot be used: ${text}` } }
  }
  return { wishes }
}

/** Notes one wish, or says what is wrong with it. */
function wish(
  annotation: string,
  value: string,
  poolScope: Scope,
  config: AgentConfig,
  wishes: Wishes,
): string | undefined {
  if (annotation === announceAnnotation) {
    return value === 'true' || value === 'false' ? undefined : 'it should be "true" or "false"'
  }
  if (annotation === 'weft.dev/scope') {
    const scope = scopes.find((entry) => entry === value)
    if (scope === undefined) return `it should be one of ${scopes.join(', ')}`
    if (scopes.indexOf(scope) > scopes.indexOf(poolScope))
      return `its pool reaches no further than ${poolScope}`
    wishes.scope = scope
  }
  if (annotation === 'weft.dev/communities') {
    const communities = value.split(/[\s,]+/).filter((entry) => entry !== '')
    for (const community of communities) {
      if (!isCommunity(community)) return `${community} is no community such as 65000:1 or 65000:1:2`
      if (!config.allowedCommunities.some((pattern) => matches(pattern, community)))
        return `${community} is not among the agent's allowedCommunities`
    }
    if (communities.length > 0) wishes.communities = canonical(communities)
  }
  if (annotation === 'weft.dev/prepend') {
    const count = readNumber(value, 10)
    if (count === undefined) return 'it should be a whole number from 0 to 10'
    if (count > 0) wishes.prepend = count
  }
  if (annotation === 'weft.dev/local-preference') {
    const preference = readNumber(value, 0xff_ff_ff_ff)
    if (preference === undefined) return 'it should be a whole number from 0 to 4294967295'
    wishes.localPreference = preference
  }
  return undefined
}

/** What is said of an address that several Services share: what reaches least far, and everything asked for. */
export function mergeWishes(list: readonly Wishes[], poolScope: Scope): Omit<AnnounceAttributes, 'weight'> {
  const rank = Math.min(...list.map(({ scope }) => scopes.indexOf(scope ?? poolScope)))
  const communities = canonical(list.flatMap((wishes) => wishes.communities ?? []))
  const prepend = Math.max(...list.map((wishes) => wishes.prepend ?? 0))
  const preferences = list.flatMap((wishes) => wishes.localPreference ?? [])
  return {
    scope: scopes[rank] ?? poolScope,
    ...(communities.length > 0 ? { communities } : {}),
    ...(prepend > 0 ? { prepend } : {}),
    ...(preferences.length > 0 ? { localPreference: Math.min(...preferences) } : {}),
  }
}

function isCommunity(text: string): boolean {
  const parts = text.split(':')
  const most = parts.length === 2 ? 0xff_ff : 0xff_ff_ff_ff
  return (
    (parts.length === 2 || parts.length === 3) && parts.every((part) => readNumber(part, most) !== undefined)
  )
}

function matches(pattern: string, community: string): boolean {
  if (!pattern.endsWith(':*')) return pattern === community
  // `65000:*` is about standard communities, `65000:*` of three parts is written `65000:9:*`.
  const isSameKind = pattern.split(':').length === community.split(':').length
  return isSameKind && community.startsWith(pattern.slice(0, -1))
}

function canonical(communities: readonly string[]): string[] {
  return [...new Set(communities)].sort()
}

/** A decimal number without sign or leading zeros, up to `most`. */
function readNumber(text: string, most: number): number | undefined {
  return /^(0|[1-9]\d{0,9})$/.test(text) && Number(text) <= most ? Number(text) : undefined
}
