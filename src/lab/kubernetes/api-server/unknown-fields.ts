/**
 * Fields of built-in objects that their types do not have: a typing error in a manifest is said, not swallowed. Known
 * are the fields of the types whose messages this server knows completely; of others nothing is said.
 */
import { isJsonObject } from './objects.ts'
import { type FieldType, messages } from './protobuf-messages.ts'

const complete = new Set(['Namespace', 'ConfigMap', 'Secret', 'Service'])
/** Every object has these beside the fields of its message. */
const universal = new Set(['apiVersion', 'kind'])

/** Removes what the kind does not have, and returns the paths removed. Changes `object`. */
export function removeUnknownFields(kind: string, object: unknown): string[] {
  return complete.has(kind) ? removeFrom(object, kind, '') : []
}

function removeFrom(value: unknown, messageName: string, path: string): string[] {
  const message = messages[messageName]
  if (!isJsonObject(value) || message === undefined) return []
  const fields = new Map(Object.values(message).map(({ name, type }) => [name, type]))
  const removed: string[] = []
  for (const [key, member] of Object.entries(value)) {
    const here = path === '' ? key : `${path}.${key}`
    const type = fields.get(key)
    if (type !== undefined) removed.push(...removeFromMember(member, type, here))
    else if (path !== '' || !universal.has(key)) {
      delete value[key]
      removed.push(here)
    }
  }
  return removed
}

function removeFromMember(member: unknown, type: FieldType, path: string): string[] {
  if (typeof type === 'string' || !('message' in type)) return []
  if (!Array.isArray(member)) return removeFrom(member, type.message, path)
  return member.flatMap((item, index) => removeFrom(item, type.message, `${path}[${index}]`))
}
