import type { ControlPlane, TableEntry } from './control-plane.ts'

/** A router whose next hops depend on which of its equal paths another one has learned first. */
export interface OrderEffect {
  router: string
  /** Over whose announcement; null where the router itself has more equal paths than it uses together. */
  neighbor: string | null
  by: string
}

const known = new WeakMap<ControlPlane, Map<string, readonly OrderEffect[]>>()

/**
 * Where the order of arrival changes what is reachable or how: routers that would choose other next hops if a
 * neighbour had announced another of its equal paths. Empty for most prefixes of most designs.
 */
export function orderEffects(plane: ControlPlane, prefix: string): readonly OrderEffect[] {
  const ofPlane = known.get(plane) ?? new Map<string, readonly OrderEffect[]>()
  known.set(plane, ofPlane)
  const effects = ofPlane.get(prefix) ?? findOrderEffects(plane, prefix)
  ofPlane.set(prefix, effects)
  return effects
}

function findOrderEffects(plane: ControlPlane, prefix: string): OrderEffect[] {
  const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
  const effects: OrderEffect[] = []
  for (const [name, { decision }] of plane.table(prefix).entries) {
    const { best, tied, eliminated, dependsOnOrder } = decision
    if (!dependsOnOrder) continue
    // Its own next hops: which of the equal ones there is room for, or that go together with the best.
    if (eliminated.some(({ step }) => step === 'maximum-paths' || step === 'not equal enough for multipath'))
      effects.push({ router: name, neighbor: null, by: name })
    for (const side of plane.sides.get(name) ?? []) {
      if (!side.families.includes(family)) continue
      const choices = [best, ...tied.filter((path) => path !== best)]
      const outcomes = new Set(choices.map((path) => describe(plane.ifChosen(side, prefix, path))))
      if (outcomes.size > 1) effects.push({ router: side.remote.router.name, neighbor: name, by: name })
    }
  }
  return effects
}

/** An outcome in the words that matter: which next hops, and how far. */
function describe(entry: TableEntry | null): string {
  if (entry === null) return 'none'
  const { best, multipath } = entry.decision
  const hops = multipath.map(({ order, route: { bandwidth } }) => `${order} ${bandwidth}`).sort()
  return `${hops.join()} ${best.route.localPreference} ${best.route.asPath.length}`
}
