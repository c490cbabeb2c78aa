import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Plan } from '../../plan/model.ts'
import { type Analysis, analyseFailures } from './analysis.ts'
import { announceServices } from './announce.ts'
import { domains, nameFailures } from './failure.ts'
import { anyShape, exampleNames, intentOf, planOf } from './intents.fixture.ts'

/** What each failure does, without the names of examples: equal texts as often as there are failures. */
function effects({ results }: Analysis): string[] {
  return results
    .flatMap(({ failure, tally }) => {
      const { lost, narrowed, services, gone, repair, isOrderDependent } = tally
      const text = JSON.stringify({
        kinds: failure.failures.map(({ domain }) => domain),
        lost: lost.map(({ example: _, ...group }) => JSON.stringify(group)).sort(),
        narrowed: narrowed.map(({ example: _, ...group }) => JSON.stringify(group)).sort(),
        services: services.map(({ prefix: _, ...rest }) => JSON.stringify(rest)).sort(),
        gone,
        hops: repair.hops,
        isOrderDependent,
      })
      return new Array<string>(failure.members).fill(text)
    })
    .sort()
}

function expectClassesAgree(plan: Plan, count: 1 | 2): void {
  const wanted = count === 1 ? domains : (['link', 'device'] as const)
  const byClass = analyseFailures(plan, { domains: wanted, count })
  const oneByOne = analyseFailures(plan, { domains: wanted, count, exhaustive: true })

  expect(byClass.failures).toBe(oneByOne.failures)
  expect(effects(byClass)).toEqual(effects(oneByOne))
}

test.each(exampleNames)('in example %s classes say of every failure what it does by itself', (example) => {
  expectClassesAgree(examplePlan(example), 1)
})

test('the same holds in any small fabric', () => {
  fc.assert(
    fc.property(anyShape, (shape) => expectClassesAgree(planOf(intentOf(shape)), 1)),
    { numRuns: 15 },
  )
})

test('and for two failures at once', () => {
  expectClassesAgree(examplePlan('one-rack'), 2)
})

test('two leaves of a rack take its nodes away from everybody else', () => {
  const { results } = analyseFailures(examplePlan('two-sites'), { domains: ['device'], count: 2 })
  const both = results.find(({ failure }) => /leaf1 and device .*leaf2/.test(nameFailures(failure)))!

  expect(both.tally.lost[0]).toMatchObject({ destination: 'node address', from: 'node', isPartial: false })
})

test('a site without its edge leaves through the other one', () => {
  const { results } = analyseFailures(examplePlan('two-sites'), { domains: ['device'], count: 2 })
  const edges = results.find(
    ({ failure }) => nameFailures(failure) === 'device dc1-edge1 and device dc1-edge2',
  )!

  expect(edges.tally.lost.filter(({ from }) => from === 'node')).toEqual([])
})

test('of a service with two announcers one is left when a node dies, and nobody is cut off', () => {
  const announcements = ['dc1-compute1-n1', 'dc1-compute2-n1'].map((node) => ({
    prefix: '10.10.21.5/32',
    node,
    scope: null,
  }))
  const plan = announceServices(examplePlan('two-sites'), announcements)
  const { results } = analyseFailures(plan, { domains: ['device'], count: 1 })
  const node = results.find(({ failure }) => nameFailures(failure) === 'device dc1-compute1-n1')!

  expect(node.tally.services).toEqual([
    { prefix: '10.10.21.5/32', announcersBefore: 2, announcersAfter: 1, alike: 1 },
  ])
  expect(node.tally.lost).toEqual([])
  expect(node.tally.repair.hops).toBe(2)
})

function examplePlan(name: string): Plan {
  return planOf(readFileSync(`examples/${name}/weft.yaml`, 'utf8'))
}
