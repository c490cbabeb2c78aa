/**
 * The part of OpenAPI v3 structural schemas that decides what a custom resource may hold: types, required and unknown
 * members, defaults, enumerations, bounds, patterns. CEL rules (`x-kubernetes-validations`) are not evaluated.
 */
import { type FieldError, invalidField, missingField, unsupportedField } from './api-error.ts'
import { editableCopy, isJsonObject } from './objects.ts'

export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  required?: string[]
  enum?: unknown[]
  default?: unknown
  nullable?: boolean
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  pattern?: string
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
}

/** These belong to every object and are checked elsewhere. */
const universal = new Set(['apiVersion', 'kind', 'metadata'])

/** Removes what the schema does not know, and returns the paths removed. Changes `value`. */
export function pruneUnknown(value: unknown, schema: Schema, path = ''): string[] {
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined
      ? []
      : value.flatMap((item, index) => pruneUnknown(item, items, `${path}[${index}]`))
  }
  if (!isJsonObject(value)) return []
  const removed: string[] = []
  for (const [key, member] of Object.entries(value)) {
    const here = path === '' ? key : `${path}.${key}`
    const known = memberSchema(schema, key)
    if ((path === '' || schema['x-kubernetes-embedded-resource'] === true) && universal.has(key)) continue
    if (known !== undefined) removed.push(...pruneUnknown(member, known, here))
    else if (
      schema['x-kubernetes-preserve-unknown-fields'] !== true &&
      schema.additionalProperties !== true
    ) {
      delete value[key]
      removed.push(here)
    }
  }
  return removed
}

/** Fills in defaults of absent members, outermost first. Changes `value`. */
export function applySchemaDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    for (const item of value) if (schema.items !== undefined) applySchemaDefaults(item, schema.items)
  }
  if (!isJsonObject(value)) return
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    if (value[key] === undefined && member.default !== undefined) value[key] = editableCopy(member.default)
  }
  for (const [key, member] of Object.entries(value)) {
    const known = memberSchema(schema, key)
    if (known !== undefined) applySchemaDefaults(member, known)
  }
}

/** What breaks the schema. */
export function checkAgainstSchema(value: unknown, schema: Schema, path = ''): FieldError[] {
  if (value === null && schema.nullable === true) return []
  if (schema['x-kubernetes-int-or-string'] === true) {
    const isEither = Number.isInteger(value) || typeof value === 'string'
    return isEither ? [] : [invalidField(path, value, 'must be an integer or a string')]
  }
  if (schema.type !== undefined && !hasType(value, schema.type)) {
    return [invalidField(path, value, `must be of type ${schema.type}`)]
  }
  const errors: FieldError[] = []
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    errors.push(unsupportedField(path, value, schema.enum.map(String)))
  }
  if (typeof value === 'number') errors.push(...checkBounds(value, schema.minimum, schema.maximum, path, ''))
  if (typeof value === 'string') {
    errors.push(...checkBounds(value.length, schema.minLength, schema.maxLength, path, ' characters'))
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
      errors.push(invalidField(path, value, `should match '${schema.pattern}'`))
    }
  }
  if (Array.isArray(value)) {
    const { items } = schema
    errors.push(...checkBounds(value.length, schema.minItems, schema.maxItems, path, ' items'))
    if (items !== undefined) {
      errors.push(...value.flatMap((item, index) => checkAgainstSchema(item, items, `${path}[${index}]`)))
    }
  }
  if (isJsonObject(value)) errors.push(...checkMembers(value, schema, path))
  return errors
}

function checkMembers(value: Record<string, unknown>, schema: Schema, path: string): FieldError[] {
  const at = (key: string) => (path === '' ? key : `${path}.${key}`)
  const errors = (schema.required ?? [])
    .filter((key) => value[key] === undefined)
    .map((key) => missingField(at(key)))
  for (const [key, member] of Object.entries(value)) {
    const known = memberSchema(schema, key)
    const isUniversal = path === '' && universal.has(key)
    if (known !== undefined && !isUniversal) errors.push(...checkAgainstSchema(member, known, at(key)))
  }
  return errors
}

function memberSchema(schema: Schema, key: string): Schema | undefined {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, key)) return schema.properties[key]
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

function hasType(value: unknown, type: NonNullable<Schema['type']>): boolean {
  switch (type) {
    case 'object':
      return isJsonObject(value)
    case 'array':
      return Array.isArray(value)
    case 'integer':
      return Number.isInteger(value)
    default:
      return typeof value === type
  }
}

function checkBounds(
  size: number,
  least: number | undefined,
  most: number | undefined,
  path: string,
  unit: string,
): FieldError[] {
  if (least !== undefined && size < least)
    return [invalidField(path, size, `should be at least ${least}${unit}`)]
  if (most !== undefined && size > most) return [invalidField(path, size, `should be at most ${most}${unit}`)]
  return []
}
