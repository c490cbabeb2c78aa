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
  'opted-out',
  'node-network-unavailable',
  'node-excluded',
  'no-endpoints',
  'no-ready-endpoint',
  'no-endpoint-on-node',
  'no-ready-endpoint-on-node',
] as const
export type ReasonCode = (typeof reasonCodes)[number]

/** Why an address appears at all. */
export type ClaimSource = 'load-balancer' | 'cluster-ip' | 'external-ip'

interface Withheld {
  kind: 'withheld'
  address: string
  code: ReasonCode
  text: string
  /** The object at fault, such as `Service shop/web spec.externalIPs`. */
  object: string
  services: string[]
}

export interface Announce {
  kind: 'announce'
  /** Canonical text. */
  address: string
  /** The same as /32 or /128. */
  prefix: string
  family: 'ipv4' | 'ipv6'
  pool: string
  scope: Scope
  services: string[]
}

export type Decision = Announce | Withheld
