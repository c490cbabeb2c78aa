/**
 * The large communities (RFC 8092) by which routers know where a route comes from, what it is and how far it may go.
 *
 * `<administrator>:<function>:<value>`; large, because 4-byte AS numbers do not fit into standard communities.
 */
import type { Scope } from '../intent/model.ts'

export const scopes: readonly Scope[] = ['rack', 'site', 'global', 'edge']

const kinds = ['switch', 'node', 'pod', 'service', 'external'] as const
export type Kind = (typeof kinds)[number]

/** Learned from a tier above: never announced upward again. */
export const down = 'DOWN'

export function siteOf(site: string): string {
  return `SITE-${site}`
}

export function kindOf(kind: Kind): string {
  return `KIND-${kind}`
}

export function scopeOf(scope: Scope): string {
  return `SCOPE-${scope}`
}

/** Every community of the plan by name. */
export function listCommunities(
  administrator: number,
  siteIds: ReadonlyMap<string, number>,
): Record<string, string> {
  const value = (part: number, number: number) => `${administrator}:${part}:${number}`
  return Object.fromEntries([
    ...[...siteIds].map(([site, id]) => [siteOf(site), value(1, id)]),
    ...kinds.map((kind, index) => [kindOf(kind), value(2, index + 1)]),
    ...scopes.map((scope, index) => [scopeOf(scope), value(3, index + 1)]),
    [down, value(4, 1)],
  ])
}
