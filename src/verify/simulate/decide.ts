/*
 * FRR's decision process (bgpd's best-path comparison, 8.4 to 10.x), for one prefix in one router.
 *
 * FRR compares paths in pairs; here each step takes away those that lose against what is left, and remembers them, so
 * that the step that removed a path can be named. Both come to the same set as long as MED is compared within each
 * neighbour's AS first, which is what `deterministic-med` means; without it, and with different MEDs about, FRR itself
 * depends on the order of arrival, and so says the result.
 *
 * The set of equal paths never depends on order, but which of them is best, and so announced, does: an external path
 * that was selected stays selected (step 12). Here the first by name of the neighbour stands for "some of them", and
 * `dependsOnOrder` is set where they differ in what others are told.
 */
import { parseAddress } from '../../net/address.ts'
import type { BgpRoute } from './bgp-route.ts'
import type { Origin, RouterModel } from './router-model.ts'

export type PathSource = 'network' | 'aggregate' | 'redistribute' | 'ebgp' | 'ibgp'

/** What is compared of a path. */
export interface Candidate {
  source: PathSource
  route: BgpRoute
  /** Sorts equal paths: name of the neighbour's router, then own interface. */
  order: string
  /** AS number of the neighbour. */
  neighborAsn: number
  /** Router ID of the neighbour. */
  neighborId: string | null
  neighborAddress: string | null
}

export type Step =
  | 'weight'
  | 'local preference'
  | 'own routes first'
  | 'AS path length'
  | 'origin'
  | 'MED'
  | 'external over internal'
  | 'maximum-paths'
  | 'not equal enough for multipath'
  | 'oldest'
  | 'router ID'
  | 'cluster list length'
  | 'neighbour address'

export interface Elimination<C> {
  candidate: C
  step: Step
  /** What it had, and what the winner had. */
  had: string
  against: string
}

export interface Decision<C> {
  best: C
  /** Best one first; one entry without multipath. */
  multipath: C[]
  eliminated: Elimination<C>[]
  /**
   * Arrival order decides what is announced further, or which paths are used. What follows from it, if anything, says
   * `orderEffects`.
   */
  dependsOnOrder: boolean
  /** All that might as well be best, the chosen one among them. */
  tied: C[]
}

const originRank: Record<Origin, number> = { igp: 0, egp: 1, incomplete: 2 }

/** The best path and those equal to it; null when there are no candidates. */
export function decide<C extends Candidate>(
  router: RouterModel,
  limits: { ebgp: number; ibgp: number },
  candidates: readonly C[],
): Decision<C> | null {
  if (candidates.length === 0) return null
  const eliminated: Elimination<C>[] = []
  let left = candidates.toSorted((a, b) => (a.order < b.order ? -1 : 1))
  let dependsOnOrder = false

  function keepLowest(step: Step, rank: (candidate: C) => number, show: (candidate: C) => string): void {
    if (left.length < 2) return
    const lowest = left.reduce(
      (least, candidate) => Math.min(least, rank(candidate)),
      Number.POSITIVE_INFINITY,
    )
    const winner = left.find((candidate) => rank(candidate) === lowest)!
    for (const candidate of left)
      if (rank(candidate) > lowest)
        eliminated.push({ candidate, step, had: show(candidate), against: show(winner) })
    left = left.filter((candidate) => rank(candidate) === lowest)
  }

  keepLowest(
    'weight',
    ({ route }) => -route.weight,
    ({ route }) => `${route.weight}`,
  )
  keepLowest(
    'local preference',
    ({ route }) => -route.localPreference,
    ({ route }) => `${route.localPreference}`,
  )
  keepLowest(
    'own routes first',
    ({ source }) => (isOwn(source) ? 0 : 1),
    ({ source }) => source,
  )
  if (!router.bgp.ignoreAsPath)
    keepLowest(
      'AS path length',
      ({ route }) => route.asPath.length,
      ({ route }) => `${route.asPath.length}`,
    )
  keepLowest(
    'origin',
    ({ route }) => originRank[route.origin],
    ({ route }) => route.origin,
  )
  compareMed()
  keepLowest(
    'external over internal',
    ({ source }) => (source === 'ibgp' ? 1 : 0),
    ({ source }) => source,
  )

  const best = pickBest()
  const multipath = isOwn(best.source) ? [best] : [best, ...equalTo(best)]
  return { best, multipath, eliminated, dependsOnOrder, tied: dependsOnOrder ? left : [best] }

  function compareMed(): void {
    const med = ({ route }: C) => route.med ?? 0
    if (router.bgp.alwaysCompareMed) {
      keepLowest('MED', med, (candidate) => `${med(candidate)}`)
      return
    }
    const groups = [...Map.groupBy(left, ({ neighborAsn }) => neighborAsn).values()]
    if (!router.bgp.deterministicMed && groups.length > 1)
      dependsOnOrder ||= groups.some((group) => group.some((candidate) => med(candidate) !== med(group[0]!)))
    const kept: C[] = []
    for (const group of groups) {
      left = group
      keepLowest('MED', med, (candidate) => `${med(candidate)}`)
      kept.push(...left)
    }
    left = kept.sort((a, b) => (a.order < b.order ? -1 : 1))
  }

  /** Steps 12 to 15: only which of the equal paths is best. Nothing is eliminated by them. */
  function pickBest(): C {
    const first = left[0]!
    if (isOwn(first.source) || left.length === 1) return first
    if (first.source === 'ebgp' && !router.bgp.compareRouterId) {
      if (left.some((candidate) => tellsOthersSomethingElse(candidate, first))) dependsOnOrder = true
      return first
    }
    return left.toSorted(
      (a, b) =>
        compareAddress(a.route.originatorId ?? a.neighborId, b.route.originatorId ?? b.neighborId) ||
        a.route.clusterList.length - b.route.clusterList.length ||
        compareAddress(a.neighborAddress, b.neighborAddress) ||
        (a.order < b.order ? -1 : 1),
    )[0]!
  }

  function equalTo(winner: C): C[] {
    const equal: C[] = []
    const limit = winner.source === 'ibgp' ? limits.ibgp : limits.ebgp
    for (const candidate of left) {
      if (candidate === winner) continue
      if (!isEqualEnough(router, winner, candidate)) {
        eliminated.push({
          candidate,
          step: 'not equal enough for multipath',
          had: candidate.route.asPath.join(' '),
          against: winner.route.asPath.join(' '),
        })
      } else if (equal.length + 1 >= limit) {
        // With one path only, internal ones are still chosen by router ID.
        if (limit > 1 || winner.source === 'ebgp') dependsOnOrder = true
        eliminated.push({
          candidate,
          step: 'maximum-paths',
          had: `number ${equal.length + 2}`,
          against: `${limit}`,
        })
      } else equal.push(candidate)
    }
    return equal
  }
}

/** Own routes are told from learned ones before anything else. */
export function isOwn(source: PathSource): boolean {
  return source !== 'ebgp' && source !== 'ibgp'
}

function isEqualEnough(router: RouterModel, a: Candidate, b: Candidate): boolean {
  if (router.bgp.multipathRelax) return true
  if (a.source === 'ibgp') return a.route.asPath.join(' ') === b.route.asPath.join(' ')
  return a.neighborAsn === b.neighborAsn
}

function tellsOthersSomethingElse(a: Candidate, b: Candidate): boolean {
  return (
    a.route.asPath.join(' ') !== b.route.asPath.join(' ') ||
    a.route.bandwidth !== b.route.bandwidth ||
    a.route.med !== b.route.med ||
    a.route.communities.join(' ') !== b.route.communities.join(' ') ||
    a.route.largeCommunities.join(' ') !== b.route.largeCommunities.join(' ')
  )
}

function compareAddress(a: string | null, b: string | null): number {
  const [x, y] = [parseAddress(a ?? ''), parseAddress(b ?? '')]
  if (x === null || y === null) return 0
  return x.value < y.value ? -1 : x.value > y.value ? 1 : 0
}
