/** A network with everything up, or some of it drained: carries prefixes one at a time, and follows packets for them. */
import type { CompactNetwork } from '../symmetry/compact-network.ts'
import { type PrefixUniverse, stage } from '../symmetry/prefix-universe.ts'
import type { Symmetry } from '../symmetry/symmetry.ts'
import {
  activeOrigins,
  type Condition,
  injectedEdges,
  listConditions,
  settleConditions,
} from './conditions.ts'
import { CoverTables, listCovers } from './covers.ts'
import { fate, Walk } from './forwarding.ts'
import { Propagation } from './propagation.ts'
import { makeWorlds, type World } from './worlds.ts'

export class SteadyState {
  readonly network: CompactNetwork
  readonly universe: PrefixUniverse
  readonly engine: Propagation
  readonly #conditions: Condition[]
  readonly #world: World
  readonly #walk: Walk
  readonly #covers = new Map<number, CoverTables>()

  /** @param drained devices that announce GRACEFUL_SHUTDOWN */
  constructor(
    network: CompactNetwork,
    universe: PrefixUniverse,
    symmetry: Symmetry,
    drained: ReadonlySet<number> = new Set(),
  ) {
    this.network = network
    this.universe = universe
    this.engine = new Propagation(network, universe, drained)
    this.#conditions = listConditions(network, universe)
    this.#world = makeWorlds(symmetry, universe, [])[0]!
    // A drain changes how good routes are, never whether there are any.
    const asPlanned = drained.size === 0 ? this.engine : new Propagation(network, universe)
    settleConditions(asPlanned, symmetry, this.#conditions, [this.#world])
    this.#walk = new Walk(this.engine)
    for (const prefix of listCovers(universe.cover)) {
      this.#carry(prefix)
      this.#covers.set(prefix, new CoverTables(this.engine))
    }
  }

  /** Carries a prefix; what the engine holds and {@link SteadyState.arrives} are about it from now on. */
  load(prefix: number): void {
    this.#carry(prefix)
    this.#walk.reset(this.#walk.coversOf(prefix).map((cover) => this.#covers.get(cover)!.inWorld(0)))
  }

  /** Do all packets from the device arrive? */
  arrives(device: number): boolean {
    return this.#walk.fateOf(device) === fate.arrives
  }

  #carry(prefix: number): void {
    const { network, universe, engine } = this
    const isDefault = universe.stageOf[prefix] === stage.default
    engine.load(
      prefix,
      activeOrigins(universe, this.#conditions, this.#world, prefix),
      isDefault ? injectedEdges(network, this.#conditions, this.#world) : [],
    )
  }
}
