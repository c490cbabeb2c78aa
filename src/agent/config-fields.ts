import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { type Address, parseAddress } from '../net/address.ts'
import { type Prefix, readPrefix } from '../net/prefix.ts'

/* Reading one field of a JSON object: the value of the wanted kind, or a problem that says what was expected. */

/** A value of the wanted kind, or undefined. */
export type Reader<T> = (value: unknown) => T | undefined

/** Reads the fields of one object and collects every problem. */
export class FieldReader {
  readonly problems: Diagnostic[] = []
  readonly #fields: Record<string, unknown>
  readonly #known = new Set<string>()
  readonly #path: string

  constructor(raw: unknown, path = '') {
    this.#path = path
    this.#fields = asRecord(raw) ?? {}
    if (asRecord(raw) === undefined)
      this.problems.push(
        problem(path, path === '' ? 'not an object' : `found ${JSON.stringify(raw)}`, 'a JSON object'),
      )
  }

  required<T>(name: string, expected: string, read: Reader<T>): T {
    const value = this.optional(name, expected, read)
    if (this.#fields[name] === undefined)
      this.problems.push(problem(this.#pathOf(name), 'is missing', expected))
    // The caller drops the result when there are problems.
    return value as T
  }

  optional<T>(name: string, expected: string, read: Reader<T>): T | undefined {
    this.#known.add(name)
    const raw = this.#fields[name]
    if (raw === undefined) return undefined
    const value = read(raw)
    if (value === undefined)
      this.problems.push(problem(this.#pathOf(name), `found ${JSON.stringify(raw)}`, expected))
    return value
  }

  /** A field that is an object of its own; when it is absent, its fields are. */
  section<T>(name: string, read: (reader: FieldReader) => T): T {
    this.#known.add(name)
    const reader = new FieldReader(this.#fields[name] ?? {}, this.#pathOf(name))
    const section = read(reader)
    this.problems.push(...reader.problems, ...reader.unknownKeys())
    return section
  }

  unknownKeys(): Diagnostic[] {
    const unknown = Object.keys(this.#fields).filter((name) => !this.#known.has(name))
    return unknown.map((name) =>
      problem(this.#pathOf(name), 'is no setting of the agent', `one of ${[...this.#known].join(', ')}`),
    )
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }
}

/** A problem of the configuration file. */
export function problem(path: string, message: string, expected: string): Diagnostic {
  return { code: 'WEFT_AGENT_CONFIG', severity: 'error', path, message, expected }
}

export function asRecord(value: unknown): Record<string, unknown> | undefined {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isRecord ? (value as Record<string, unknown>) : undefined
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function asFlag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

export function asInteger(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined
}

/** A number from `least` to `most`, both allowed. */
export function asNumberIn(least: number, most: number): Reader<number> {
  return (value) => (typeof value === 'number' && value >= least && value <= most ? value : undefined)
}

export function asOneOf<T extends string>(allowed: readonly T[]): Reader<T> {
  return (value) => allowed.find((entry) => entry === value)
}

export function asListOf<T>(read: Reader<T>): Reader<T[]> {
  return (value) => {
    if (!Array.isArray(value)) return undefined
    const entries = value.map(read)
    return entries.includes(undefined) ? undefined : (entries as T[])
  }
}

/** An address; a /32 or /128 behind it is allowed, since that is how plans write loopbacks. */
export function asAddress(value: unknown): Address | undefined {
  return typeof value === 'string' ? (parseAddress(value.replace(/\/(32|128)$/, '')) ?? undefined) : undefined
}

export function asPrefix(value: unknown): Prefix | undefined {
  const prefix = typeof value === 'string' ? readPrefix(value) : 'not-an-address'
  return typeof prefix === 'string' ? undefined : prefix
}

export function asUrl(value: unknown): string | undefined {
  const text = asText(value)
  return text !== undefined && /^https?:\/\//.test(text) && URL.canParse(text) ? text : undefined
}

export function asHostPort(value: unknown): { host: string; port: number } | undefined {
  const found = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:]*)):(?<port>\d+)$/.exec(asText(value) ?? '')?.groups
  if (found === undefined) return undefined
  return { host: found.v6 ?? found.host ?? '', port: Number(found.port) }
}
