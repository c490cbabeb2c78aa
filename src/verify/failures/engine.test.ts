/** The fast engine against the plain one: every table of every device, for every single failure. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sketchIntent } from '../../plan/fixture.ts'
import { emptyLock } from '../../plan/lock.ts'
import type { Plan } from '../../plan/model.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { compactNetwork } from '../symmetry/compact-network.ts'
import { domains, type Failure, listFailures } from './failure.ts'
import { anyShape, exampleNames, intentOf, planOf } from './intents.fixture.ts'
import { fastTables, plainTables } from './tables.fixture.ts'

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
