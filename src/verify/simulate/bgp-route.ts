/** A route as it stands in one router's BGP table. */
import type { Origin } from './router-model.ts'

export interface BgpRoute {
  asPath: readonly number[]
  origin: Origin
  med: number | null
  localPreference: number
  weight: number
  /** Sorted, `65535:0`. */
  communities: readonly string[]
  /** Sorted, `4200000000:1:1`. */
  largeCommunities: readonly string[]
  /** Link bandwidth in bytes per second, as the extended community carries it. */
  bandwidth: number | null
  /** A policy of this router set the bandwidth: it is not summed up on the way out. */
  bandwidthIsSet: boolean
  /** The address to send to; null for the neighbour that said so, over the link it said it on. */
  nextHop: string | null
  originatorId: string | null
  clusterList: readonly string[]
}

/** GRACEFUL_SHUTDOWN (RFC 8326). */
export const gracefulShutdown = '65535:0'

/** What `network` makes, before its route map. */
export const localRoute: BgpRoute = {
  asPath: [],
  origin: 'igp',
  med: 0,
  localPreference: 100,
  // Routes of one's own win over learned ones before anything else is looked at.
  weight: 32_768,
  communities: [],
  largeCommunities: [],
  bandwidth: null,
  bandwidthIsSet: false,
  nextHop: null,
  originatorId: null,
  clusterList: [],
}

/** Are two routes the same in everything that is told to others? */
export function isSameRoute(a: BgpRoute, b: BgpRoute): boolean {
  return (
    a === b ||
    (a.origin === b.origin &&
      a.med === b.med &&
      a.localPreference === b.localPreference &&
      a.weight === b.weight &&
      a.bandwidth === b.bandwidth &&
      a.nextHop === b.nextHop &&
      a.originatorId === b.originatorId &&
      isSameList(a.asPath, b.asPath) &&
      isSameList(a.communities, b.communities) &&
      isSameList(a.largeCommunities, b.largeCommunities) &&
      isSameList(a.clusterList, b.clusterList))
  )
}

function isSameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((entry, index) => entry === b[index])
}
