/**
 * How objects leave the server: as they are, as a Table for `kubectl get`, or as metadata only; chosen by `Accept`.
 */
import { ApiError } from './api-error.ts'
import { plainColumns } from './columns.ts'
import type { AnyObject } from './objects.ts'
import { apiVersionOf, type ResourceType } from './resource-type.ts'

type Form = 'object' | 'table' | 'metadata'

export interface Presentation {
  form: Form
  /** What a table row carries beside its cells. */
  includeObject: 'None' | 'Metadata' | 'Object'
}

/** The form a client prefers. Clients list it first and plain JSON as the way out. */
export function negotiateForm(accept: string | undefined, includeObject: string | null): Presentation {
  const row = includeObject === 'None' || includeObject === 'Object' ? includeObject : 'Metadata'
  for (const choice of (accept ?? '*/*').split(',')) {
    const [mediaType = '', ...parameters] = choice.split(';').map((part) => part.trim())
    if (!['application/json', '*/*', 'application/*'].includes(mediaType)) continue
    const as = parameters.find((parameter) => parameter.startsWith('as='))?.slice(3)
    const isV1 = parameters.includes('v=v1') || !parameters.some((parameter) => parameter.startsWith('v='))
    if (as === undefined) return { form: 'object', includeObject: row }
    if (as === 'Table' && isV1) return { form: 'table', includeObject: row }
    if (as.startsWith('PartialObjectMetadata') && isV1) return { form: 'metadata', includeObject: row }
  }
  throw new ApiError(
    406,
    'NotAcceptable',
    `only application/json can be served, and the request accepts ${accept ?? 'nothing'}`,
  )
}

/** One object in the chosen form. */
export function presentObject(
  type: ResourceType,
  object: AnyObject,
  { form, includeObject }: Presentation,
  now: number,
): unknown {
  const versioned = inVersion(type, object)
  if (form === 'metadata') return metadataOf(versioned)
  if (form === 'object') return versioned
  return tableOf(
    type,
    [versioned],
    { resourceVersion: object.metadata.resourceVersion ?? '' },
    includeObject,
    now,
  )
}

/** A list in the chosen form. */
export function presentList(
  type: ResourceType,
  objects: readonly AnyObject[],
  metadata: Record<string, unknown>,
  { form, includeObject }: Presentation,
  now: number,
): unknown {
  const versioned = objects.map((object) => inVersion(type, object))
  if (form === 'table') return tableOf(type, versioned, metadata, includeObject, now)
  if (form === 'metadata') {
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      items: versioned.map(metadataOf),
    }
  }
  return {
    kind: `${type.kind}List`,
    apiVersion: apiVersionOf(type),
    metadata,
    // As upstream, items of built-in lists do not repeat kind and apiVersion; clients must not rely on them.
    items: type.isCustom
      ? versioned
      : versioned.map(({ kind: _kind, apiVersion: _version, ...rest }) => rest),
  }
}

function inVersion(type: ResourceType, object: AnyObject): AnyObject {
  const apiVersion = apiVersionOf(type)
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion }
}

function metadataOf({ metadata }: AnyObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
}

function tableOf(
  type: ResourceType,
  objects: readonly AnyObject[],
  metadata: Record<string, unknown>,
  includeObject: Presentation['includeObject'],
  now: number,
): object {
  const columns = type.columns.length === 0 ? plainColumns : type.columns
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map((column) => ({
      name: column.name,
      type: column.type ?? 'string',
      format: column.name === 'Name' ? 'name' : '',
      description: '',
      priority: column.priority ?? 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, now)),
      ...(includeObject === 'None'
        ? {}
        : { object: includeObject === 'Object' ? object : metadataOf(object) }),
    })),
  }
}
