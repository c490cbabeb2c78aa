/** What a candidate flow would pass. */
export interface Candidate {
  sourcePort: number
  devices: readonly string[]
  links: readonly string[]
}

export interface OfInterest {
  devices?: readonly string[]
  links?: readonly string[]
}

/** Flows that everything of interest shall carry at least. */
const enough = 2

/**
 * Chooses source ports so that everything of interest carries two flows, if the number suffices, and the remaining ones
 * spread evenly over the paths there are. Fewer are given than asked for only when there are fewer.
 */
export function chooseCovering(
  candidates: readonly Candidate[],
  count: number,
  interest: OfInterest = {},
): Candidate[] {
  const wanted = new Set([...(interest.devices ?? []), ...(interest.links ?? [])])
  const uses = new Map<string, number>()
  const usesOf = (name: string) => uses.get(name) ?? 0
  // Of one path, any flow will do as well as the next.
  const groups = [...Map.groupBy(candidates, ({ links }) => links.join(' ')).values()].map((members) => {
    const { devices, links } = members[0] as Candidate
    return {
      key: links.join(' '),
      passes: [...devices, ...links].filter((name) => wanted.has(name)),
      members: [...members],
    }
  })
  const chosen: Candidate[] = []
  while (chosen.length < count) {
    const left = groups.filter(({ members }) => members.length > 0)
    if (left.length === 0) break
    const rarest = (passes: readonly string[]) => Math.min(enough, ...passes.map(usesOf))
    // What is of interest and has been used least comes first; then the path that has been used least.
    left.sort((a, b) => rarest(a.passes) - rarest(b.passes) || usesOf(a.key) - usesOf(b.key))
    const [next] = left
    if (next === undefined) break
    chosen.push(next.members.shift() as Candidate)
    for (const name of [next.key, ...next.passes]) uses.set(name, usesOf(name) + 1)
  }
  return chosen
}

/** Names of interest that no candidate passes. */
export function findUncovered(candidates: readonly Candidate[], interest: OfInterest): string[] {
  const passed = new Set(candidates.flatMap(({ devices, links }) => [...devices, ...links]))
  return [...(interest.devices ?? []), ...(interest.links ?? [])].filter((name) => !passed.has(name))
}
