import type { BgpPathDetail } from './show-bgp.ts'

/*
 * Weighted ECMP as a receiving router sees it. FRR divides by link bandwidth only while every path that takes part
 * carries one; a single path without turns it off for the prefix, and nothing says so.
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
