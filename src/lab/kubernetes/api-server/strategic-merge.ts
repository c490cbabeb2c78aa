/**
 * Strategic merge patch: Kubernetes' merge that knows which lists are keyed, with its `$patch`, `$retainKeys`,
 * `$setElementOrder` and `$deleteFromPrimitiveList` directives. `kubectl apply`, `edit` and `label` send it for
 * built-in types; custom resources do not take it.
 *
 * Upstream reads the merge keys from struct tags of its Go types. Here one table by field name serves all types,
 * with the parent list deciding where the same name means different things (`ports`).
 */
import { badRequest } from './api-error.ts'
import { isJsonObject, isSameJson } from './objects.ts'

type JsonObject = Record<string, unknown>

/** How a list merges: by the value of a member, as a set of primitives, or not at all (replaced). */
export type ListMerge = { by: string } | 'set' | 'replace'

const mergeKeys: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  volumes: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  secrets: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  hostAliases: 'ip',
  podIPs: 'ip',
  hostIPs: 'ip',
  conditions: 'type',
  ownerReferences: 'uid',
  topologySpreadConstraints: 'topologyKey',
}
const primitiveSets = new Set(['finalizers', 'podCIDRs'])

/** How the list at a path (field names, list indexes left out) merges in an object of this kind. */
export function listMergeAt(kind: string, path: readonly string[]): ListMerge {
  const field = path.at(-1) ?? ''
  if (field === 'ports') {
    if (path.at(-2) === 'containers' || path.at(-2) === 'initContainers') return { by: 'containerPort' }
    return kind === 'Service' && path.length === 2 ? { by: 'port' } : 'replace'
  }
  if (field === 'addresses') return kind === 'Node' ? { by: 'type' } : 'replace'
  if (primitiveSets.has(field)) return 'set'
  const by = mergeKeys[field]
  return by === undefined ? 'replace' : { by }
}

/** Applies a strategic merge patch to an object of a built-in kind. */
export function applyStrategicMerge(kind: string, original: JsonObject, patch: JsonObject): JsonObject {
  return mergeObject(kind, original, patch, [])
}

function mergeObject(
  kind: string,
  original: JsonObject,
  patch: JsonObject,
  path: readonly string[],
): JsonObject {
  if (patch.$patch === 'delete') return {}
  if (patch.$patch === 'replace') return withoutDirectives(patch)
  const result: JsonObject = { ...original }
  if (Array.isArray(patch.$retainKeys)) {
    const retained = new Set<unknown>(patch.$retainKeys)
    for (const key of Object.keys(result)) if (!retained.has(key)) delete result[key]
  }
  for (const [key, value] of Object.entries(patch)) {
    const field = directiveField(key, '$deleteFromPrimitiveList/')
    if (field !== undefined) {
      const unwanted = new Set(asList(value, key))
      result[field] = asList(result[field] ?? [], field).filter((member) => !unwanted.has(member))
    } else if (!key.startsWith('$')) {
      mergeField(kind, result, key, value, [...path, key])
    }
  }
  for (const [key, order] of Object.entries(patch)) {
    const field = directiveField(key, '$setElementOrder/')
    const list = field === undefined ? undefined : result[field]
    if (field !== undefined && Array.isArray(list)) {
      result[field] = inOrder(list, asList(order, key), listMergeAt(kind, [...path, field]))
    }
  }
  return result
}

function mergeField(
  kind: string,
  into: JsonObject,
  key: string,
  value: unknown,
  path: readonly string[],
): void {
  const original = into[key]
  if (value === null) delete into[key]
  else if (isJsonObject(value))
    into[key] = mergeObject(kind, isJsonObject(original) ? original : {}, value, path)
  else if (Array.isArray(value))
    into[key] = mergeList(kind, Array.isArray(original) ? original : [], value, path)
  else into[key] = value
}

function mergeList(kind: string, original: unknown[], patch: unknown[], path: readonly string[]): unknown[] {
  const merge = listMergeAt(kind, path)
  if (merge === 'replace') return patch
  if (merge === 'set') return [...new Set([...original, ...patch])]
  const isReplacement = patch.some((item) => isJsonObject(item) && item.$patch === 'replace')
  const result = isReplacement ? [] : [...original]
  for (const item of patch) {
    if (!isJsonObject(item))
      throw badRequest(`${path.join('.')}: a list merged by "${merge.by}" holds objects only`)
    if (item.$patch === 'replace') continue
    const keyValue = item[merge.by]
    if (keyValue === undefined) {
      throw badRequest(`${path.join('.')}: an element lacks its merge key "${merge.by}"`)
    }
    const index = result.findIndex((each) => isJsonObject(each) && isSameJson(each[merge.by], keyValue))
    if (item.$patch === 'delete') {
      if (index >= 0) result.splice(index, 1)
    } else if (index >= 0) {
      result[index] = mergeObject(kind, result[index] as JsonObject, item, path)
    } else {
      result.push(mergeObject(kind, {}, item, path))
    }
  }
  return result
}

function inOrder(list: unknown[], order: unknown[], merge: ListMerge): unknown[] {
  const identity = (item: unknown) => {
    const key = typeof merge === 'object' && isJsonObject(item) ? item[merge.by] : item
    return JSON.stringify(key)
  }
  const rank = new Map(order.map((item, index) => [identity(item), index]))
  // Elements the client did not know of keep their relative order, behind those it listed.
  return [...list].sort(
    (a, b) => (rank.get(identity(a)) ?? order.length) - (rank.get(identity(b)) ?? order.length),
  )
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => !key.startsWith('$')))
}

function directiveField(key: string, directive: string): string | undefined {
  return key.startsWith(directive) ? key.slice(directive.length) : undefined
}

function asList(value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) throw badRequest(`${field} must be a list`)
  return value
}
