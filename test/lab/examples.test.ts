import { afterEach, expect, test } from 'vitest'
import { readStatus } from '../../src/lab/status.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { exampleIntent, planOf } from './lab-fixture.ts'

/*
 * Every example, booted on real routers. `bringUp` resolves only when each session, each BFD session and each route of
 * each table, with its width in BGP and in the kernel, is what the simulator says; the status says it once more.
 */

let lab = ''
afterEach(() => takeDown(lab))

test.each(['one-rack', 'two-sites', 'five-stage', 'seed', 'dual-stack'])(
  'the example %s converges to exactly what is planned',
  async (example) => {
    lab = `ex-${example}`
    const plan = planOf(exampleIntent(example))

    const { times } = await bringUp(plan, { name: lab, kubernetes: false })

    const status = await readStatus(lab)
    expect(status.differences).toEqual([])
    const sessions = status.roles.reduce((sum, role) => sum + role.sessions.actual, 0)
    expect(sessions).toBe(2 * plan.sessions.length)
    console.log(
      `${example}: ${plan.devices.length} routers as planned after ${(times.convergedMs / 1000).toFixed(1)} s`,
    )
  },
)
