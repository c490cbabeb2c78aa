/**
 * JSON patch (RFC 6902) and JSON merge patch (RFC 7386).
 */
import { ApiError, badRequest } from './api-error.ts'
import { editableCopy, isJsonObject, isSameJson } from './objects.ts'

type JsonObject = Record<string, unknown>

/** Applies a merge patch: members replace members, null removes, lists are replaced. */
export function applyMergePatch(original: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch
  const result: JsonObject = isJsonObject(original) ? { ...original } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = applyMergePatch(result[key], value)
  }
  return result
}

/** Applies a list of operations in order; the first one that does not fit refuses the whole patch. */
export function applyJsonPatch(original: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw badRequest('a JSON patch is a list of operations')
  const document = { root: editableCopy(original) }
  for (const operation of operations) applyOperation(document, operation)
  return document.root
}

interface Document {
  root: unknown
}

function applyOperation(document: Document, operation: unknown): void {
  if (!isJsonObject(operation) || typeof operation.path !== 'string') {
    throw badRequest('a JSON patch operation needs "op" and "path"')
  }
  const path = parsePointer(operation.path)
  switch (operation.op) {
    case 'add':
      add(document, path, operation.value)
      return
    case 'remove':
      remove(document, path)
      return
    case 'replace':
      remove(document, path)
      add(document, path, operation.value)
      return
    case 'move':
      add(document, path, remove(document, parsePointer(String(operation.from))))
      return
    case 'copy':
      add(document, path, editableCopy(read(document, parsePointer(String(operation.from)))))
      return
    case 'test':
      if (isSameJson(read(document, path), operation.value)) return
      throw unfit(`the value at "${operation.path}" is not the one tested for`)
    default:
      throw badRequest(`unknown JSON patch operation "${String(operation.op)}"`)
  }
}

/** Upstream answers 422 to a patch that is well-formed but does not fit the object. */
function unfit(why: string): ApiError {
  return new ApiError(
    422,
    'Invalid',
    `the server rejected our request due to an error in our request: ${why}`,
  )
}

function parsePointer(pointer: string): string[] {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) throw badRequest(`"${pointer}" is not a JSON pointer: it must start with "/"`)
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function read(document: Document, path: readonly string[]): unknown {
  let value = document.root
  for (const part of path) {
    if (Array.isArray(value)) value = value[listIndex(part, value.length - 1, path)]
    else if (isJsonObject(value) && Object.hasOwn(value, part)) value = value[part]
    else throw unfit(`nothing at "/${path.join('/')}"`)
  }
  return value
}

function add(document: Document, path: readonly string[], value: unknown): void {
  const last = path.at(-1)
  if (last === undefined) {
    document.root = value
    return
  }
  const parent = read(document, path.slice(0, -1))
  if (Array.isArray(parent)) {
    parent.splice(last === '-' ? parent.length : listIndex(last, parent.length, path), 0, value)
  } else if (isJsonObject(parent)) {
    parent[last] = value
  } else {
    throw unfit(`"/${path.slice(0, -1).join('/')}" is neither an object nor a list`)
  }
}

function remove(document: Document, path: readonly string[]): unknown {
  const value = read(document, path)
  const last = path.at(-1)
  if (last === undefined) {
    document.root = undefined
    return value
  }
  const parent = read(document, path.slice(0, -1))
  if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else delete (parent as JsonObject)[last]
  return value
}

function listIndex(part: string, highest: number, path: readonly string[]): number {
  const index = /^(0|[1-9]\d*)$/.test(part) ? Number(part) : Number.NaN
  if (!(index <= highest)) throw unfit(`no list element at "/${path.join('/')}"`)
  return index
}
