/**
 * Which way packets to one address go: at every router the longest prefix that holds it, over all equal next hops.
 *
 * `arrives` wants every choice of path to end at an owner: a flow does not choose its hash. The width between two
 * points is the number of equal paths that share no link: so many links can carry one flow each, and the loss of one
 * leaves all but one of them.
 */
import { contains, parsePrefix } from '../../net/prefix.ts'
import type { Adjacency, Selection } from '../simulate/propagate.ts'
import type { Destination } from './endpoints.ts'

/** A prefix that holds the address, and who knows it. */
export interface Covering {
  prefix: string
  selections: ReadonlyMap<string, Selection>
}

export type Outcome =
  | { kind: 'arrives' }
  /** Some or all choices of path end at `at`, after `path`. */
  | { kind: 'lost'; isPartial: boolean; path: string[]; reason: string }

export class Forwarding {
  readonly #destination: Destination
  /** Longest first. */
  readonly #covering: readonly Covering[]
  readonly #outcomes = new Map<string, Outcome>()

  constructor(destination: Destination, routes: readonly Covering[]) {
    const inner = parsePrefix(destination.address)
    this.#destination = destination
    this.#covering = routes
      .map((route) => ({ ...route, outer: parsePrefix(route.prefix) }))
      .filter(({ outer }) => contains(outer, inner))
      .toSorted((a, b) => b.outer.length - a.outer.length)
  }

  /** What becomes of packets that start at a device. */
  outcomeFrom(device: string): Outcome {
    return this.#outcomes.get(device) ?? this.#explore(device, [])
  }

  /** One path that arrives, or null. */
  pathFrom(device: string): string[] | null {
    const path = [device]
    const seen = new Set(path)
    for (let at = device; !this.#destination.owners.has(at); ) {
      const next = this.#hops(at)?.find(
        ({ remote }) => !seen.has(remote.device) && this.#someArrive(remote.device),
      )
      if (next === undefined) return null
      at = next.remote.device
      seen.add(at)
      path.push(at)
    }
    return path
  }

  /** Equal paths without a common link from a device to the owners; counts no further than `enough`. */
  widthFrom(device: string, enough: number): number {
    const used = new Map<string, string>()
    for (let width = 0; width < enough; width++) {
      if (!this.#augment(device, used)) return width
    }
    return enough
  }

  /** Next hops of the longest prefix a device has; null when it is an owner, empty when the packet ends there. */
  #hops(device: string): readonly Adjacency[] | null {
    if (this.#destination.owners.has(device)) return null
    for (const { selections } of this.#covering) {
      const selection = selections.get(device)
      if (selection !== undefined) return selection.local ? [] : selection.paths.map(({ via }) => via)
    }
    return []
  }

  #someArrive(device: string): boolean {
    const outcome = this.outcomeFrom(device)
    return outcome.kind === 'arrives' || outcome.isPartial
  }

  #explore(device: string, before: readonly string[]): Outcome {
    const known = this.#outcomes.get(device)
    if (known !== undefined) return known
    if (before.includes(device)) {
      return { kind: 'lost', isPartial: false, path: [device], reason: `it comes back to ${device}: a loop` }
    }
    const hops = this.#hops(device)
    if (hops === null) return this.#remember(device, { kind: 'arrives' })
    if (hops.length === 0) {
      return this.#remember(device, {
        kind: 'lost',
        isPartial: false,
        path: [device],
        reason: this.#whyEnds(device),
      })
    }
    const outcomes = hops.map(({ remote }) => this.#explore(remote.device, [...before, device]))
    const lost = outcomes.find((outcome) => outcome.kind === 'lost')
    if (lost === undefined) return this.#remember(device, { kind: 'arrives' })
    const isPartial = outcomes.some((outcome) => outcome.kind === 'arrives' || outcome.isPartial)
    return this.#remember(device, { ...lost, isPartial, path: [device, ...lost.path] })
  }

  #remember(device: string, outcome: Outcome): Outcome {
    this.#outcomes.set(device, outcome)
    return outcome
  }

  #whyEnds(device: string): string {
    const held = this.#covering.find(({ selections }) => selections.has(device))
    if (held === undefined) return `${device} has no route to ${this.#destination.address}`
    return `${device} ends it: it originates ${held.prefix}`
  }

  /** One more path through links that are free, taking back what an earlier one did not need (Ford and Fulkerson). */
  #augment(from: string, used: Map<string, string>): boolean {
    const cameBy = new Map<string, { device: string; link: string; isBack: boolean }>()
    const queue = [from]
    const seen = new Set(queue)
    const backwards = Map.groupBy(used, ([, direction]) => direction.split('>')[1]!)
    for (const device of queue) {
      if (this.#destination.owners.has(device)) {
        this.#take(from, device, cameBy, used)
        return true
      }
      const visit = (next: string, link: string, isBack: boolean) => {
        if (seen.has(next)) return
        seen.add(next)
        cameBy.set(next, { device, link, isBack })
        queue.push(next)
      }
      for (const { session, remote } of this.#hops(device) ?? []) {
        if (!used.has(session.link)) visit(remote.device, session.link, false)
      }
      for (const [link, direction] of backwards.get(device) ?? []) visit(direction.split('>')[0]!, link, true)
    }
    return false
  }

  #take(
    from: string,
    to: string,
    cameBy: ReadonlyMap<string, { device: string; link: string; isBack: boolean }>,
    used: Map<string, string>,
  ): void {
    for (let at = to; at !== from; ) {
      const { device, link, isBack } = cameBy.get(at)!
      if (isBack) used.delete(link)
      else used.set(link, `${device}>${at}`)
      at = device
    }
  }
}
