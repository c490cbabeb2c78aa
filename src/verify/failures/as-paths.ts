/**
 * AS paths as far as they decide anything: how long they are, and whose numbers they hold.
 *
 * Which of several equal best paths a router announces depends on their age in FRR. So a path here stands for all that
 * may be announced: they are equally long; `some` holds every number that may be in it, `all` those that surely are.
 * A receiver whose number is in `some` but not in `all` may see a loop or not; the engine refuses the path and remembers
 * that it did (propagation.ts).
 */
import { isPrivateAsn } from '../../net/private-asn.ts'

interface AsPath {
  length: number
  /** Ascending indexes of AS numbers. */
  some: readonly number[]
  all: readonly number[]
  /** One of the paths, nearest AS first. */
  example: readonly number[]
}

/** Id of the empty path, which only a device that originates a prefix holds. */
export const emptyPath = 0

/** All paths of one prefix; {@link AsPaths.clear} before the next one. */
export class AsPaths {
  #paths: AsPath[] = []
  #ids = new Map<string, number>()
  readonly #asns: readonly number[]
  /** A router tells many neighbours the same. */
  #last = { path: -1, asn: -1, times: 0, result: 0 }

  constructor(asns: readonly number[]) {
    this.#asns = asns
    this.clear()
  }

  clear(): void {
    this.#paths = []
    this.#ids = new Map()
    this.#last = { path: -1, asn: -1, times: 0, result: 0 }
    this.#intern({ length: 0, some: [], all: [], example: [] })
  }

  lengthOf(path: number): number {
    return this.#paths[path]!.length
  }

  mayHold(path: number, asn: number): boolean {
    return this.#paths[path]!.some.includes(asn)
  }

  surelyHolds(path: number, asn: number): boolean {
    return this.#paths[path]!.all.includes(asn)
  }

  /** Is it one path, up to the order of its numbers? */
  isCertain(path: number): boolean {
    const { some, all } = this.#paths[path]!
    return some.length === all.length
  }

  /** AS numbers of one of the paths, as regular expressions see them. */
  textOf(path: number): string {
    return this.#paths[path]!.example.map((asn) => this.#asns[asn]!).join(' ')
  }

  /** The path with `asn` put in front. */
  extend(path: number, asn: number, times: number): number {
    const last = this.#last
    if (last.path === path && last.asn === asn && last.times === times) return last.result
    const { length, some, all, example } = this.#paths[path]!
    const result = this.#intern({
      length: length + times,
      some: insert(some, asn),
      all: insert(all, asn),
      example: [...new Array<number>(times).fill(asn), ...example],
    })
    this.#last = { path, asn, times, result }
    return result
  }

  /** Any of the paths, which are equally long. */
  union(paths: readonly number[]): number {
    if (paths.length === 1) return paths[0]!
    const members = paths.map((path) => this.#paths[path]!)
    const first = members[0]!
    return this.#intern({
      length: first.length,
      some: [...new Set(members.flatMap(({ some }) => some))].sort((x, y) => x - y),
      all: first.all.filter((asn) => members.every(({ all }) => all.includes(asn))),
      example: first.example,
    })
  }

  /**
   * Without private AS numbers but the receiver's own, as remove-private-AS leaves it. Null when the paths that it stands
   * for would end up differently long.
   */
  withoutPrivate(path: number, receiver: number): number | null {
    const { some, all, example } = this.#paths[path]!
    const stays = (asn: number) => asn === receiver || !isPrivateAsn(this.#asns[asn]!)
    const uncertain = some.filter((asn) => !all.includes(asn))
    if (uncertain.some(stays) && !uncertain.every(stays)) return null
    const kept = example.filter(stays)
    return this.#intern({
      length: kept.length,
      some: some.filter(stays),
      all: all.filter(stays),
      example: kept,
    })
  }

  #intern(path: AsPath): number {
    const key = `${path.length}|${path.some.join()}|${path.all.join()}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#paths.push(path) - 1
    this.#ids.set(key, id)
    return id
  }
}

function insert(sorted: readonly number[], value: number): readonly number[] {
  if (sorted.includes(value)) return sorted
  const at = sorted.findIndex((other) => other > value)
  return at < 0 ? [...sorted, value] : [...sorted.slice(0, at), value, ...sorted.slice(at)]
}
