/**
 * Every prefix that the plan brings into BGP, and what filters can know about it.
 *
 * Filters see a prefix only through the sets that it lies in: its kind is exactly that list of sets. Two prefixes of one
 * kind pass every policy alike, whatever their addresses are. Exact filters of single sessions name prefixes themselves
 * and are compared as such.
 */
import { contains, type Prefix, parsePrefix } from '../../net/prefix.ts'
import type { PrefixEntry } from '../../plan/model.ts'
import { type CompactNetwork, Interner } from './compact-network.ts'

/** When a prefix is worked out: aggregates exist while specifics do, default routes may depend on both. */
export const stage = { specific: 0, aggregate: 1, default: 2 } as const

export interface Origin {
  device: number
  /** Policy that sets its attributes; -1 none. */
  policy: number
}

export interface PrefixUniverse {
  texts: readonly string[]
  isIpv6: Uint8Array
  stageOf: Uint8Array
  /** Index into `kinds`. */
  kindOf: Int32Array
  /** Sets that prefixes of the kind lie in: policy sets first, then the ranges of exact filters. */
  kinds: readonly (readonly number[])[]
  /** Names of the plan's prefix sets; larger indexes are `acceptRanges`. */
  sets: readonly string[]
  origins: readonly (readonly Origin[])[]
  /** By device, in the order of the plan. */
  ofDevice: readonly (readonly number[])[]
  /** Nearest prefix of the universe around this one: where traffic goes when this one is unknown; -1 none. */
  cover: Int32Array
}

const defaults = ['0.0.0.0/0', '::/0']

/** Collects the prefixes of a network; linear in what it originates. */
export function prefixUniverse(network: CompactNetwork): PrefixUniverse {
  const policyIndex = new Map(network.policies.map((name, index) => [name, index]))
  const ids = new Interner<string>()
  const origins: Origin[][] = []
  const stages: number[] = []
  const ofDevice: number[][] = network.devices.map(() => [])
  for (const [index, device] of network.devices.entries()) {
    for (const { prefix, via, policy } of device.originates) {
      const at =
        via === 'aggregate' ? stage.aggregate : defaults.includes(prefix) ? stage.default : stage.specific
      const id = ids.idOf(at === stage.aggregate ? `${prefix} aggregate` : prefix)
      stages[id] = at
      ofDevice[index]!.push(id)
      origins[id] ??= []
      origins[id].push({ device: index, policy: policy === null ? -1 : policyIndex.get(policy)! })
    }
  }
  for (const prefix of defaults) {
    // A default route may exist although nobody brings it in: leaves make one for their nodes.
    const isMade = network.condition.some((condition) => condition >= 0)
    if (
      !isMade ||
      (prefix.includes(':') && !network.plan.sessions.some(({ families }) => families.includes('ipv6')))
    )
      continue
    const id = ids.idOf(prefix)
    stages[id] = stage.default
    origins[id] ??= []
  }
  const texts = ids.values.map((key) => key.replace(' aggregate', ''))
  const prefixes = texts.map(parsePrefix)
  const sets = Object.keys(network.plan.prefixSets)
  const kinds = new KindFinder([
    ...sets.map((name) => network.plan.prefixSets[name]!.entries),
    ...network.acceptRanges,
  ])
  return {
    texts,
    isIpv6: Uint8Array.from(prefixes, ({ family }) => (family === 6 ? 1 : 0)),
    stageOf: Uint8Array.from(stages),
    kindOf: Int32Array.from(prefixes, (prefix) => kinds.kindOf(prefix)),
    kinds: kinds.kinds,
    sets,
    origins,
    ofDevice,
    cover: coversOf(prefixes),
  }
}

/** Does the entry match the prefix? */
function matches(entry: PrefixEntry, outer: Prefix, prefix: Prefix): boolean {
  if (!contains(outer, prefix)) return false
  if (entry.ge === undefined && entry.le === undefined) return prefix.length === outer.length
  return prefix.length >= (entry.ge ?? outer.length) && prefix.length <= (entry.le ?? 128)
}

class KindFinder {
  readonly kinds: number[][] = []
  readonly #byKey = new Map<string, number>()
  readonly #trie: PrefixIndex<{ entry: PrefixEntry; outer: Prefix; set: number }[]>

  constructor(sets: readonly (readonly PrefixEntry[])[]) {
    this.#trie = new PrefixIndex()
    for (const [set, entries] of sets.entries()) {
      for (const entry of entries) {
        const outer = parsePrefix(entry.prefix)
        const item = { entry, outer, set }
        const list = this.#trie.get(outer)
        if (list === undefined) this.#trie.set(outer, [item])
        else list.push(item)
      }
    }
  }

  kindOf(prefix: Prefix): number {
    const inside = new Set<number>()
    for (const list of this.#trie.around(prefix)) {
      for (const { entry, outer, set } of list) if (matches(entry, outer, prefix)) inside.add(set)
    }
    const sorted = [...inside].sort((x, y) => x - y)
    const key = sorted.join()
    let kind = this.#byKey.get(key)
    if (kind === undefined) {
      kind = this.kinds.push(sorted) - 1
      this.#byKey.set(key, kind)
    }
    return kind
  }
}

/** Nearest prefix around each one. */
function coversOf(prefixes: readonly Prefix[]): Int32Array {
  const index = new PrefixIndex<number>()
  for (const [id, prefix] of prefixes.entries()) index.set(prefix, id)
  return Int32Array.from(prefixes, (prefix) => {
    for (const id of index.around(prefix)) {
      if (prefixes[id]!.length < prefix.length) return id
    }
    return -1
  })
}

/** Values by prefix, found again from whatever lies inside, longest prefix first. */
class PrefixIndex<T> {
  readonly #byLength: Record<4 | 6, Map<number, Map<number | bigint, T>>> = { 4: new Map(), 6: new Map() }
  readonly #lengths: Record<4 | 6, number[]> = { 4: [], 6: [] }

  set(prefix: Prefix, value: T): void {
    let table = this.#byLength[prefix.family].get(prefix.length)
    if (table === undefined) {
      table = new Map()
      this.#byLength[prefix.family].set(prefix.length, table)
      this.#lengths[prefix.family] = [...this.#byLength[prefix.family].keys()].sort((x, y) => y - x)
    }
    table.set(keyOf(prefix, prefix.length), value)
  }

  get(prefix: Prefix): T | undefined {
    return this.#byLength[prefix.family].get(prefix.length)?.get(keyOf(prefix, prefix.length))
  }

  around(prefix: Prefix): T[] {
    const found: T[] = []
    for (const length of this.#lengths[prefix.family]) {
      if (length > prefix.length) continue
      const value = this.#byLength[prefix.family].get(length)!.get(keyOf(prefix, length))
      if (value !== undefined) found.push(value)
    }
    return found
  }
}

function keyOf(prefix: Prefix, length: number): number | bigint {
  if (prefix.family === 6) return prefix.value >> BigInt(128 - length)
  return length === 0 ? 0 : Number(prefix.value) >>> (32 - length)
}
