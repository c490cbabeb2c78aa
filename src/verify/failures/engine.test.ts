/** The fast engine against the plain one: every table of every device, for every single failure. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sketchIntent } from '../../plan/fixture.ts'
import { emptyLock } from '../../plan/lock.ts'
import type { Plan } from '../../plan/model.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
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
import { domains, type Failure, listFailures } from './failure.ts'
import { anyShape, exampleNames, intentOf, planOf } from './intents.fixture.ts'
import { localRank, Propagation } from './propagation.ts'
import { makeWorlds } from './worlds.ts'

type Tables = Map<string, string>

/** Every table after each failure, by the fast engine: `<device> <prefix>` to its next hops. */
function fastTables(plan: Plan, failures: readonly Failure[]): Tables[] {
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
  expect(engine.isUnsettled).toBe(false)
  return tables
}

function plainTables(plan: Plan, failure: Failure): Tables {
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

function expectSame(plan: Plan, failures: readonly Failure[]): void {
  for (const [index, fast] of fastTables(plan, failures).entries()) {
    const plain = plainTables(plan, failures[index]!)
    const differing = [...new Set([...plain.keys(), ...fast.keys()])].filter(
      (key) => plain.get(key) !== fast.get(key),
    )
    expect(differing.map((key) => [failures[index]!.name, key, plain.get(key), fast.get(key)])).toEqual([])
  }
}

test.each(exampleNames)(
  'in example %s every table after every single failure is what the plain simulation says',
  (example) => {
    const plan = examplePlan(example)

    expectSame(plan, listFailures(compactNetwork(plan), domains))
  },
)

test('in any small fabric every table after any failure is what the plain simulation says', () => {
  fc.assert(
    fc.property(anyShape, fc.nat(), (shape, pick) => {
      const plan = planOf(intentOf(shape))
      const all = listFailures(compactNetwork(plan), domains)
      expectSame(
        plan,
        [0, 7, 19].map((step) => all[(pick + step) % all.length]!),
      )
    }),
    { numRuns: 20 },
  )
})

test('a sketch of two sites agrees as well, with nodes that have a default route only', () => {
  const racks = [
    { name: 'r1', nodes: ['n1', 'n2'] },
    { name: 'r2', nodes: ['n3'] },
  ]
  const sites = [
    { name: 'dc1', block: 10, racks },
    { name: 'dc2', block: 20, racks: [{ name: 'r3', nodes: ['n4'] }] },
  ]
  const { plan } = planFabric(sketchIntent(sites, { bgp: { nodeRoutes: 'default' } }), emptyLock)

  expectSame(plan!, listFailures(compactNetwork(plan!), ['link', 'device']))
})

function examplePlan(name: string): Plan {
  return planOf(readFileSync(`examples/${name}/weft.yaml`, 'utf8'))
}
