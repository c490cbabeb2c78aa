/*
 * How the agent learns that this node forwards a Service address. kube-proxy's first pass over a large cluster takes
 * minutes; an address announced in that time draws traffic into nothing.
 *
 * A detector is asked about addresses that are not announced yet, and about no others: what is announced stays, whatever
 * becomes of the detector.
 */

export interface ServiceAddress {
  address: string
  ports: readonly { protocol: string; port: number }[]
}

export interface DataplaneDetector {
  /** Those of the addresses that the node forwards on every port; rejects when that cannot be told. */
  check(addresses: readonly ServiceAddress[], signal: AbortSignal): Promise<string[]>
  /** Resolves when asking again makes sense. */
  changed(signal: AbortSignal): Promise<void>
}
