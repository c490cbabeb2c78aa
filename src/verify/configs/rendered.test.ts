import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadIntent } from '../../intent/load.ts'
import type { Intent } from '../../intent/model.ts'
import { emptyLock } from '../../plan/lock.ts'
import type { Plan } from '../../plan/model.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { renderFrr } from '../../render/frr/frr-config.ts'
import { ControlPlane, isLocal } from '../simulate/control-plane.ts'
import { expectedRoutes } from '../simulate/expected-routes.ts'
import type { Failed } from '../simulate/propagate.ts'
import { randomIntents } from '../simulate/random-fabric.fixture.ts'
import type { RouterModel } from '../simulate/router-model.ts'
import { networkOfPlan, routerOfPlan } from '../simulate/router-of-plan.ts'
import { buildRouter } from './build-router.ts'
import { readConfig } from './read-config.ts'

/*
 * Three ways to the same prediction: the plan's policies (expectedRoutes), the plan as routers, and the text that is
 * rendered for real routers. They must agree, on every example and on whatever design chance comes up with.
 */

const examples = ['one-rack', 'two-sites', 'five-stage', 'seed', 'dual-stack']

function planOf(intent: Intent): Plan {
  const { plan, diagnostics } = planFabric(intent, emptyLock)
  if (plan === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return plan
}

function exampleOf(name: string): Plan {
  const file = new URL(`../../../examples/${name}/weft.yaml`, import.meta.url)
  return planOf(loadIntent(readFileSync(file, 'utf8'), { file: name }).intent!)
}

/** The order of neighbours, of lists and of the conditions of one entry carries no meaning. */
function withoutOrder(router: RouterModel): unknown {
  const sorted = <E>(record: Record<string, E>) =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    ...router,
    neighbors: router.neighbors.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    prefixLists: sorted(router.prefixLists),
    asPathLists: sorted(router.asPathLists),
    communityLists: sorted(router.communityLists),
    largeCommunityLists: sorted(router.largeCommunityLists),
    routeMaps: sorted(
      Object.fromEntries(
        Object.entries(router.routeMaps).map(([name, entries]) => [
          name,
          entries.map((entry) => ({
            ...entry,
            matches: entry.matches.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
          })),
        ]),
      ),
    ),
  }
}

function expectTextSaysThePlan(plan: Plan): void {
  for (const device of plan.devices) {
    const raw = readConfig(`${device.name}.conf`, renderFrr(plan, device).integrated)
    expect(raw.unsupported).toEqual([])
    expect(withoutOrder({ ...buildRouter(raw), name: device.name })).toEqual(
      withoutOrder(routerOfPlan(plan, device)),
    )
  }
}

function expectSimulatorsAgree(plan: Plan, without: Required<Failed>): void {
  const plane = new ControlPlane(networkOfPlan(plan, { without }))
  const found = new Map<string, unknown>()
  for (const prefix of plane.prefixes()) {
    const table = plane.table(prefix)
    expect(table.isStable).toBe(true)
    for (const [router, entry] of table.entries) {
      const { best, multipath } = entry.decision
      found.set(`${router} ${prefix}`, {
        local: isLocal(entry),
        interfaces: multipath.flatMap(({ from }) => (from === null ? [] : [from.interface])).sort(),
        pathLength: best.route.asPath.length,
        large: best.route.largeCommunities,
      })
    }
  }
  const wanted = new Map<string, unknown>()
  for (const [router, table] of expectedRoutes(plan, { without }))
    for (const [prefix, route] of table)
      wanted.set(`${router} ${prefix}`, {
        local: route.local,
        interfaces: route.nextHops.map((hop) => hop.interface).sort(),
        pathLength: route.asPath.length,
        large: route.communities.map((name) => plan.communities[name]).sort(),
      })
  const keys = [...new Set([...found.keys(), ...wanted.keys()])]
  const differing = keys.filter((key) => JSON.stringify(found.get(key)) !== JSON.stringify(wanted.get(key)))
  expect(differing.map((key) => [key, found.get(key), wanted.get(key)])).toEqual([])
}

const nothing = { links: new Set<string>(), devices: new Set<string>() }

test.each(examples)('%s: the rendered text says what the plan says, and both simulators agree', (name) => {
  const plan = exampleOf(name)

  expectTextSaysThePlan(plan)
  expectSimulatorsAgree(plan, nothing)
})

test('random fabrics: rendered, read back, simulated both ways, whole and with random failures', () => {
  fc.assert(
    fc.property(randomIntents(40), fc.array(fc.nat(), { maxLength: 4 }), (intent, failures) => {
      const plan = planOf(intent)
      const links = new Set<string>()
      const devices = new Set<string>()
      for (const number of failures) {
        if (number % 3 === 0) devices.add(plan.devices[number % plan.devices.length]!.name)
        else links.add(plan.links[number % plan.links.length]!.id)
      }
      expectTextSaysThePlan(plan)
      expectSimulatorsAgree(plan, nothing)
      expectSimulatorsAgree(plan, { links, devices })
    }),
    { numRuns: 15 },
  )
}, 120_000)
