/**
 * What a request asks for beside its path: selectors, versions, options; from query and body, checked.
 */
import { badRequest, invalid } from './api-error.ts'
import { type AnyObject, isJsonObject } from './objects.ts'
import type { DeleteOptions } from './registry.ts'
import type { ResourceType } from './resource-type.ts'
import { parseFieldSelector, parseLabelSelector } from './selectors.ts'
import { removeUnknownFields } from './unknown-fields.ts'

/** The label and field selectors of a query. */
export function matcher(type: ResourceType, query: URLSearchParams): (object: AnyObject) => boolean {
  const labels = query.get('labelSelector')
  const fields = query.get('fieldSelector')
  const matchesLabels = labels ? parseLabelSelector(labels) : () => true
  const matchesFields = fields ? parseFieldSelector(fields, type.fieldReaders) : () => true
  return (object) => matchesLabels(object.metadata.labels ?? {}) && matchesFields(object)
}

/** The resourceVersion of a query; absent is undefined. */
export function readResourceVersion(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion')
  if (!text) return undefined
  if (!/^\d+$/.test(text)) {
    const errors = [
      {
        type: 'FieldValueInvalid' as const,
        field: 'resourceVersion',
        message: `Invalid value: "${text}": must be a number`,
      },
    ]
    throw invalid({ group: 'meta.k8s.io', plural: 'listoptions', kind: 'ListOptions' }, '', errors)
  }
  return Number(text)
}

/** The options of a create, update or patch. */
export function writeOptions(query: URLSearchParams): { dryRun: boolean } {
  return { dryRun: query.get('dryRun') === 'All' }
}

/** The options of a deletion, from body and query. */
export function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  // An Eviction carries its options one level down.
  const wrapper = isJsonObject(body) ? body : {}
  const options = isJsonObject(wrapper.deleteOptions) ? wrapper.deleteOptions : wrapper
  const grace = options.gracePeriodSeconds ?? query.get('gracePeriodSeconds') ?? undefined
  const seconds = grace === undefined ? undefined : Number(grace)
  if (seconds !== undefined && !Number.isInteger(seconds))
    throw badRequest('gracePeriodSeconds must be a whole number')
  const isDryRun =
    query.get('dryRun') === 'All' || (Array.isArray(options.dryRun) && options.dryRun.includes('All'))
  return {
    dryRun: isDryRun,
    ...(seconds === undefined ? {} : { gracePeriodSeconds: seconds }),
    ...(isJsonObject(options.preconditions) ? { preconditions: options.preconditions } : {}),
  }
}

/** Unknown fields by the client's wish: refused (Strict), reported (Warn) or dropped silently (Ignore). */
export function checkUnknownFields(
  type: ResourceType,
  object: AnyObject,
  query: URLSearchParams,
): readonly string[] {
  const directive = query.get('fieldValidation') ?? 'Warn'
  const paths = type.strategy.unknownFields?.(object) ?? removeUnknownFields(type.kind, object)
  if (directive === 'Ignore') return []
  const unknown = paths.map((path) => `unknown field "${path}"`)
  if (unknown.length > 0 && directive === 'Strict') {
    throw badRequest(
      `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: strict decoding error: ${unknown.join(', ')}`,
    )
  }
  return unknown
}

/** The body as an object. */
export function requireObject(body: unknown): AnyObject {
  if (!isJsonObject(body)) throw badRequest('the request needs an object as its body')
  if (body.metadata !== undefined && !isJsonObject(body.metadata))
    throw badRequest('metadata must be an object')
  return body as AnyObject
}

/** Is a flag of a query set? */
export function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1'
}
