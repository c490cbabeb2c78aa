/*
 * The few fields of Kubernetes objects that Weft reads, as they stand in raw JSON.
 *
 * Everything is `unknown` or optional on purpose: an API server validates its built-in types, but whoever serves this
 * API may be of any version, and one broken object must not stop all others. The projections in views.ts check.
 */

interface RawMetadata {
  name?: unknown
  namespace?: unknown
  uid?: unknown
  resourceVersion?: unknown
  labels?: unknown
  annotations?: unknown
  deletionTimestamp?: unknown
}

export interface RawObject {
  kind?: unknown
  metadata?: RawMetadata
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
  [field: string]: unknown
}

export interface RawList {
  metadata?: { resourceVersion?: string; continue?: string }
  items?: RawObject[] | null
}

export interface RawWatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: RawObject & { code?: number; message?: string }
}

/** A resource as its REST path names it. */
export interface ResourcePath {
  /** `/api/v1`, or `/apis/<group>/<version>`. */
  prefix: string
  /** Plural, such as `endpointslices`. */
  resource: string
  namespace?: string
}

export const services: ResourcePath = { prefix: '/api/v1', resource: 'services' }
export const nodes: ResourcePath = { prefix: '/api/v1', resource: 'nodes' }
export const endpointSlices: ResourcePath = {
  prefix: '/apis/discovery.k8s.io/v1',
  resource: 'endpointslices',
}

/** The URL path of a collection. */
export function collectionPath(path: ResourcePath): string {
  const namespace = path.namespace === undefined ? '' : `/namespaces/${path.namespace}`
  return `${path.prefix}${namespace}/${path.resource}`
}
