/**
 * Turns a PATCH into a change of an object, by its media type.
 */
import { ApiError, badRequest } from './api-error.ts'
import type { FieldOwners } from './field-owners.ts'
import { applyJsonPatch, applyMergePatch } from './json-patch.ts'
import { type AnyObject, isJsonObject } from './objects.ts'
import type { ResourceType } from './resource-type.ts'
import { applyConfiguration } from './server-side-apply.ts'
import { applyStrategicMerge } from './strategic-merge.ts'

export const applyMediaTypes: readonly string[] = [
  'application/apply-patch+yaml',
  'application/apply-patch+json',
]

/** The change that a patch of this media type makes. */
export function readPatch(
  type: ResourceType,
  mediaType: string,
  body: unknown,
): (current: AnyObject) => AnyObject {
  switch (mediaType) {
    case 'application/json-patch+json':
      return (current) => requireObject(applyJsonPatch(current, body))
    case 'application/merge-patch+json': {
      const patch = requirePatch(body)
      return (current) => requireObject(applyMergePatch(current, patch))
    }
    case 'application/strategic-merge-patch+json': {
      if (type.isCustom) break
      const patch = requirePatch(body)
      return (current) => requireObject(applyStrategicMerge(type.kind, current, patch))
    }
  }
  const supported = [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/apply-patch+yaml',
  ]
  if (!type.isCustom) supported.push('application/strategic-merge-patch+json')
  throw new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`,
  )
}

/** The change that a manager's configuration makes, given what it and others applied before. */
export function readApply(
  { kind }: ResourceType,
  configuration: AnyObject,
  manager: string,
  owners: FieldOwners,
): (current: AnyObject) => AnyObject {
  return (current) => {
    const uid = current.metadata.uid ?? ''
    const isHeld = owners.isHeldByOthers(kind, uid, manager)
    return requireObject(
      applyConfiguration(kind, current, owners.configurationOf(uid, manager), configuration, isHeld),
    )
  }
}

function requirePatch(body: unknown): Record<string, unknown> {
  if (!isJsonObject(body)) throw badRequest('the patch must be a JSON object')
  return body
}

function requireObject(value: unknown): AnyObject {
  if (!isJsonObject(value) || !isJsonObject(value.metadata)) {
    throw badRequest('the patch leaves no object with metadata')
  }
  return value as AnyObject
}
