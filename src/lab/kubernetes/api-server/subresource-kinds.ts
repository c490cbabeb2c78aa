/**
 * Subresources that carry another kind of object than their resource, as discovery lists them.
 */
import type { Subresource } from './resource-type.ts'

export const subresourceKinds: Partial<Record<Subresource, object>> = {
  binding: { kind: 'Binding', verbs: ['create'] },
  eviction: { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
  log: { kind: 'Pod', verbs: ['get'] },
  finalize: { kind: 'Namespace', verbs: ['update'] },
  scale: { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] },
}
