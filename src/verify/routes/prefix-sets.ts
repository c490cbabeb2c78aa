/** Which prefix sets of a site a prefix lies in: routes that differ in that may be filtered differently. */
import { bitsOf } from '../../net/address.ts'
import { type Prefix, parsePrefix, sizeOf } from '../../net/prefix.ts'
import type { Plan, PrefixEntry } from '../../plan/model.ts'

interface Range {
  family: 4 | 6
  /** Numbers are exact for IPv4, and near enough for IPv6: sets differ by far more than the rounding. */
  first: number
  last: number
  shortest: number
  longest: number
}

interface NamedRanges {
  name: string
  ranges: Range[]
}

const bySite = new WeakMap<Plan, Map<string | null, NamedRanges[]>>()

/** Names of the sets, in one word. */
export function setsHolding(plan: Plan, site: string | null, prefix: string): string {
  const { family, value, length } = parsePrefix(prefix)
  const first = Number(value)
  return setsOf(plan, site)
    .filter(({ ranges }) =>
      ranges.some(
        (range) =>
          range.family === family &&
          first >= range.first &&
          first <= range.last &&
          length >= range.shortest &&
          length <= range.longest,
      ),
    )
    .map(({ name }) => name)
    .join('+')
}

function setsOf(plan: Plan, site: string | null): NamedRanges[] {
  const ofPlan = bySite.get(plan) ?? new Map<string | null, NamedRanges[]>()
  bySite.set(plan, ofPlan)
  const known = ofPlan.get(site)
  if (known !== undefined) return known
  const sets = Object.entries(plan.prefixSets)
    .filter(([name]) => name.startsWith(`${site}.`))
    .map(([name, { entries }]) => ({ name, ranges: entries.map(rangeOf) }))
  ofPlan.set(site, sets)
  return sets
}

function rangeOf(entry: PrefixEntry): Range {
  const outer: Prefix = parsePrefix(entry.prefix)
  const isExact = entry.ge === undefined && entry.le === undefined
  return {
    family: outer.family,
    first: Number(outer.value),
    last: Number(outer.value + sizeOf(outer) - 1n),
    shortest: entry.ge ?? outer.length,
    longest: isExact ? outer.length : (entry.le ?? bitsOf(outer.family)),
  }
}
