import type { ServiceView } from '../../kube/views.ts'

/*
 * What an operator meant by a word: an address, or a Service by its name, with or without its namespace.
 */

export type Subject =
  | { kind: 'address'; address: string }
  | { kind: 'service'; key: string }
  /** The object is there and cannot be understood. */
  | { kind: 'refused'; key: string; reason: string }
  | { kind: 'ambiguous'; keys: string[] }
  /** The names there are, for whoever looks for the nearest one. */
  | { kind: 'unknown'; known: string[] }

export interface Names {
  services: ReadonlyMap<string, ServiceView>
  refused: ReadonlyMap<string, string>
  isAddress: (text: string) => boolean
}

/** Finds what a word names. */
export function findSubject(word: string, namespace: string | undefined, names: Names): Subject {
  const address = word.replace(/\/(32|128)$/, '')
  if (names.isAddress(address)) return { kind: 'address', address }
  const wanted = namespace === undefined || word.includes('/') ? word : `${namespace}/${word}`
  const isMatch = (key: string) => key === wanted || (!wanted.includes('/') && key.endsWith(`/${wanted}`))
  const keys = [...names.services.keys(), ...names.refused.keys()].filter(isMatch).sort()
  const [key, ...others] = keys
  if (key === undefined) {
    return { kind: 'unknown', known: [...names.services.keys(), ...names.refused.keys()].sort() }
  }
  if (others.length > 0) return { kind: 'ambiguous', keys }
  const reason = names.refused.get(key)
  return reason === undefined ? { kind: 'service', key } : { kind: 'refused', key, reason }
}

/** The addresses to explain: those from outside first, and ClusterIPs only when there are no others. */
export function addressesOf(
  subject: Subject,
  services: ReadonlyMap<string, ServiceView>,
  canonical: (text: string) => string,
): string[] {
  if (subject.kind === 'address') return [canonical(subject.address)]
  const service = subject.kind === 'service' ? services.get(subject.key) : undefined
  if (service === undefined) return []
  const outside = [...service.ingressIPs, ...service.externalIPs]
  const isWaiting = service.type === 'LoadBalancer' && outside.length === 0
  const chosen = outside.length > 0 || isWaiting ? outside : service.clusterIPs
  return [...new Set(chosen.map(canonical))]
}
