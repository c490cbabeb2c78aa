/**
 * What a drain does before anything is switched off: who moves, who stays, and what is left when the device is gone.
 *
 * A drained device says GRACEFUL_SHUTDOWN (RFC 8326) with everything it announces; what every import makes of that is in
 * the plan (docs/concepts/routing.md). So the drained network is one more world to carry prefixes through: all sessions
 * up, some senders marked. Taking the device away afterwards is a failure like any other, only that nobody should be
 * using it by then.
 */
import type { FailureAnalyst } from '../failures/analysis.ts'
import type { FailureClass } from '../failures/failure.ts'
import { SteadyState } from '../failures/steady-state.ts'
import {
  carriesUserTraffic,
  describePrefix,
  isUserTraffic,
  type PairGroup,
  Tally,
} from '../failures/tally.ts'
import { makeWorlds } from '../failures/worlds.ts'
import { stage } from '../symmetry/prefix-universe.ts'

export interface DrainEffect {
  devices: string[]
  /** Pairs of router and prefix whose next hops change while the devices are drained and still there. */
  moves: number
  /** Users' traffic that still goes through a drained device, because nothing else leads there. */
  stays: PairGroup[]
  /** Packets that loop or are dropped while the device is drained and still there. */
  brokenMeanwhile: PairGroup[]
  /** What is missing once the device is gone. */
  gone: Tally
}

/** Plays a drain of some devices at once. */
export function playDrain(analyst: FailureAnalyst, devices: readonly number[]): DrainEffect {
  const { network, universe, symmetry } = analyst
  const failure: FailureClass = {
    failures: devices.map((device) => ({
      domain: 'device',
      name: network.devices[device]!.name,
      devices: [device],
      sessions: sessionsOf(analyst, device),
      anchor: [device],
    })),
    members: 1,
  }
  const world = makeWorlds(symmetry, universe, [failure])[1]!
  const plain = new SteadyState(network, universe, symmetry)
  const drained = new SteadyState(network, universe, symmetry, new Set(devices))
  const effect: DrainEffect = {
    devices: devices.map((device) => network.devices[device]!.name),
    moves: 0,
    stays: [],
    brokenMeanwhile: [],
    gone: analyst.play([failure]).results[0]!.tally,
  }
  const [stays, broken] = [new Tally(), new Tally()]
  for (const [prefix, size] of classesOf(world.classes, universe.texts.length)) {
    plain.load(prefix)
    drained.load(prefix)
    look(prefix, size)
  }
  effect.stays = stays.lost
  effect.brokenMeanwhile = broken.lost
  return effect

  function look(prefix: number, size: number): void {
    const owners = universe.origins[prefix]!
    const isOwn = owners.every(({ device }) => devices.includes(device))
    const isAggregate = universe.stageOf[prefix] === stage.aggregate
    const to = universe.texts[prefix]!
    const destination = describePrefix(to, isAggregate, network.devices[owners[0]?.device ?? -1])
    for (const [device, { name, role }] of network.devices.entries()) {
      if (devices.includes(device)) continue
      const group = { destination, from: role, example: { from: name, to }, isPartial: false }
      const [before, now] = [plain.engine.nextHopsOf(device), drained.engine.nextHopsOf(device)]
      if (before.join() !== now.join()) effect.moves += size
      if (now.some(isDrained) && !isOwn && carriesUserTraffic(destination) && lendsItself(device))
        stays.addLost(group, size)
      if (isAggregate || drained.arrives(device)) continue
      if (plain.arrives(device) && isUserTraffic(group)) broken.addLost(group, size)
    }
  }

  function isDrained(edge: number): boolean {
    return devices.includes(network.from[edge]!)
  }

  /** Does a user stand at the device, or anybody send to it? A leaf above a drained node keeps it until it has gone. */
  function lendsItself(device: number): boolean {
    const { role } = network.devices[device]!
    if (role === 'node' || role === 'external') return true
    for (let at = network.inStart[device]!; at < network.inStart[device + 1]!; at++) {
      if (drained.engine.isUsed(network.inEdges[at]! ^ 1)) return true
    }
    return false
  }
}

/**
 * The order in which several devices can be drained: each step together, and back in service before the next one.
 *
 * @param isAllowed says whether users keep what they need with these devices gone at once
 */
export function orderDrains(
  analyst: FailureAnalyst,
  devices: readonly number[],
  isAllowed: (effect: Tally) => boolean,
): number[][] {
  const steps: number[][] = []
  // Nodes before leaves before spines: what moves goes to where it can stay.
  const order = [...devices].sort(
    (x, y) => analyst.network.devices[x]!.tier - analyst.network.devices[y]!.tier || x - y,
  )
  for (const device of order) {
    const step = steps.find((members) => isAllowed(playGone(analyst, [...members, device])))
    if (step === undefined) steps.push([device])
    else step.push(device)
  }
  return steps
}

function playGone(analyst: FailureAnalyst, devices: readonly number[]): Tally {
  const failures = devices.map((device) => ({
    domain: 'device' as const,
    name: analyst.network.devices[device]!.name,
    devices: [device],
    sessions: sessionsOf(analyst, device),
    anchor: [device],
  }))
  return analyst.play([{ failures, members: 1 }]).results[0]!.tally
}

function sessionsOf({ network }: FailureAnalyst, device: number): number[] {
  const { inStart, inEdges } = network
  return Array.from(inEdges.subarray(inStart[device]!, inStart[device + 1]!), (edge) => edge >> 1)
}

function classesOf(classes: Int32Array | null, prefixes: number): [prefix: number, size: number][] {
  if (classes === null) return Array.from({ length: prefixes }, (_, prefix) => [prefix, 1])
  return Array.from({ length: classes.length / 2 }, (_, at) => [classes[2 * at]!, classes[2 * at + 1]!])
}
