import type { FrrDaemon } from '../frr/daemon.ts'
import { readBgpPrefix } from '../frr/show-bgp.ts'
import { unweightedNeighbors } from '../frr/weighting.ts'
import type { Announce, Decision } from './desired/decision.ts'

/*
 * Notices that weights are ignored: some announcer of an address sends none, so the routers spread evenly.
 *
 * A node cannot see all announcers. It sees the route that each leaf passes on, and a leaf that has turned weighting off
 * passes it on without a weight; but not to the node whose own path it likes best, and a leaf that has it on says nothing
 * of a spine above it that has not. So of the nodes that announce an address at least one notices, as long as the one
 * without a weight is in its rack, and leaves hand out more than a default route. The announcer without a weight itself
 * is told by its own agent.
 *
 * bgpd is asked for single prefixes (0.3 ms of its only thread each), some of them each time, one after the other round.
 */
export class WeightWatch {
  readonly #bgpd: FrrDaemon
  readonly #decisions: ReadonlyMap<string, Decision>
  readonly #found = new Map<string, readonly string[]>()
  #isLooking = false
  /** The address that was asked for last. */
  #last = ''

  constructor(options: { bgpd: FrrDaemon; decisions: ReadonlyMap<string, Decision> }) {
    this.#bgpd = options.bgpd
    this.#decisions = options.decisions
  }

  /** Addresses whose weights are ignored, with the neighbors that pass them on without one. */
  get ignored(): ReadonlyMap<string, readonly string[]> {
    return this.#found
  }

  /** Looks at the next addresses that are announced with a weight. A bgpd that does not answer changes nothing. */
  async look(atMost = 64): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      const weighted = [...this.#decisions.values()].filter(isWeighted)
      const known = new Set(weighted.map(({ address }) => address))
      for (const address of this.#found.keys()) if (!known.has(address)) this.#found.delete(address)
      for (const decision of this.#next(weighted, atMost)) await this.#lookAt(decision)
    } catch {
      // Whoever keeps the connection reports its loss.
    } finally {
      this.#isLooking = false
    }
  }

  #next(weighted: readonly Announce[], atMost: number): Announce[] {
    const after = weighted.findIndex(({ address }) => address === this.#last) + 1
    return [...weighted.slice(after), ...weighted.slice(0, after)].slice(0, atMost)
  }

  async #lookAt({ address, family, prefix }: Announce): Promise<void> {
    const neighbors = unweightedNeighbors(await readBgpPrefix(this.#bgpd, family, prefix))
    this.#last = address
    if (neighbors.length > 0) this.#found.set(address, neighbors)
    else this.#found.delete(address)
  }
}

function isWeighted(decision: Decision): decision is Announce {
  return decision.kind === 'announce' && decision.weight !== undefined
}
