import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { loadIntent } from '../../src/intent/load.ts'
import { emptyLock } from '../../src/plan/lock.ts'
import type { Plan } from '../../src/plan/model.ts'
import { planFabric } from '../../src/plan/plan-fabric.ts'
import { fabricPlan, seedPlan } from '../../src/render/fixture.ts'

/** The plans whose rendering is kept in golden files and loaded into real daemons: all examples, and the fixtures. */
export function plansUnderTest(): { name: string; plan: Plan }[] {
  return [
    { name: 'fabric-fixture', plan: fabricPlan() },
    { name: 'seed-fixture', plan: seedPlan() },
    ...examplePlans(),
  ]
}

function examplePlans(): { name: string; plan: Plan }[] {
  const folder = new URL('../../examples/', import.meta.url)
  return readdirSync(folder)
    .map((name) => ({ name, file: new URL(`${name}/weft.yaml`, folder) }))
    .filter(({ file }) => existsSync(file))
    .map(({ name, file }) => {
      const { intent, diagnostics } = loadIntent(readFileSync(file, 'utf8'), { file: file.pathname })
      if (intent === null) throw new Error(`${name} is no valid intent: ${JSON.stringify(diagnostics[0])}`)
      const planned = planFabric(intent, emptyLock)
      if (planned.plan === null)
        throw new Error(`${name} has no plan: ${JSON.stringify(planned.diagnostics[0])}`)
      return { name, plan: planned.plan }
    })
}
