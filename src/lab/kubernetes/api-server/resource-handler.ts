/**
 * The verbs on resources: from a parsed request to a change in the registry and an answer.
 */
import type { ServerResponse } from 'node:http'
import {
  ApiError,
  badRequest,
  invalid,
  methodNotAllowed,
  missingField,
  missingResource,
} from './api-error.ts'
import type { FieldOwners } from './field-owners.ts'
import type { ListPages } from './list-pages.ts'
import type { AnyObject } from './objects.ts'
import { applyMediaTypes, readApply, readPatch } from './patch-request.ts'
import type { ObjectName, Registry } from './registry.ts'
import { negotiateForm, type Presentation, presentList, presentObject } from './representation.ts'
import {
  checkUnknownFields,
  deleteOptions,
  isTrue,
  matcher,
  readResourceVersion,
  requireObject,
  writeOptions,
} from './request-options.ts'
import type { ResourceTarget } from './request-target.ts'
import type { ResourceType, Subresource } from './resource-type.ts'
import { scaleOf, withScale } from './scale.ts'
import { serveWatch, type WatchSettings } from './watch.ts'

/** What the handlers share. */
export interface HandlerContext {
  registry: Registry
  pages: ListPages
  owners: FieldOwners
  watchSettings: WatchSettings
  now: () => number
  /** Keeps the way to end a watch for when the server closes. */
  onWatch: (response: ServerResponse, finish: () => void) => void
}

export interface ResourceRequest {
  method: string
  target: ResourceTarget
  query: URLSearchParams
  accept: string | undefined
  mediaType: string
  body: unknown
  response: ServerResponse
}

export interface Answer {
  code: number
  body: unknown
  warnings?: readonly string[]
}

/** Handles one request; undefined means that the answer is a stream already under way. */
export function handleResource(context: HandlerContext, request: ResourceRequest): Answer | undefined {
  const { target, method } = request
  const type = context.registry.types.find(target.group, target.version, target.plural)
  if (type === undefined || (target.namespace !== undefined && !type.namespaced)) throw missingResource()
  if (target.name === undefined) return handleCollection(context, request, type)
  if (type.namespaced && target.namespace === undefined) throw missingResource()
  const name: ObjectName = {
    name: target.name,
    ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
  }
  if (target.subresource === undefined) return handleObject(context, request, type, name)
  if (!(type.subresources as readonly string[]).includes(target.subresource)) throw missingResource()
  return handleSubresource(context, request, type, name, target.subresource as Subresource, method)
}

function handleCollection(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
): Answer | undefined {
  const { method, query } = request
  switch (method) {
    case 'GET':
      return isTrue(query.get('watch')) ? watch(context, request, type) : list(context, request, type)
    case 'POST':
      return create(context, request, type)
    case 'DELETE':
      return removeCollection(context, request, type)
    default:
      throw methodNotAllowed()
  }
}

function handleObject(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
  name: ObjectName,
): Answer {
  const { registry } = context
  switch (request.method) {
    case 'GET':
      return answerObject(context, request, type, registry.get(type, name))
    case 'PUT':
      return put(context, request, type, name, undefined)
    case 'PATCH':
      return patch(context, request, type, name, undefined)
    case 'DELETE':
      return remove(context, request, type, name)
    default:
      throw methodNotAllowed()
  }
}

function handleSubresource(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
  name: ObjectName,
  subresource: Subresource,
  method: string,
): Answer {
  const { registry } = context
  switch (`${method} ${subresource}`) {
    case 'GET status':
      return answerObject(context, request, type, registry.get(type, name))
    case 'PUT status':
    case 'PUT finalize':
      return put(context, request, type, name, subresource)
    case 'PATCH status':
      return patch(context, request, type, name, subresource)
    case 'GET scale':
      return { code: 200, body: scaleOf(registry.get(type, name)) }
    case 'PUT scale':
    case 'PATCH scale':
      return rescale(context, request, type, name)
    case 'POST binding':
      return bind(context, request, name)
    case 'POST eviction':
      registry.remove(type, name, deleteOptions(request.body, request.query))
      return { code: 201, body: success() }
    case 'GET log':
      registry.get(type, name)
      return { code: 200, body: 'The lab keeps no container logs: its pods answer HTTP and nothing more.\n' }
    default:
      throw methodNotAllowed()
  }
}

function list(context: HandlerContext, request: ResourceRequest, type: ResourceType): Answer {
  const { registry, pages } = context
  const { query, target } = request
  const presentation = presentationOf(request)
  const limit = Number(query.get('limit') ?? 0)
  if (!Number.isInteger(limit) || limit < 0)
    throw badRequest(`limit must be a whole number, not ${query.get('limit')}`)
  const token = query.get('continue')
  const current = registry.store.resourceVersion()
  requireReached(context, query)
  const page = token
    ? pages.next(token, limit)
    : pages.first(registry.list(type, target.namespace).filter(matcher(type, query)), current, limit)
  const metadata = {
    resourceVersion: String(page.resourceVersion),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remainingItemCount === undefined ? {} : { remainingItemCount: page.remainingItemCount }),
  }
  return { code: 200, body: presentList(type, page.objects, metadata, presentation, context.now()) }
}

/** A list "at least as new as" a future, or "exactly at" a past, cannot be given. */
function requireReached({ registry }: HandlerContext, query: URLSearchParams): void {
  const asked = readResourceVersion(query)
  if (asked === undefined || asked === 0) return
  const current = registry.store.resourceVersion()
  if (asked > current) registry.store.changesSince('', asked)
  if (query.get('resourceVersionMatch') === 'Exact' && asked !== current) {
    throw new ApiError(
      410,
      'Expired',
      `The resourceVersion for the provided list is too old: ${asked} (${current})`,
    )
  }
}

function watch(context: HandlerContext, request: ResourceRequest, type: ResourceType): undefined {
  const { query, target, response } = request
  const sendInitialEvents = isTrue(query.get('sendInitialEvents'))
  const match = query.get('resourceVersionMatch')
  if (sendInitialEvents && match !== 'NotOlderThan') {
    const errors = [
      missingField('resourceVersionMatch', 'sendInitialEvents needs resourceVersionMatch=NotOlderThan'),
    ]
    throw invalid({ group: 'meta.k8s.io', plural: 'listoptions', kind: 'ListOptions' }, '', errors)
  }
  if (sendInitialEvents) requireReached(context, query)
  const seconds = Number(query.get('timeoutSeconds') ?? 0)
  const resourceVersion = readResourceVersion(query)
  const finish = serveWatch(
    response,
    context.registry,
    {
      type,
      ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
      matches: matcher(type, query),
      presentation: presentationOf(request),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      sendInitialEvents,
      allowBookmarks: isTrue(query.get('allowWatchBookmarks')),
      // As upstream: spread over half an hour to an hour, so that clients do not all come back at once.
      timeoutSeconds: seconds > 0 ? seconds : 1800 + Math.random() * 1800,
    },
    context.watchSettings,
  )
  context.onWatch(response, finish)
  return undefined
}

function create(context: HandlerContext, request: ResourceRequest, type: ResourceType): Answer {
  return createFrom(context, request, type, requireObject(request.body))
}

function createFrom(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
  body: AnyObject,
): Answer {
  const warnings = checkUnknownFields(type, body, request.query)
  const options = writeOptions(request.query)
  const object = context.registry.create(type, request.target.namespace, body, options)
  return { ...answerObject(context, request, type, object), code: 201, warnings }
}

function put(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
  name: ObjectName,
  subresource: Subresource | undefined,
): Answer {
  const body = requireObject(request.body)
  if (type.isCustom && !body.metadata?.resourceVersion) {
    throw invalid(type, name.name, [
      missingField('metadata.resourceVersion', 'must be specified for an update'),
    ])
  }
  return change(context, request, type, name, () => body, { subresource })
}

function patch(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
  name: ObjectName,
  subresource: Subresource | undefined,
): Answer {
  if (applyMediaTypes.includes(request.mediaType)) return apply(context, request, type, name, subresource)
  const next = readPatch(type, request.mediaType, request.body)
  return change(context, request, type, name, next, { subresource, isPatch: true })
}

/** Changes an object, or the part behind a subresource, and answers with it and with what is unknown in it. */
function change(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
  name: ObjectName,
  next: (current: AnyObject) => AnyObject,
  { subresource, isPatch = false }: { subresource: Subresource | undefined; isPatch?: boolean },
): Answer {
  let warnings: readonly string[] = []
  const checked = (current: AnyObject) => {
    const changed = next(current)
    warnings = checkUnknownFields(type, changed, request.query)
    return changed
  }
  const object = context.registry.update(type, name, checked, {
    ...writeOptions(request.query),
    isPatch,
    ...(subresource === undefined ? {} : { subresource }),
  })
  return { ...answerObject(context, request, type, object), warnings }
}

function apply(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
  name: ObjectName,
  subresource: Subresource | undefined,
): Answer {
  const { registry, owners } = context
  const configuration = requireObject(request.body)
  const manager = request.query.get('fieldManager')
  if (!manager) throw badRequest('fieldManager is required for apply patch')
  configuration.metadata = { ...configuration.metadata, name: configuration.metadata?.name ?? name.name }
  const options = writeOptions(request.query)
  const owner = subresource === undefined ? manager : `${manager}/${subresource}`
  const current = registry.find(type, name)
  const isNew = current === undefined && subresource === undefined
  const isForced = request.query.get('force') === 'true'
  const takeOver =
    current === undefined ? undefined : owners.claim(type.kind, current, owner, configuration, isForced)
  const answer = isNew
    ? createFrom(context, request, type, configuration)
    : change(context, request, type, name, readApply(type, configuration, owner, owners), { subresource })
  const uid = (registry.find(type, name) ?? current)?.metadata.uid
  if (options.dryRun !== true && uid !== undefined) {
    takeOver?.()
    owners.remember(uid, owner, configuration)
  }
  return { ...answer, code: isNew ? 201 : 200 }
}

function remove(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
  name: ObjectName,
): Answer {
  const { object, gone } = context.registry.remove(type, name, deleteOptions(request.body, request.query))
  if (!gone || type.kind === 'Pod') return answerObject(context, request, type, object)
  const { uid } = object.metadata
  return {
    code: 200,
    body: {
      ...success(),
      details: {
        name: name.name,
        ...(type.group === '' ? {} : { group: type.group }),
        kind: type.plural,
        uid,
      },
    },
  }
}

function removeCollection(context: HandlerContext, request: ResourceRequest, type: ResourceType): Answer {
  const { registry } = context
  const options = deleteOptions(request.body, request.query)
  const objects = registry.list(type, request.target.namespace).filter(matcher(type, request.query))
  const removed = objects.map(({ metadata }) => registry.remove(type, metadata, options).object)
  const metadata = { resourceVersion: String(registry.store.resourceVersion()) }
  return { code: 200, body: presentList(type, removed, metadata, presentationOf(request), context.now()) }
}

function rescale(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
  name: ObjectName,
): Answer {
  const change =
    request.method === 'PUT'
      ? () => requireObject(request.body)
      : readPatch({ ...type, isCustom: false }, request.mediaType, request.body)
  const scaled = context.registry.update(
    type,
    name,
    (current) => withScale(type, current, change(scaleOf(current))),
    writeOptions(request.query),
  )
  return { code: 200, body: scaleOf(scaled) }
}

/** Gives a Pod to a node: what a scheduler does instead of an update, because it must not happen twice. */
function bind(context: HandlerContext, request: ResourceRequest, name: ObjectName): Answer {
  const node = (requireObject(request.body).target as { name?: string } | undefined)?.name
  if (!node) throw badRequest('a Binding needs target.name, the node')
  context.registry.bindPod(name, node)
  return { code: 201, body: success() }
}

function answerObject(
  context: HandlerContext,
  request: ResourceRequest,
  type: ResourceType,
  object: AnyObject,
): Answer {
  return { code: 200, body: presentObject(type, object, presentationOf(request), context.now()) }
}

function presentationOf({ accept, query }: ResourceRequest): Presentation {
  return negotiateForm(accept, query.get('includeObject'))
}

function success(): Record<string, unknown> {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' }
}
