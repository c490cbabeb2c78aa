/**
 * What depends on other routes: an aggregate exists while something more specific does, and a leaf makes a default route
 * for its nodes while its uplinks give it anything.
 *
 * Each condition asks "is there any prefix such that …". One prefix that satisfies it is enough, so one of each class is
 * tried first; only where none does is the question asked again with classes that tell the asking device apart.
 */
import type { CompactNetwork } from '../symmetry/compact-network.ts'
import { type PrefixUniverse, stage } from '../symmetry/prefix-universe.ts'
import { Orbits, prefixClasses, type Symmetry, swapsThatMove } from '../symmetry/symmetry.ts'
import type { Propagation } from './propagation.ts'
import { type World, worldsByPrefix } from './worlds.ts'

export interface Condition {
  device: number
  /** Default-originate: its policy; -1 for aggregates. */
  policy: number
  /** Aggregates: the prefix; -1 for default-originate. */
  aggregate: number
}

/** All conditions of a network; aggregates in the order of each device. */
export function listConditions(network: CompactNetwork, universe: PrefixUniverse): Condition[] {
  const conditions: Condition[] = []
  const seen = new Set<number>()
  for (const [edge, policy] of network.condition.entries()) {
    if (policy < 0) continue
    const key = network.from[edge]! * network.policies.length + policy
    if (!seen.has(key)) conditions.push({ device: network.from[edge]!, policy, aggregate: -1 })
    seen.add(key)
  }
  for (const [device, prefixes] of universe.ofDevice.entries()) {
    for (const prefix of prefixes) {
      if (universe.stageOf[prefix] === stage.aggregate)
        conditions.push({ device, policy: -1, aggregate: prefix })
    }
  }
  return conditions
}

/** Finds out which conditions hold in each world, and notes it there. */
export function settleConditions(
  engine: Propagation,
  symmetry: Symmetry,
  conditions: readonly Condition[],
  worlds: readonly World[],
): void {
  const { universe } = engine
  const pairsOf = conditionPairs(symmetry, conditions)
  const orbits = worlds.map((world) => {
    const joined = new Orbits(conditions.length)
    for (const [swap, pairs] of pairsOf) if (!world.moving.has(swap)) joined.joinPairs(pairs)
    world.holds = new Uint8Array(conditions.length)
    return joined
  })
  const open = orbits.map((joined, world) => {
    const dead = new Set(worlds[world]!.devices)
    return [...joined.classes().keys()].filter((condition) => !dead.has(conditions[condition]!.device))
  })
  askRepresentatives()
  for (const [world, list] of open.entries()) {
    const left = list.filter((condition) => !asksFinely(condition, worlds[world]!))
    // What no specific prefix satisfies another site's aggregate may.
    open[world] = left.filter((condition) => conditions[condition]!.policy >= 0)
  }
  for (const [world, joined] of orbits.entries()) spread(worlds[world]!, joined)
  askAggregates()
  for (const [world, joined] of orbits.entries()) spread(worlds[world]!, joined)

  function askRepresentatives(): void {
    for (const [prefix, entries] of worldsByPrefix(worlds, universe.texts.length).entries()) {
      if (universe.stageOf[prefix] !== stage.specific) continue
      const interested = entries.filter(({ world }) =>
        open[world]!.some((condition) => isAbout(condition, prefix)),
      )
      if (interested.length === 0) continue
      engine.load(prefix, originDevices(universe, prefix))
      for (const { world } of interested) ask(world)
    }
  }

  function askAggregates(): void {
    for (const prefix of universe.texts.keys()) {
      if (universe.stageOf[prefix] !== stage.aggregate || open.every((list) => list.length === 0)) continue
      engine.load(prefix, activeOrigins(universe, conditions, worlds[0]!, prefix))
      for (const world of worlds.keys()) {
        if (open[world]!.length > 0) ask(world, originChanges(conditions, worlds[0]!, worlds[world]!, prefix))
      }
    }
  }

  function ask(world: number, origins: { device: number; isActive: boolean }[] = []): void {
    const { devices, sessions, holds } = worlds[world]!
    engine.apply({ devices, sessions, origins })
    open[world] = open[world]!.filter((condition) => {
      if (!isAbout(condition, engine.prefix) || !isSatisfied(condition)) return true
      holds[condition] = 1
      return false
    })
    engine.undo()
  }

  function asksFinely(condition: number, { failure, devices, sessions, holds }: World): boolean {
    if (symmetry.swaps.length === 0) return false
    const { device } = conditions[condition]!
    const anchors = [...(failure?.failures ?? []).map(({ anchor }) => anchor), [device]]
    const moving = swapsThatMove(symmetry, anchors)
    for (const prefix of prefixClasses(symmetry, universe.texts.length, moving).keys()) {
      if (universe.stageOf[prefix] !== stage.specific || !isAbout(condition, prefix)) continue
      engine.load(prefix, originDevices(universe, prefix))
      engine.apply({ devices, sessions })
      const found = isSatisfied(condition)
      engine.undo()
      if (!found) continue
      holds[condition] = 1
      return true
    }
    return false
  }

  function isAbout(condition: number, prefix: number): boolean {
    const { aggregate } = conditions[condition]!
    if (aggregate < 0) return true
    for (let at = universe.cover[prefix]!; at >= 0; at = universe.cover[at]!)
      if (at === aggregate) return true
    return false
  }

  function isSatisfied(condition: number): boolean {
    const { device, policy } = conditions[condition]!
    return policy < 0 ? engine.hasRoute(device) : engine.satisfies(device, policy)
  }

  function spread(world: World, joined: Orbits): void {
    for (const condition of conditions.keys()) world.holds[condition] = world.holds[joined.find(condition)]!
  }
}

/** Devices that originate the prefix. */
function originDevices(universe: PrefixUniverse, prefix: number): number[] {
  return universe.origins[prefix]!.map(({ device }) => device)
}

/** Devices whose conditions let them originate the aggregate in a world. */
export function activeOrigins(
  universe: PrefixUniverse,
  conditions: readonly Condition[],
  world: World,
  prefix: number,
): number[] {
  if (universe.stageOf[prefix] !== stage.aggregate) return originDevices(universe, prefix)
  return conditions.flatMap(({ device, aggregate }, index) =>
    aggregate === prefix && world.holds[index] === 1 ? [device] : [],
  )
}

/** Devices that originate the aggregate in one world only. */
export function originChanges(
  conditions: readonly Condition[],
  before: World,
  after: World,
  prefix: number,
): { device: number; isActive: boolean }[] {
  return conditions.flatMap(({ device, aggregate }, index) =>
    aggregate === prefix && before.holds[index] !== after.holds[index] && !after.devices.includes(device)
      ? [{ device, isActive: after.holds[index] === 1 }]
      : [],
  )
}

/** Edges whose sender makes a default route, in a world. */
export function injectedEdges(
  network: CompactNetwork,
  conditions: readonly Condition[],
  world: World,
): number[] {
  return conditions.flatMap((condition, index) =>
    condition.policy >= 0 && world.holds[index] === 1 ? edgesOf(network, condition) : [],
  )
}

/** Edges whose sender makes a default route in one world only. */
export function injectionChanges(
  network: CompactNetwork,
  conditions: readonly Condition[],
  before: World,
  after: World,
): { edge: number; isActive: boolean }[] {
  return conditions.flatMap((condition, index) =>
    condition.policy >= 0 && before.holds[index] !== after.holds[index]
      ? edgesOf(network, condition).map((edge) => ({ edge, isActive: after.holds[index] === 1 }))
      : [],
  )
}

function edgesOf({ inStart, inEdges, condition }: CompactNetwork, { device, policy }: Condition): number[] {
  const edges: number[] = []
  for (let at = inStart[device]!; at < inStart[device + 1]!; at++) {
    const edge = inEdges[at]! ^ 1
    if (condition[edge] === policy) edges.push(edge)
  }
  return edges
}

/** Conditions that swaps exchange. A device with several default conditions has no order among them, and is left out. */
function conditionPairs(symmetry: Symmetry, conditions: readonly Condition[]): Map<number, Int32Array> {
  const byDevice = new Map<number, { made: number[]; aggregates: number[] }>()
  for (const [index, { device, policy }] of conditions.entries()) {
    const entry = byDevice.get(device) ?? { made: [], aggregates: [] }
    byDevice.set(device, entry)
    if (policy >= 0) entry.made.push(index)
    else entry.aggregates.push(index)
  }
  const pairs = new Map<number, Int32Array>()
  for (const [swap, { devices }] of symmetry.swaps.entries()) {
    const found: number[] = []
    for (let at = 0; at < devices.length; at += 2) {
      const [one, two] = [byDevice.get(devices[at]!), byDevice.get(devices[at + 1]!)]
      if (one === undefined || two === undefined) continue
      if (one.made.length === 1 && two.made.length === 1) found.push(one.made[0]!, two.made[0]!)
      for (const [place, condition] of one.aggregates.entries()) found.push(condition, two.aggregates[place]!)
    }
    if (found.length > 0) pairs.set(swap, Int32Array.from(found))
  }
  return pairs
}
