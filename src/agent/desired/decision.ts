import type { Scope } from '../config.ts'

/*
 * What may be said about a service address on this node: announce it, or the first reason why not.
 *
 * The codes are stable: metrics, events and `weft why` use them, and docs/reference/reasons.md explains each. They stand
 * in the order in which they are checked, so a later one means "got further".
 */
export const reasonCodes = [
  'address-invalid',
  'address-reserved',
  'outside-pools',
  'external-name',
  'headless',
  'external-ips-not-allowed',
  'cluster-ips-not-announced',
  'not-a-load-balancer',
  'other-load-balancer-class',
  'not-selected',
  'opted-out',
  'annotation-invalid',
  'service-deleting',
  'node-unknown',
  'node-excluded',
  'endpoints-outside-cluster',
  'node-not-ready',
  'node-network-unavailable',
  'no-endpoints',
  'no-ready-endpoint',
  'no-endpoint-on-node',
  'no-ready-endpoint-on-node',
  'shared-address-conflict',
  'node-drained',
  'no-session',
  'dataplane-not-programmed',
  'damped',
] as const
export type ReasonCode = (typeof reasonCodes)[number]

/** Why an address appears at all. */
export type ClaimSource = 'load-balancer' | 'cluster-ip' | 'external-ip'

export interface Withheld {
  kind: 'withheld'
  address: string
  code: ReasonCode
  text: string
  /** The object at fault, such as `Service shop/web spec.externalIPs`. */
  object: string
  services: string[]
}

/** Why an address stays announced although the objects, by themselves, say withdraw. */
export const holdCodes = ['last-announcer', 'withdrawal-share', 'damped'] as const
export type HoldCode = (typeof holdCodes)[number]

export interface Hold {
  by: HoldCode
  text: string
  /** What would have withdrawn it. */
  against: ReasonCode
}

/** What an announcement says beside its prefix. Absent means: nothing is said. */
export interface AnnounceAttributes {
  scope: Scope
  /** This node's share of the traffic: its ready endpoints, when the traffic policy is Local. A whole number from 1. */
  weight?: number
  /** The node is draining: announce with GRACEFUL_SHUTDOWN (RFC 8326). */
  drained?: true
  /** Standard `65000:1` and large `65000:1:2` communities, canonical, sorted, without repetition. Never empty. */
  communities?: readonly string[]
  /** Seen by iBGP neighbors only. */
  localPreference?: number
  /** How often the own AS is put in front once more, 1 to 10. */
  prepend?: number
}

export interface Announce extends AnnounceAttributes {
  kind: 'announce'
  /** Canonical text. */
  address: string
  /** The same as /32 or /128. */
  prefix: string
  family: 'ipv4' | 'ipv6'
  pool: string
  services: string[]
  /** Present while a guard or damping keeps the route. */
  held?: Hold
}

export type Decision = Announce | Withheld

/** A decision with what a guard needs in order to judge it. */
export interface Verdict {
  decision: Decision
  /** What would be announced, when nothing but health (of endpoints or of the node) speaks against it. */
  otherwise?: Announce
  /** Some endpoint in the cluster may get traffic. */
  isServed: boolean
  /** One that is on another node. */
  isServedElsewhere: boolean
}
