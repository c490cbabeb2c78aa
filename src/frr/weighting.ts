import type { BgpPathDetail } from './show-bgp.ts'

/*
 * Weighted ECMP as seen from a router and from a node. FRR divides by link bandwidth only while every path that takes
 * part carries one; a single path without turns it off for the prefix, and nothing says so. A router that has turned it
 * off passes the route on without a bandwidth, and that is all a node below it can see: of its neighbors it has one path
 * each, the best one.
 */

/** Bytes a second of a path's link-bandwidth community, which is what its share is proportional to. */
function linkBandwidthOf(path: Pick<BgpPathDetail, 'extendedCommunities'>): number | undefined {
  const found = path.extendedCommunities.find((community) => community.startsWith('LB:'))
  const bandwidth = Number(found?.split(':')[2])
  return Number.isFinite(bandwidth) ? bandwidth : undefined
}

/** The paths in use that turn weighting off for all: those without a weight, while others have one. */
export function unweightedPaths<Path extends Pick<BgpPathDetail, 'extendedCommunities' | 'isMultipath'>>(
  paths: readonly Path[],
): Path[] {
  const used = paths.filter((path) => path.isMultipath)
  const without = used.filter((path) => linkBandwidthOf(path) === undefined)
  return without.length === used.length ? [] : without
}

/** On a node that announces a weight: the neighbors that pass the prefix on without one. */
export function unweightedNeighbors(
  paths: readonly Pick<
    BgpPathDetail,
    'extendedCommunities' | 'isValid' | 'peer' | 'interface' | 'peerHostname'
  >[],
): string[] {
  const own = paths.find(({ peer }) => peer === '')
  if (own === undefined || linkBandwidthOf(own) === undefined) return []
  return paths
    .filter((path) => path.peer !== '' && path.isValid && linkBandwidthOf(path) === undefined)
    .map((path) => path.peerHostname ?? path.interface ?? path.peer)
}
