import type { Decision } from '../desired/decision.ts'

/**
 * Every Service has a ClusterIP, and nobody asked for it to be announced: one that lies outside the pools is no fault
 * and is not counted as one.
 */
export function isUnasked(decision: Decision): boolean {
  return (
    decision.kind === 'withheld' &&
    (decision.code === 'outside-pools' || decision.code === 'cluster-ips-not-announced') &&
    decision.object.endsWith(' spec.clusterIPs')
  )
}
