/*
 * Client affinity without state: a client's address falls into one of a fixed number of buckets, and every bucket has
 * one endpoint. Rendezvous hashing gives a bucket to the endpoint with the highest score for it, so an endpoint that
 * leaves moves its own clients only, and one that joins takes its share and disturbs nobody else. All nodes come to the
 * same answer: a client keeps its endpoint even when the fabric sends it to another node, which a table of clients on
 * each node (kube-proxy's way) cannot promise.
 */

export const bucketCount = 256

/** The target of each bucket. */
export function assignBuckets(targets: readonly string[]): string[] {
  return Array.from({ length: bucketCount }, (_, bucket) => {
    let best = ''
    let bestScore = -1
    for (const target of targets) {
      const score = scoreOf(target, bucket)
      if (score > bestScore || (score === bestScore && target > best)) {
        best = target
        bestScore = score
      }
    }
    return best
  })
}

/** FNV-1a over the target, finished with a mixer: neighbouring addresses differ in one character only. */
function scoreOf(target: string, bucket: number): number {
  let hash = 0x811c9dc5 ^ Math.imul(bucket + 1, 0x9e3779b1)
  for (let index = 0; index < target.length; index++) {
    hash = Math.imul(hash ^ target.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
