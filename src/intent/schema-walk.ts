/** Reads the schema itself: which keys exist where, and how to say in words what is expected at a path. */
import type * as z from 'zod'
import type { Path } from './problem.ts'
import { type Wording, wording } from './values.ts'

type Schema = z.core.$ZodTypes
type AnySchema = z.core.$ZodType

/** The schemas that can stand at a path: several below a union, none where the path does not exist. */
function schemasAt(root: AnySchema, path: Path): Schema[] {
  let current = alternatives(root)
  for (const step of path) {
    current = current.flatMap((schema) => {
      const child = childOf(schema, step)
      return child === null ? [] : alternatives(child)
    })
  }
  return current
}

/** Keys that are known in the map at a path; for maps by name there are none. */
export function keysAt(root: AnySchema, path: Path): string[] {
  return schemasAt(root, path).flatMap((schema) =>
    schema._zod.def.type === 'object' ? Object.keys(schema._zod.def.shape) : [],
  )
}

/** Places where a key is known, as users write them: `sites.<name>.fabric`. */
export function placesOf(root: AnySchema, key: string): string[] {
  const places = new Set<string>()
  function search(schema: AnySchema, place: string[]): void {
    for (const alternative of alternatives(schema)) {
      const def = alternative._zod.def
      if (def.type === 'object') {
        if (Object.hasOwn(def.shape, key)) places.add(place.join('.'))
        for (const [name, child] of Object.entries(def.shape)) search(child, [...place, name])
      } else if (def.type === 'record') {
        search(def.valueType, [...place, '<name>'])
      } else if (def.type === 'array') {
        search(def.element, place)
      }
    }
  }
  search(root, [])
  return [...places]
}

/** What is registered for the schema at a path, or for the keys of the map at a path. */
export function wordingAt(root: AnySchema, path: Path, part: 'value' | 'key'): Wording | undefined {
  for (const schema of candidatesAt(root, path)) {
    const def = schema._zod.def
    const subject = part === 'key' ? (def.type === 'record' ? def.keyType : null) : schema
    const found = subject === null ? undefined : wording.get(subject)
    if (found !== undefined) return found
  }
  return undefined
}

/** Completes "expected …" for the value at a path. */
export function describeAt(root: AnySchema, path: Path): string {
  return describeAll(candidatesAt(root, path))
}

/** Like {@link schemasAt}, with text schemas kept whole so that what they say about themselves is found. */
function candidatesAt(root: AnySchema, path: Path): Schema[] {
  if (path.length === 0) return unwrap(root)
  return schemasAt(root, path.slice(0, -1)).flatMap((parent) => {
    const child = childOf(parent, path.at(-1)!)
    return child === null ? [] : unwrap(child)
  })
}

/** Opens defaults, optionals and unions, but stops at a schema that describes itself. */
function unwrap(schema: AnySchema): Schema[] {
  if (wording.has(schema) || wording.get(schema) !== undefined) return [schema as Schema]
  const def = (schema as Schema)._zod.def
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
      return unwrap(def.innerType)
    case 'pipe':
      return unwrap(def.in)
    case 'union':
      return def.options.flatMap(unwrap)
    default:
      return [schema as Schema]
  }
}

function alternatives(schema: AnySchema): Schema[] {
  const def = (schema as Schema)._zod.def
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
      return alternatives(def.innerType)
    case 'pipe':
      return alternatives(def.in)
    case 'union':
      return def.options.flatMap(alternatives)
    default:
      return [schema as Schema]
  }
}

function childOf(schema: Schema, step: string | number): AnySchema | null {
  const def = schema._zod.def
  if (def.type === 'object') return Object.hasOwn(def.shape, step) ? def.shape[String(step)]! : null
  if (def.type === 'record') return def.valueType
  if (def.type === 'array') return /^\d+$/.test(String(step)) ? def.element : null
  return null
}

function describeAll(schemas: Schema[]): string {
  const isList = (schema: Schema) => schema._zod.def.type === 'array' && !wording.has(schema)
  const single = unique(schemas.filter((schema) => !isList(schema)).map(describe))
  const lists = unique(schemas.filter(isList).map(describe))
  // Most lists are one or several of what may stand alone: say it once.
  const merged = single.map((text) => (lists.includes(text) ? `${text} (or a list of these)` : text))
  return [
    ...merged,
    ...lists.filter((text) => !single.includes(text)).map((text) => `a list of ${text}`),
  ].join(', or ')
}

function describeKeys(keys: string[]): string {
  return `a map with the ${keys.length === 1 ? 'key' : 'keys'} ${keys.join(', ')}`
}

function unique(texts: string[]): string[] {
  return [...new Set(texts)].filter((text) => text !== '')
}

function describe(schema: Schema): string {
  const registered = wording.get(schema)
  if (registered !== undefined) return registered.expected
  const def = schema._zod.def
  switch (def.type) {
    case 'number': {
      const { minValue: minimum, maxValue: maximum } = schema as unknown as z.ZodNumber
      const isBounded = minimum !== null && minimum > Number.MIN_SAFE_INTEGER
      return isBounded ? `a whole number from ${minimum} to ${maximum}` : 'a whole number'
    }
    case 'boolean':
      return 'true or false'
    case 'enum':
      return `one of ${Object.values(def.entries).join(', ')}`
    case 'literal':
      return def.values.map((value) => (value === false ? '' : String(value))).join(', ')
    case 'object':
      return describeKeys(Object.keys(def.shape))
    case 'record':
      return 'a map by name'
    case 'array':
      return describeAll(unwrap(def.element))
    default:
      return 'text'
  }
}
