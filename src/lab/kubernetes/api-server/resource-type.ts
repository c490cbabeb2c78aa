/**
 * What the server has to know of a type of object: one row in the table of types. Generic code asks the row and
 * never the kind.
 */
import type { FieldError } from './api-error.ts'
import type { AnyObject } from './objects.ts'
import type { FieldReader } from './selectors.ts'

/** A column of `kubectl get`. Priority above 0 is shown with `-o wide` only. */
export interface Column {
  name: string
  type?: 'string' | 'integer' | 'date' | 'boolean' | 'number'
  priority?: number
  cell: (object: AnyObject, now: number) => string | number | boolean | null
}

export interface Allocation {
  errors: FieldError[]
  undo: () => void
}

/** The rules of a type beyond metadata. `prepare…` functions change the object they are given. */
export interface Strategy {
  prepareCreate?: (object: AnyObject) => void
  prepareUpdate?: (object: AnyObject, previous: AnyObject) => void
  validate?: (object: AnyObject, previous: AnyObject | undefined) => FieldError[]
  /** Paths in an object as a client sent it that the type does not have; nothing is said about types without this. */
  unknownFields?: (object: AnyObject) => string[]
  /** Completes a valid object with what the server hands out; undone when the object is not stored after all. */
  allocate?: (object: AnyObject) => Allocation
  /** How long an object that is asked to go may stay; 0 is at once. */
  graceSeconds?: (object: AnyObject, requested: number | undefined) => number
  /** Hooks for what a type keeps outside the object, such as allocated addresses. */
  afterWrite?: (object: AnyObject, previous: AnyObject | undefined) => void
  afterRemove?: (object: AnyObject) => void
}

export type Subresource = 'status' | 'binding' | 'eviction' | 'log' | 'finalize' | 'scale'

export interface ResourceType {
  group: string
  version: string
  plural: string
  singular: string
  kind: string
  namespaced: boolean
  shortNames: readonly string[]
  categories: readonly string[]
  subresources: readonly Subresource[]
  /** Does a change of anything but metadata and status raise `metadata.generation`? */
  tracksGeneration: boolean
  /** Does the status a client sends on create count? Nodes register with theirs. */
  keepsStatusOnCreate: boolean
  /** Custom resources take no strategic merge patch, and no update without a resourceVersion. */
  isCustom: boolean
  fieldReaders: Readonly<Record<string, FieldReader>>
  columns: readonly Column[]
  strategy: Strategy
}

/** The name a type is stored under: `services`, `leases.coordination.k8s.io`. Versions of a type share it. */
export function storageName(type: { group: string; plural: string }): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(type: { group: string; version: string }): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`
}

const metadataReaders: Readonly<Record<string, FieldReader>> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
}

/** Fills a table row with what most types have in common. */
export function defineType(
  row: Pick<ResourceType, 'version' | 'plural' | 'kind'> & Partial<ResourceType>,
): ResourceType {
  return {
    group: '',
    singular: row.kind.toLowerCase(),
    namespaced: true,
    shortNames: [],
    categories: [],
    subresources: [],
    tracksGeneration: false,
    keepsStatusOnCreate: false,
    isCustom: false,
    columns: [],
    strategy: {},
    ...row,
    fieldReaders: { ...metadataReaders, ...row.fieldReaders },
  }
}

/** Reads a dotted path as text, for field selectors; absent is the empty string. */
export function readField(path: string): FieldReader {
  const parts = path.split('.')
  return (object) => {
    let value: unknown = object
    for (const part of parts) value = (value as Record<string, unknown> | undefined | null)?.[part]
    return value === undefined || value === null ? '' : String(value)
  }
}
