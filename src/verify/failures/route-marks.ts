/**
 * What a route carries apart from its AS path, and what filters do to it, each worked out once.
 *
 * A router that has several equal best paths announces one of them, and FRR lets age decide which. So what travels here
 * is the set of marks that it may carry. Nearly always that set has one element; where a filter would treat its elements
 * differently the outcome depends on age, and says so (`isAmbiguous`).
 */
import type { PolicyTerm } from '../../plan/model.ts'
import { type CompactNetwork, flag } from '../symmetry/compact-network.ts'
import type { PrefixUniverse } from '../symmetry/prefix-universe.ts'

export interface Marks {
  /** Ascending. */
  communities: readonly number[]
  localPreference: number
  gracefulShutdown: boolean
  /** Times the sender puts its AS number in front once more; consumed when the route leaves. */
  prepend: number
}

/** What comes out of an edge: marks as the receiver holds them. */
export interface Transfer {
  marks: number
  prepend: number
  localPreference: number
  isAmbiguous: boolean
}

interface Term {
  isPermit: boolean
  needsLocal: boolean
  needsShutdown: boolean
  preference: number | null
  communities: readonly number[] | null
  set: number | null
  replace: readonly number[] | null
  add: readonly number[]
  localPreference: number | null
  gracefulShutdown: boolean | null
  prepend: number
}

/** Bound of the ids that are packed into one memo key; a fabric has a few hundred. */
const mostSets = 65_536

/** Local preference of a route that nothing set. */
const defaultPreference = 100

const bare: Marks = {
  communities: [],
  localPreference: defaultPreference,
  gracefulShutdown: false,
  prepend: 0,
}

/** Interns sets of marks, and evaluates the policies of one network over them. */
export class RouteMarks {
  readonly #marks: Marks[] = []
  readonly #markIds = new Map<string, number>()
  readonly #sets: number[][] = []
  readonly #setIds = new Map<string, number>()
  readonly #policies: (readonly Term[])[]
  readonly #kinds: readonly ReadonlySet<number>[]
  readonly #communityIds = new Map<string, number>()
  readonly #transfers: Map<number, Transfer | null>[]
  readonly #conditions = new Map<number, boolean>()
  /** Edges with the same two policies, of the same type and drained alike, transfer alike. */
  readonly #edgeClass: Int32Array
  readonly #classes: { exportPolicy: number; importPolicy: number; isIbgp: boolean; isDrained: boolean }[] =
    []
  readonly bareId: number

  /** @param drained devices that add GRACEFUL_SHUTDOWN to whatever they send */
  constructor(network: CompactNetwork, universe: PrefixUniverse, drained: ReadonlySet<number> = new Set()) {
    const setIndex = new Map(universe.sets.map((name, index) => [name, index]))
    this.#policies = network.policies.map((name) =>
      network.plan.policies[name]!.terms.map((term) => this.#compile(term, setIndex)),
    )
    this.#kinds = universe.kinds.map((sets) => new Set(sets))
    this.#transfers = universe.kinds.map(() => new Map())
    const classIds = new Map<string, number>()
    this.#edgeClass = new Int32Array(network.from.length)
    for (const edge of network.from.keys()) {
      const shape = {
        exportPolicy: network.exportPolicy[edge]!,
        importPolicy: network.importPolicy[edge]!,
        isIbgp: (network.flags[edge]! & flag.ibgp) !== 0,
        isDrained: drained.has(network.from[edge]!),
      }
      const key = `${shape.exportPolicy},${shape.importPolicy},${shape.isIbgp},${shape.isDrained}`
      let id = classIds.get(key)
      if (id === undefined) {
        id = this.#classes.push(shape) - 1
        classIds.set(key, id)
      }
      this.#edgeClass[edge] = id
    }
    this.bareId = this.intern([bare])
  }

  /** The set that holds exactly these marks. */
  intern(marks: readonly Marks[]): number {
    return this.#internSet(marks.map((entry) => this.#internMarks(entry)))
  }

  /** Marks that are in one of the sets. */
  union(sets: readonly number[]): number {
    if (sets.length === 1) return sets[0]!
    return this.#internSet([...new Set(sets.flatMap((set) => this.#sets[set]!))])
  }

  /** What the receiver of an edge has of a route with these marks, or null when it is refused on the way. */
  transfer(edge: number, kind: number, set: number, isPathEmpty: boolean): Transfer | null {
    const edgeClass = this.#edgeClass[edge]!
    const key = (edgeClass * 2 + (isPathEmpty ? 1 : 0)) * mostSets + set
    const known = this.#transfers[kind]!.get(key)
    if (known !== undefined) return known
    const result = this.#carry(edgeClass, kind, set, isPathEmpty)
    this.#transfers[kind]!.set(key, result)
    return result
  }

  /** Marks of a route as a policy originates it, or null when the policy denies it. */
  originate(policy: number, kind: number): Marks | null {
    return policy < 0 ? bare : this.#apply(policy, kind, bare, true)
  }

  /** What the receiver has of a default route that the sender makes for this session alone. */
  inject(edge: number, kind: number): Transfer | null {
    const { importPolicy, isIbgp, isDrained } = this.#classes[this.#edgeClass[edge]!]!
    const taken = this.#apply(importPolicy, kind, { ...bare, gracefulShutdown: isDrained }, isIbgp)
    if (taken === null) return null
    const localPreference = taken.gracefulShutdown ? 0 : taken.localPreference
    return {
      marks: this.intern([{ ...taken, localPreference }]),
      prepend: 0,
      localPreference,
      isAmbiguous: false,
    }
  }

  /** Would a route with these marks satisfy the condition of a default-originate? */
  satisfies(condition: number, kind: number, set: number, isPathEmpty: boolean): boolean {
    const key = ((condition * this.#kinds.length + kind) * 2 + (isPathEmpty ? 1 : 0)) * mostSets + set
    let known = this.#conditions.get(key)
    if (known === undefined) {
      known = this.#sets[set]!.some((id) => {
        const { communities } = this.#marks[id]!
        return this.#apply(condition, kind, { ...bare, communities }, isPathEmpty) !== null
      })
      this.#conditions.set(key, known)
    }
    return known
  }

  #carry(edgeClass: number, kind: number, set: number, isPathEmpty: boolean): Transfer | null {
    const { exportPolicy, importPolicy, isIbgp, isDrained } = this.#classes[edgeClass]!
    const prepends = new Set<number>()
    let denied = 0
    const arrived: Marks[] = []
    for (const id of this.#sets[set]!) {
      const sent = this.#apply(exportPolicy, kind, this.#marks[id]!, isPathEmpty)
      // Local preference does not leave the AS (RFC 4271 §5.1.5).
      const onTheWire: Marks | null = sent && {
        ...sent,
        localPreference: isIbgp ? sent.localPreference : defaultPreference,
        gracefulShutdown: sent.gracefulShutdown || isDrained,
        prepend: 0,
      }
      const taken = onTheWire && this.#apply(importPolicy, kind, onTheWire, isIbgp && isPathEmpty)
      if (taken === null) denied++
      else {
        prepends.add(isIbgp ? 0 : sent!.prepend)
        arrived.push(taken.gracefulShutdown ? { ...taken, localPreference: 0 } : taken)
      }
    }
    if (arrived.length === 0) return null
    const preferences = arrived.map((marks) => marks.localPreference)
    return {
      marks: this.intern(arrived),
      prepend: Math.max(...prepends),
      localPreference: Math.max(...preferences),
      isAmbiguous: denied > 0 || prepends.size > 1 || new Set(preferences).size > 1,
    }
  }

  #apply(policy: number, kind: number, marks: Marks, isPathEmpty: boolean): Marks | null {
    for (const term of this.#policies[policy]!) {
      if (!this.#matches(term, kind, marks, isPathEmpty)) continue
      if (!term.isPermit) return null
      return {
        communities:
          term.replace === null && term.add.length === 0
            ? marks.communities
            : [...new Set([...(term.replace ?? marks.communities), ...term.add])].sort((x, y) => x - y),
        localPreference: term.localPreference ?? marks.localPreference,
        gracefulShutdown: term.gracefulShutdown ?? marks.gracefulShutdown,
        prepend: term.prepend,
      }
    }
    return null
  }

  #matches(term: Term, kind: number, marks: Marks, isPathEmpty: boolean): boolean {
    if (term.needsLocal && !isPathEmpty) return false
    if (term.needsShutdown && !marks.gracefulShutdown) return false
    if (term.preference !== null && term.preference !== marks.localPreference) return false
    if (term.communities?.some((id) => marks.communities.includes(id)) === false) return false
    return term.set === null || this.#kinds[kind]!.has(term.set)
  }

  #compile({ action, match, set }: PolicyTerm, sets: ReadonlyMap<string, number>): Term {
    return {
      isPermit: action === 'permit',
      needsLocal: match.local === true,
      needsShutdown: match.gracefulShutdown === true,
      preference: match.localPreference ?? null,
      communities: match.anyCommunity?.map((name) => this.#community(name)) ?? null,
      set: match.prefixSet === undefined ? null : sets.get(match.prefixSet)!,
      replace: set.replaceCommunities?.map((name) => this.#community(name)) ?? null,
      add: set.addCommunities?.map((name) => this.#community(name)) ?? [],
      localPreference: set.localPreference ?? null,
      gracefulShutdown: set.gracefulShutdown === undefined ? null : set.gracefulShutdown === 'add',
      prepend: set.prepend ?? 0,
    }
  }

  #community(name: string): number {
    const id = this.#communityIds.get(name) ?? this.#communityIds.size
    this.#communityIds.set(name, id)
    return id
  }

  #internMarks(marks: Marks): number {
    const key = `${marks.communities.join()}|${marks.localPreference}|${marks.gracefulShutdown}|${marks.prepend}`
    const id = this.#markIds.get(key) ?? this.#marks.push(marks) - 1
    this.#markIds.set(key, id)
    return id
  }

  #internSet(ids: readonly number[]): number {
    const sorted = [...new Set(ids)].sort((x, y) => x - y)
    const key = sorted.join()
    const id = this.#setIds.get(key) ?? this.#sets.push(sorted) - 1
    if (id >= mostSets) throw new Error(`routes carry more than ${mostSets} different sets of marks`)
    this.#setIds.set(key, id)
    return id
  }
}
