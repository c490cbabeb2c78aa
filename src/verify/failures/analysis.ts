/**
 * Plays every class of failures through on every class of prefixes, and says what each one costs.
 *
 * The loop is: one prefix, carried through the plan once; then each world in which it stands for its class, played and
 * undone. Prefixes that lie around others come first (covers.ts), because what a device does with a packet whose own
 * route is gone depends on them. See docs/concepts/failures.md for what is claimed and why it is sound.
 */
import type { Plan } from '../../plan/model.ts'
import { type CompactNetwork, compactNetwork } from '../symmetry/compact-network.ts'
import { type PrefixUniverse, prefixUniverse, stage } from '../symmetry/prefix-universe.ts'
import { findSymmetry, noSymmetry, type Symmetry } from '../symmetry/symmetry.ts'
import {
  activeOrigins,
  type Condition,
  injectedEdges,
  injectionChanges,
  listConditions,
  originChanges,
  settleConditions,
} from './conditions.ts'
import { CoverTables, listCovers } from './covers.ts'
import { classifyFailures, classifyPairs, type Domain, type FailureClass, listFailures } from './failure.ts'
import { type CoverTable, fate, Walk } from './forwarding.ts'
import { Propagation } from './propagation.ts'
import type { Change } from './routing-state.ts'
import { carriesUserTraffic, type Destination, describePrefix, Tally } from './tally.ts'
import { makeWorlds, type World, worldsByPrefix } from './worlds.ts'

export interface AnalysisOptions {
  domains: readonly Domain[]
  /** How many fail at once. */
  count: 1 | 2
  /** Every failure and every prefix by itself, without symmetry: slow, and must agree. */
  exhaustive?: boolean
}

/** What one class of failures does. */
export interface ClassResult {
  failure: FailureClass
  tally: Tally
}

export interface Analysis {
  network: CompactNetwork
  results: ClassResult[]
  /** Failures, or pairs of them, that the classes stand for. */
  failures: number
  /** Exchanges of devices that were proved. */
  symmetries: number
  prefixes: number
  /** Simulations that were run: one prefix in one world each. */
  simulations: number
  /** Some prefix did not settle: nothing is known about it. */
  isUnsettled: boolean
}

/** Analyses the failures of a plan. */
export function analyseFailures(plan: Plan, options: AnalysisOptions): Analysis {
  return new FailureAnalyst(plan, { exhaustive: options.exhaustive ?? false }).analyse(options)
}

/** Holds what is known about a plan, for several questions about it. */
export class FailureAnalyst {
  readonly network: CompactNetwork
  readonly universe: PrefixUniverse
  readonly symmetry: Symmetry
  readonly #engine: Propagation
  readonly #walk: Walk
  /** Keeps what it knows about the world without failures while one prefix is loaded. */
  readonly #baseWalk: Walk
  #simulations = 0

  constructor(plan: Plan, { exhaustive = false }: { exhaustive?: boolean } = {}) {
    this.network = compactNetwork(plan)
    this.universe = prefixUniverse(this.network)
    this.symmetry = exhaustive ? noSymmetry(this.network) : findSymmetry(this.network, this.universe)
    this.#engine = new Propagation(this.network, this.universe)
    this.#walk = new Walk(this.#engine)
    this.#baseWalk = new Walk(this.#engine)
  }

  analyse({ domains, count }: Pick<AnalysisOptions, 'domains' | 'count'>): Analysis {
    const { network, symmetry } = this
    const failures = listFailures(network, domains)
    const classes =
      count === 1 ? classifyFailures(symmetry, network, failures) : classifyPairs(symmetry, network, failures)
    return this.play(classes)
  }

  /** Plays the classes given. */
  play(classes: readonly FailureClass[]): Analysis {
    const { network, universe, symmetry } = this
    const worlds = makeWorlds(symmetry, universe, classes)
    const tallies = worlds.map(() => new Tally())
    const conditions = listConditions(network, universe)
    settleConditions(this.#engine, symmetry, conditions, worlds)
    const standing = worldsByPrefix(worlds, universe.texts.length)
    const covers = new Map<number, CoverTables>()
    this.#simulations = 0
    for (const prefix of listCovers(universe.cover)) {
      // Aggregates of sites that are like another one are of no use to the prefixes that stand for their class.
      if (!this.#isNeeded(prefix, standing)) continue
      this.#load(prefix, conditions, worlds[0]!)
      covers.set(prefix, new CoverTables(this.#engine))
      for (const [index, world] of worlds.entries()) {
        if (index === 0) continue
        this.#engine.apply(this.#changeOf(prefix, conditions, worlds[0]!, world))
        covers.get(prefix)!.record(index, this.#engine)
        this.#engine.undo()
      }
    }
    for (const [prefix, entries] of standing.entries()) {
      if (entries.every(({ world }) => world === 0)) continue
      this.#load(prefix, conditions, worlds[0]!)
      const around = this.#walk.coversOf(prefix).map((cover) => covers.get(cover)!)
      this.#baseWalk.reset(around.map((tables) => tables.inWorld(0)))
      for (const { world, size } of entries) {
        if (world === 0) continue
        const change = this.#changeOf(prefix, conditions, worlds[0]!, worlds[world]!)
        this.#judge(prefix, size, world, change, around, tallies[world]!)
      }
    }
    const results = classes.map((failure, index) => {
      const tally = tallies[index + 1]!
      tally.sort()
      return { failure, tally }
    })
    return {
      network,
      results,
      failures: classes.reduce((sum, { members }) => sum + members, 0),
      symmetries: symmetry.swaps.length,
      prefixes: universe.texts.length,
      simulations: this.#simulations,
      isUnsettled: this.#engine.isUnsettled,
    }
  }

  #isNeeded(cover: number, standing: readonly (readonly unknown[])[]): boolean {
    for (const [prefix, entries] of standing.entries()) {
      if (entries.length === 0) continue
      for (let at = this.universe.cover[prefix]!; at >= 0; at = this.universe.cover[at]!)
        if (at === cover) return true
    }
    return false
  }

  #load(prefix: number, conditions: readonly Condition[], base: World): void {
    const { network, universe } = this
    const injected =
      universe.stageOf[prefix] === stage.default ? injectedEdges(network, conditions, base) : []
    this.#engine.load(prefix, activeOrigins(universe, conditions, base, prefix), injected)
    this.#simulations++
  }

  #changeOf(prefix: number, conditions: readonly Condition[], base: World, world: World): Change {
    const { network, universe } = this
    const { devices, sessions } = world
    return {
      devices,
      sessions,
      origins:
        universe.stageOf[prefix] === stage.aggregate ? originChanges(conditions, base, world, prefix) : [],
      injections:
        universe.stageOf[prefix] === stage.default ? injectionChanges(network, conditions, base, world) : [],
    }
  }

  #judge(
    prefix: number,
    size: number,
    world: number,
    change: Change,
    around: readonly CoverTables[],
    tally: Tally,
  ): void {
    const engine = this.#engine
    const walk = this.#walk
    const { network, universe } = this
    const owners = universe.origins[prefix]!
    const alive = owners.filter(({ device }) => !change.devices.includes(device))
    const isGone = owners.length > 0 && alive.length === 0
    const isHost = universe.stageOf[prefix] !== stage.aggregate
    const to = universe.texts[prefix]!
    const destination = describePrefix(to, !isHost, network.devices[owners[0]?.device ?? -1])
    this.#simulations++
    this.#noteServices(to, destination, owners.length, alive.length, size, tally)

    const after = around.map((tables) => tables.inWorld(world))
    const rounds: number[][] = []
    const isTimed = !isGone && carriesUserTraffic(destination)
    engine.apply(change, () => isTimed && rounds.push(this.#victims(after)))
    walk.reset(after)
    const changed = [...engine.touched]
    for (const tables of around) {
      for (const device of tables.changedIn(world)) if (engine.bestRank[device] === 0) changed.push(device)
    }
    const found = changed
      .filter((device) => !engine.isDead(device))
      .map((device) => ({ device, width: engine.widthOf(device), fate: walk.fateOf(device) }))
    if (engine.isOrderDependent(engine.touched)) tally.isOrderDependent = true
    const suspects = isHost && !isGone ? found.filter((entry) => entry.fate !== fate.arrives) : []
    const hops = this.#hopsUntilRepaired(rounds)
    engine.undo()

    if (isGone) {
      tally.gone += size
      return
    }
    // Whoever sends to a device that loses packets now, and lost none before, loses them too.
    const isBroken = suspects.some((entry) => this.#baseWalk.fateOf(entry.device) === fate.arrives)
    for (const entry of isBroken ? this.#notArriving(change, after) : []) {
      if (this.#baseWalk.fateOf(entry.device) !== fate.arrives) continue
      const { name, role } = network.devices[entry.device]!
      const group = {
        destination,
        from: role,
        example: { from: name, to },
        isPartial: entry.fate === fate.partly,
      }
      tally.addLost(group, size)
    }
    let moved = -1
    for (const { device, width } of found) {
      const before = engine.widthOf(device)
      if (width !== before) moved = device
      if (width === 0 || width >= before) continue
      const { name, role } = network.devices[device]!
      tally.addNarrowed({ destination, from: role, example: { from: name, to }, before, after: width }, size)
    }
    // Where nobody's packets were in danger for longer, those next to the failure mend it themselves.
    const repair = hops.count > 0 ? hops : { count: 1, device: moved }
    if (isTimed && repair.device >= 0)
      tally.addRepair(repair.count, { from: network.devices[repair.device]!.name, to })
  }

  #noteServices(
    prefix: string,
    destination: Destination,
    before: number,
    after: number,
    alike: number,
    tally: Tally,
  ) {
    if (destination !== 'service address' || before === after) return
    tally.services.push({ prefix, announcersBefore: before, announcersAfter: after, alike })
  }

  /** Alive devices from which not every packet arrives. */
  #notArriving(change: Change, covers: readonly CoverTable[]): { device: number; fate: number }[] {
    this.#engine.apply(change)
    this.#walk.reset(covers)
    const found: { device: number; fate: number }[] = []
    for (const device of this.network.devices.keys()) {
      if (this.#engine.isDead(device)) continue
      const what = this.#walk.fateOf(device)
      if (what !== fate.arrives) found.push({ device, fate: what })
    }
    this.#engine.undo()
    return found
  }

  /** Devices whose packets do not arrive at this moment, among those that the failure has reached, and who sends to them. */
  #victims(covers: readonly CoverTable[]): number[] {
    const engine = this.#engine
    const { inStart, inEdges, from } = this.network
    this.#walk.reset(covers)
    const victims: number[] = []
    for (const device of engine.touched) {
      if (engine.isDead(device) || this.#walk.fateOf(device) === fate.arrives) continue
      victims.push(device)
      for (let at = inStart[device]!; at < inStart[device + 1]!; at++) {
        if (engine.isUsed(inEdges[at]! ^ 1)) victims.push(from[inEdges[at]!]!)
      }
    }
    return victims
  }

  /** BGP hops until everybody whose packets arrive in the end has arrived again; the walk must be at the end. */
  #hopsUntilRepaired(rounds: readonly (readonly number[])[]): { count: number; device: number } {
    for (let round = rounds.length - 1; round >= 0; round--) {
      const device = rounds[round]!.find((victim) => this.#walk.fateOf(victim) === fate.arrives)
      if (device !== undefined) return { count: round + 2, device }
    }
    return { count: 0, device: -1 }
  }
}
