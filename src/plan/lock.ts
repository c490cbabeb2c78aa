/**
 * The lock: which number every element was given, so that it keeps it.
 *
 * Numbers are indexes into pools (`dc1/nodes`, `ports/dc1-compute1-leaf1`, `asn/dc1`), not addresses: a pool that grows
 * keeps everybody's address. Elements that went away keep their entry, so that what returns gets its old number and
 * nobody else's traffic reaches a reused address by surprise; {@link Allocator.prune} frees them when asked.
 */
import type { Diagnostic } from '../diagnostics/diagnostic.ts'

export interface Lock {
  /** Space, then key, then number. */
  numbers: Record<string, Record<string, number>>
}

export const emptyLock: Lock = { numbers: {} }

const formatVersion = 1

/** Reads weft.lock. A damaged lock is an error, never an empty one: starting afresh would renumber the fabric. */
export function parseLock(
  text: string,
  file = 'weft.lock',
): { lock: Lock | null; diagnostics: Diagnostic[] } {
  const bad = (message: string, hint: string) => ({
    lock: null,
    diagnostics: [
      { code: 'WEFT_LOCK_UNREADABLE', severity: 'error' as const, message: `${file}: ${message}`, hint },
    ],
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const reason = (error as Error).message
    return bad(`not JSON (${reason})`, 'restore it from version control; deleting it renumbers every device')
  }
  const root = value as { weft?: unknown; numbers?: unknown } | null
  if (typeof root !== 'object' || root === null || root.weft !== formatVersion || !isNumbers(root.numbers)) {
    return bad(
      `expected {"weft": ${formatVersion}, "numbers": {space: {name: number}}}`,
      'restore it from version control, or upgrade Weft if a newer release wrote it',
    )
  }
  for (const [space, taken] of Object.entries(root.numbers)) {
    const owner = new Map<number, string>()
    for (const [key, number] of Object.entries(taken)) {
      const other = owner.get(number)
      if (other !== undefined) {
        return bad(
          `${space}: "${other}" and "${key}" both hold ${number}`,
          'two branches handed out the same number: remove the entry of the newer element and plan again',
        )
      }
      owner.set(number, key)
    }
  }
  return { lock: { numbers: root.numbers }, diagnostics: [] }
}

function isNumbers(value: unknown): value is Lock['numbers'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every(
    (space) =>
      typeof space === 'object' &&
      space !== null &&
      !Array.isArray(space) &&
      Object.values(space).every((number) => Number.isSafeInteger(number) && (number as number) >= 0),
  )
}

/** The text of weft.lock: one entry a line in a stable order, so that it merges and reviews well. */
export function formatLock(lock: Lock): string {
  const numbers: Lock['numbers'] = {}
  for (const space of Object.keys(lock.numbers).sort()) {
    const entries = Object.entries(lock.numbers[space]!)
    if (entries.length > 0) numbers[space] = Object.fromEntries(entries.sort(([, a], [, b]) => a - b))
  }
  return `${JSON.stringify({ weft: formatVersion, numbers }, null, 1)}\n`
}

/** Hands out the lowest free number of a space, or the one that the key already holds. */
export class Allocator {
  readonly #spaces = new Map<string, Space>()

  constructor(lock: Lock) {
    for (const [name, entries] of Object.entries(lock.numbers)) {
      for (const [key, number] of Object.entries(entries)) this.#space(name).give(key, number)
    }
  }

  /** Numbers that nobody may be given, such as the AS number of a peer. */
  reserve(space: string, numbers: Iterable<number>): void {
    for (const number of numbers) this.#space(space).reserved.add(number)
  }

  /** Gives `key` exactly this number. Returns the other key that holds it, or null when it worked. */
  pin(space: string, key: string, number: number): string | null {
    return this.#space(space).pin(key, number)
  }

  /**
   * The key's number in `first`–`last`, or null when the range is full. A held number outside the range is replaced.
   * All calls for one space name the same `first`.
   */
  take(space: string, key: string, first: number, last: number): number | null {
    return this.#space(space).take(key, first, last)
  }

  /** How many numbers are held by keys that were not asked for: elements that went away. */
  retired(space: string): number {
    return this.#space(space).retired()
  }

  /** Forgets every number whose key was not asked for. */
  prune(): void {
    for (const space of this.#spaces.values()) space.prune()
  }

  lock(): Lock {
    const numbers: Lock['numbers'] = {}
    for (const [name, space] of this.#spaces) {
      if (space.byKey.size > 0) numbers[name] = Object.fromEntries(space.byKey)
    }
    return { numbers }
  }

  #space(name: string): Space {
    const space = this.#spaces.get(name) ?? new Space()
    this.#spaces.set(name, space)
    return space
  }
}

class Space {
  readonly byKey = new Map<string, number>()
  readonly reserved = new Set<number>()
  readonly #byNumber = new Map<number, string>()
  readonly #asked = new Set<string>()
  /** No number below it is free; saves walking a full pool again for every element. */
  #lowest = 0

  give(key: string, number: number): void {
    const old = this.byKey.get(key)
    if (old !== undefined) {
      this.#byNumber.delete(old)
      this.#lowest = Math.min(this.#lowest, old)
    }
    this.byKey.set(key, number)
    this.#byNumber.set(number, key)
  }

  pin(key: string, number: number): string | null {
    this.#asked.add(key)
    const holder = this.#byNumber.get(number)
    if (holder !== undefined && holder !== key) {
      if (this.#asked.has(holder)) return holder
      // Somebody was given this number before it was pinned to another: the pin is explicit and wins.
      this.byKey.delete(holder)
      this.#byNumber.delete(number)
    }
    this.give(key, number)
    return null
  }

  take(key: string, first: number, last: number): number | null {
    this.#asked.add(key)
    const held = this.byKey.get(key)
    if (held !== undefined && held >= first && held <= last) return held
    let number = Math.max(first, this.#lowest)
    while (number <= last && (this.#byNumber.has(number) || this.reserved.has(number))) number++
    if (number > last) return null
    this.#lowest = number + 1
    this.give(key, number)
    return number
  }

  retired(): number {
    let count = 0
    for (const key of this.byKey.keys()) if (!this.#asked.has(key)) count++
    return count
  }

  prune(): void {
    for (const [key, number] of this.byKey) {
      if (this.#asked.has(key)) continue
      this.byKey.delete(key)
      this.#byNumber.delete(number)
    }
    this.#lowest = 0
  }
}
