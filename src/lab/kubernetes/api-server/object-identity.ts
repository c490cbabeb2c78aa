/**
 * Who an object is, and what of it no client may change: name, namespace and kind on the way in, preconditions and
 * resource versions, and the fields that are the server's.
 */
import { type ApiError, badRequest, conflict, invalid, invalidField } from './api-error.ts'
import { generateName } from './metadata-rules.ts'
import { type AnyObject, editableCopy, isJsonObject } from './objects.ts'
import { apiVersionOf, type ResourceType, type Subresource } from './resource-type.ts'

/** Checks kind and namespace of a new object, and gives it a name where it asks for one. */
export function prepareIdentity(
  type: ResourceType,
  namespace: string | undefined,
  object: AnyObject,
): AnyObject {
  requireKind(type, object)
  object.metadata = isJsonObject(object.metadata) ? object.metadata : { name: '' }
  const { metadata } = object
  if (!type.namespaced) delete metadata.namespace
  else if (namespace === undefined) throw badRequest(`a namespace is needed to create ${type.plural}`)
  else if (
    metadata.namespace !== undefined &&
    metadata.namespace !== '' &&
    metadata.namespace !== namespace
  ) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  } else metadata.namespace = namespace
  metadata.name ??= ''
  dropEmpty(metadata)
  if (metadata.name === '' && metadata.generateName) metadata.name = generateName(metadata.generateName)
  return object
}

/** A body may leave both out for built-in types; what it says must be right. */
function requireKind(type: ResourceType, object: AnyObject): void {
  if (!type.isCustom) {
    object.apiVersion ||= apiVersionOf(type)
    object.kind ||= type.kind
  }
  const [group = ''] = object.apiVersion?.includes('/') ? object.apiVersion.split('/') : ['']
  if (object.kind === type.kind && group === type.group && typeof object.apiVersion === 'string') return
  throw badRequest(
    `${object.apiVersion ?? 'no apiVersion'}, Kind=${object.kind ?? 'none'} in the body, where ` +
      `${apiVersionOf(type)}, Kind=${type.kind} belongs`,
  )
}

/** A change is of this very object, as the client last saw it. */
export function requireSameIdentity(
  type: ResourceType,
  current: AnyObject,
  asked: AnyObject,
  isPatch: boolean,
): void {
  requireKind(type, asked)
  const { name, uid, resourceVersion } = asked.metadata ?? {}
  if (name !== undefined && name !== current.metadata.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${current.metadata.name})`,
    )
  }
  if (uid !== undefined && uid !== '' && uid !== current.metadata.uid) {
    // A patch names the uid as a field it wants to change, an update as a precondition.
    if (isPatch)
      throw invalid(type, current.metadata.name, [invalidField('metadata.uid', uid, 'field is immutable')])
    throw conflict(
      type,
      current.metadata.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
    )
  }
  if (
    resourceVersion !== undefined &&
    resourceVersion !== '' &&
    resourceVersion !== current.metadata.resourceVersion
  ) {
    throw staleUpdate(type, current.metadata.name)
  }
}

function staleUpdate(type: ResourceType, name: string): ApiError {
  return conflict(
    type,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  )
}

export interface Preconditions {
  uid?: string
  resourceVersion?: string
}

/** A deletion may name which object, and which version of it, it means. */
export function requirePreconditions(
  type: ResourceType,
  current: AnyObject,
  preconditions: Preconditions | undefined,
): void {
  const { name, uid, resourceVersion } = current.metadata
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(
      type,
      name,
      `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`,
    )
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw staleUpdate(type, name)
  }
}

/** A client changes either the object without its status, or the part behind one subresource; the rest stays. */
export function keepSystemFields(
  type: ResourceType,
  current: AnyObject,
  asked: AnyObject,
  subresource: Subresource | undefined,
): AnyObject {
  if (subresource === 'status') return withField(current, 'status', asked.status)
  if (subresource === 'finalize') return withField(current, 'spec', asked.spec)
  const next = type.subresources.includes('status') ? withField(asked, 'status', current.status) : asked
  const {
    uid,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    resourceVersion,
  } = current.metadata
  const metadata = { ...next.metadata, name: current.metadata.name }
  dropEmpty(metadata)
  delete metadata.managedFields
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.generation
  Object.assign(
    metadata,
    { uid, creationTimestamp, resourceVersion },
    current.metadata.namespace === undefined ? {} : { namespace: current.metadata.namespace },
    deletionTimestamp === undefined ? {} : { deletionTimestamp, deletionGracePeriodSeconds },
    generation === undefined ? {} : { generation },
  )
  return { ...next, apiVersion: current.apiVersion, metadata }
}

/** Empty maps and lists of metadata are not written out. */
function dropEmpty(metadata: AnyObject['metadata']): void {
  for (const key of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    if (Object.keys(metadata[key] ?? { present: true }).length === 0) delete metadata[key]
  }
}

function withField(object: AnyObject, field: string, value: unknown): AnyObject {
  const copy: AnyObject = editableCopy(object)
  if (value === undefined) delete copy[field]
  else copy[field] = editableCopy(value)
  return copy
}
