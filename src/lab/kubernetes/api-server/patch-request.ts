/**
 * Turns a PATCH into a change of an object, by its media type.
 */
import { ApiError, badRequest } from './api-error.ts'
import { applyJsonPatch, applyMergePatch } from './json-patch.ts'
import { type AnyObject, isJsonObject } from './objects.ts'
import type { ResourceType } from './resource-type.ts'
import { applyConfiguration } from './server-side-apply.ts'
import { applyStrategicMerge } from './strategic-merge.ts'

export const applyMediaTypes: readonly string[] = [
  'application/apply-patch+yaml',
  'application/apply-patch+json',
]

/** What managers applied last, so that what they leave out next time is taken away. */
export interface AppliedConfigurations {
  get(uid: string, manager: string): AnyObject | undefined
  set(uid: string, manager: string, configuration: AnyObject): void
}

/**
 * Remembers at most `capacity` configurations. One that was dropped costs little: fields its manager leaves out
 * afterwards stay in the object.
 */
export function createAppliedConfigurations(capacity = 4096): AppliedConfigurations {
  const byOwner = new Map<string, AnyObject>()
  return {
    get: (uid, manager) => byOwner.get(`${uid}/${manager}`),
    set(uid, manager, configuration) {
      const owner = `${uid}/${manager}`
      byOwner.delete(owner)
      byOwner.set(owner, configuration)
      const oldest = byOwner.keys().next().value
      if (byOwner.size > capacity && oldest !== undefined) byOwner.delete(oldest)
    },
  }
}

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

/** The change that applying a configuration makes, given what its manager applied before. */
export function readApply(
  type: ResourceType,
  configuration: AnyObject,
  previous: AnyObject | undefined,
): (current: AnyObject) => AnyObject {
  return (current) => {
    const next = applyConfiguration(type.kind, current, previous, configuration)
    return requireObject(next)
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
