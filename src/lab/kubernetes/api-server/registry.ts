/**
 * What happens to an object between a request and the store: identity, defaults, validation, conflict detection,
 * generation, graceful deletion and finalizers. The HTTP handlers and the controllers both come through here, so
 * a controller is bound by the same rules as a client.
 *
 * All operations are synchronous and either happen wholly or throw {@link ApiError} and change nothing.
 */
import { randomUUID } from 'node:crypto'
import { alreadyExists, badRequest, conflict, forbidden, invalid, notFound } from './api-error.ts'
import { checkMetadata, checkName, type NameRule } from './metadata-rules.ts'
import {
  keepSystemFields,
  type Preconditions,
  prepareIdentity,
  requirePreconditions,
  requireSameIdentity,
} from './object-identity.ts'
import {
  type AnyObject,
  type Condition,
  editableCopy,
  isSameJson,
  keyOf,
  type Pod,
  timestamp,
} from './objects.ts'
import { type ResourceType, type Subresource, storageName } from './resource-type.ts'
import type { Store } from './store.ts'
import type { TypeCatalog } from './type-catalog.ts'

interface WriteOptions {
  dryRun?: boolean
}

interface UpdateOptions extends WriteOptions {
  subresource?: Subresource
  /** The change comes from a patch rather than a whole object. */
  isPatch?: boolean
}

export interface DeleteOptions extends WriteOptions {
  gracePeriodSeconds?: number
  preconditions?: Preconditions
}

export interface ObjectName {
  namespace?: string
  name: string
}

export interface Registry {
  readonly store: Store
  readonly types: TypeCatalog
  get(type: ResourceType, name: ObjectName): AnyObject
  find(type: ResourceType, name: ObjectName): AnyObject | undefined
  list(type: ResourceType, namespace?: string): AnyObject[]
  create(
    type: ResourceType,
    namespace: string | undefined,
    body: AnyObject,
    options?: WriteOptions,
  ): AnyObject
  /** Replaces an object, or the part behind a subresource, by what `change` makes of a copy of it. */
  update(
    type: ResourceType,
    name: ObjectName,
    change: (current: AnyObject) => AnyObject,
    options?: UpdateOptions,
  ): AnyObject
  /** Gives a Pod to a node: what a scheduler does instead of an update, because it must not happen twice. */
  bindPod(name: ObjectName, node: string): void
  /** Starts or completes a deletion; `gone` says which. */
  remove(type: ResourceType, name: ObjectName, options?: DeleteOptions): { object: AnyObject; gone: boolean }
}

export interface RegistryOptions {
  store: Store
  types: TypeCatalog
  now?: () => number
}

/** The registry over a store and a table of types. */
export function createRegistry({ store, types, now = Date.now }: RegistryOptions): Registry {
  function find(type: ResourceType, name: ObjectName): AnyObject | undefined {
    return store.get(storageName(type), keyOf(scoped(type, name)))
  }

  function get(type: ResourceType, name: ObjectName): AnyObject {
    const object = find(type, name)
    if (object === undefined) throw notFound(type, name.name)
    return object
  }

  function requireNamespace(type: ResourceType, name: string, namespace: string): void {
    const found = store.get('namespaces', namespace)
    if (found === undefined) throw notFound({ group: '', plural: 'namespaces', kind: 'Namespace' }, namespace)
    if (found.metadata.deletionTimestamp !== undefined) {
      throw forbidden(
        type,
        name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      )
    }
  }

  function create(
    type: ResourceType,
    namespace: string | undefined,
    body: AnyObject,
    options: WriteOptions = {},
  ): AnyObject {
    const object = prepareIdentity(type, namespace, editableCopy(body))
    const { metadata } = object
    if (metadata.namespace !== undefined) requireNamespace(type, metadata.name, metadata.namespace)
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== '') {
      throw badRequest('resourceVersion should not be set on objects to be created')
    }
    metadata.uid = randomUUID()
    metadata.creationTimestamp = timestamp(now())
    delete metadata.deletionTimestamp
    delete metadata.deletionGracePeriodSeconds
    delete metadata.managedFields
    delete metadata.generation
    if (type.tracksGeneration) metadata.generation = 1
    if (type.subresources.includes('status') && !type.keepsStatusOnCreate) delete object.status
    type.strategy.prepareCreate?.(object)
    check(type, object, undefined)
    if (find(type, metadata) !== undefined) throw alreadyExists(type, metadata.name)
    const undo = allocate(type, object)
    if (options.dryRun === true) {
      undo()
      return object
    }
    const stored = store.put(storageName(type), object)
    type.strategy.afterWrite?.(stored, undefined)
    return stored
  }

  function update(
    type: ResourceType,
    name: ObjectName,
    change: (current: AnyObject) => AnyObject,
    options: UpdateOptions = {},
  ): AnyObject {
    const current = get(type, name)
    const asked = change(editableCopy(current))
    requireSameIdentity(type, current, asked, options.isPatch === true)
    const next = keepSystemFields(type, current, asked, options.subresource)
    if (options.subresource === undefined) type.strategy.prepareUpdate?.(next, current)
    check(type, next, current)
    const undo = allocate(type, next)
    if (isSameJson(next, current)) return current
    if (type.tracksGeneration && isSpecChanged(next, current)) {
      next.metadata.generation = (current.metadata.generation ?? 0) + 1
    }
    if (options.dryRun === true) {
      undo()
      return next
    }
    if (isReadyToGo(next)) return erase(type, next)
    const stored = store.put(storageName(type), next)
    type.strategy.afterWrite?.(stored, current)
    return stored
  }

  function remove(
    type: ResourceType,
    name: ObjectName,
    options: DeleteOptions = {},
  ): { object: AnyObject; gone: boolean } {
    const current = get(type, name)
    requirePreconditions(type, current, options.preconditions)
    const grace = type.strategy.graceSeconds?.(current, options.gracePeriodSeconds) ?? 0
    const next = editableCopy(current)
    const { metadata } = next
    const isShorter = grace < (metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY)
    if (metadata.deletionTimestamp === undefined || isShorter) {
      metadata.deletionTimestamp = timestamp(now() + grace * 1000)
      metadata.deletionGracePeriodSeconds = grace
      if (type.tracksGeneration) metadata.generation = (metadata.generation ?? 0) + 1
      if (storageName(type) === 'namespaces') next.status = { phase: 'Terminating' }
    }
    if (isReadyToGo(next)) {
      return { object: options.dryRun === true ? next : erase(type, current), gone: true }
    }
    if (options.dryRun === true || isSameJson(next, current)) return { object: next, gone: false }
    const stored = store.put(storageName(type), next)
    type.strategy.afterWrite?.(stored, current)
    return { object: stored, gone: false }
  }

  function bindPod(name: ObjectName, node: string): void {
    const type = types.stored('pods')
    const pod = editableCopy(get(type, name)) as unknown as Pod
    if (pod.metadata.deletionTimestamp !== undefined) throw conflict(type, name.name, 'pod is being deleted')
    if (pod.spec.nodeName) {
      throw conflict(type, name.name, `pod ${name.name} is already assigned to node "${pod.spec.nodeName}"`)
    }
    pod.spec.nodeName = node
    const others = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled')
    const scheduled: Condition = {
      type: 'PodScheduled',
      status: 'True',
      lastTransitionTime: timestamp(now()),
    }
    pod.status = { ...pod.status, conditions: [...others, scheduled] }
    store.put(storageName(type), pod as unknown as AnyObject)
  }

  function erase(type: ResourceType, object: AnyObject): AnyObject {
    const removed = store.remove(storageName(type), keyOf(object.metadata)) ?? object
    type.strategy.afterRemove?.(removed)
    return removed
  }

  return {
    store,
    types,
    get,
    find,
    list: (type, namespace) => store.list(storageName(type), type.namespaced ? namespace : undefined),
    create,
    update,
    bindPod,
    remove,
  }
}

function scoped(type: ResourceType, { namespace, name }: ObjectName): ObjectName {
  return type.namespaced && namespace !== undefined ? { namespace, name } : { name }
}

/** Nothing holds the object any more: it was asked to go, its time is over and no finalizer is left. */
function isReadyToGo(object: AnyObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata
  if (deletionTimestamp === undefined || (deletionGracePeriodSeconds ?? 0) > 0) return false
  const namespaceFinalizers =
    object.kind === 'Namespace' ? (object.spec as { finalizers?: string[] }) : undefined
  return (finalizers ?? []).length === 0 && (namespaceFinalizers?.finalizers ?? []).length === 0
}

function isSpecChanged(next: AnyObject, current: AnyObject): boolean {
  const { metadata: _a, status: _b, ...left } = next
  const { metadata: _c, status: _d, ...right } = current
  return !isSameJson(left, right)
}

function check(type: ResourceType, object: AnyObject, previous: AnyObject | undefined): void {
  const errors = [
    ...(previous === undefined ? checkName(object.metadata.name, nameRule(type)) : []),
    ...checkMetadata(object.metadata),
    ...(type.strategy.validate?.(object, previous) ?? []),
  ]
  if (errors.length > 0) throw invalid(type, object.metadata.name, errors)
}

/** Hands out what a valid object needs, and returns the way to take that back. */
function allocate(type: ResourceType, object: AnyObject): () => void {
  const allocation = type.strategy.allocate?.(object)
  if (allocation === undefined) return () => {}
  if (allocation.errors.length > 0) {
    allocation.undo()
    throw invalid(type, object.metadata.name, allocation.errors)
  }
  return allocation.undo
}

function nameRule(type: ResourceType): NameRule {
  if (type.kind === 'Namespace') return 'label'
  return type.kind === 'Service' && type.group === '' ? 'label-1035' : 'subdomain'
}
