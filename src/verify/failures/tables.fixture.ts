/** Every table after a failure, by the fast engine and by the plain one, in one form. */
import type { Plan } from '../../plan/model.ts'
import { expectedRoutes } from '../simulate/expected-routes.ts'
import { compactNetwork } from '../symmetry/compact-network.ts'
import { prefixUniverse, stage } from '../symmetry/prefix-universe.ts'
import { noSymmetry } from '../symmetry/symmetry.ts'
import {
  activeOrigins,
  injectedEdges,
  injectionChanges,
  listConditions,
  originChanges,
  settleConditions,
} from './conditions.ts'
import type { Failure } from './failure.ts'
import { localRank, Propagation } from './propagation.ts'
import { makeWorlds } from './worlds.ts'

/** `<device> <prefix>` to its next hops. */
export type Tables = Map<string, string>

/** Every table after each failure, by the fast engine: `<device> <prefix>` to its next hops. */
export function fastTables(plan: Plan, failures: readonly Failure[]): Tables[] {
  const network = compactNetwork(plan)
  const universe = prefixUniverse(network)
  const symmetry = noSymmetry(network)
  const engine = new Propagation(network, universe)
  const classes = failures.map((failure) => ({ failures: [failure], members: 1 }))
  const worlds = makeWorlds(symmetry, universe, classes)
  const conditions = listConditions(network, universe)
  settleConditions(engine, symmetry, conditions, worlds)
  const base = worlds[0]!
  const tables: Tables[] = failures.map(() => new Map())
  for (const prefix of universe.texts.keys()) {
    const isDefault = universe.stageOf[prefix] === stage.default
    engine.load(
      prefix,
      activeOrigins(universe, conditions, base, prefix),
      isDefault ? injectedEdges(network, conditions, base) : [],
    )
    for (const [index, world] of worlds.slice(1).entries()) {
      engine.apply({
        devices: world.devices,
        sessions: world.sessions,
        origins:
          universe.stageOf[prefix] === stage.aggregate ? originChanges(conditions, base, world, prefix) : [],
        injections: isDefault ? injectionChanges(network, conditions, base, world) : [],
      })
      for (const [device, { name }] of network.devices.entries()) {
        if (!engine.hasRoute(device)) continue
        const hops = engine.nextHopsOf(device).map((edge) => network.devices[network.from[edge]!]!.name)
        const text =
          engine.bestRank[device] === localRank
            ? 'local'
            : `${engine.pathLengthOf(device)} ${hops.sort().join()}`
        tables[index]!.set(`${name} ${universe.texts[prefix]}`, text)
      }
      engine.undo()
    }
  }
  if (engine.isUnsettled) throw new Error('some prefix does not settle')
  return tables
}

/** The same by the plain simulation, for one failure. */
export function plainTables(plan: Plan, failure: Failure): Tables {
  const without = {
    links: new Set(failure.domain === 'link' ? [failure.name] : []),
    devices: new Set(failure.devices.map((device) => plan.devices[device]!.name)),
  }
  const tables: Tables = new Map()
  for (const [device, table] of expectedRoutes(plan, { without })) {
    for (const [prefix, route] of table) {
      const hops = route.nextHops.map((hop) => hop.device).sort()
      tables.set(`${device} ${prefix}`, route.local ? 'local' : `${route.asPath.length} ${hops.join()}`)
    }
  }
  return tables
}
