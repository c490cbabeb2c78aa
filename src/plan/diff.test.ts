import { expect, test } from 'vitest'
import { diffPlans, isEmptyDiff } from './diff.ts'
import { sketchIntent } from './fixture.ts'
import { emptyLock } from './lock.ts'
import { planFabric } from './plan-fabric.ts'

const racks = [{ name: 'r1', nodes: ['n1', 'n2'] }]

function planned(nodes = racks, extra: Record<string, unknown> = {}, lock = emptyLock) {
  const result = planFabric(sketchIntent([{ name: 'dc1', block: 10, racks: nodes }], extra), lock)
  return { plan: result.plan!, lock: result.lock }
}

test('a plan does not differ from itself', () => {
  const { plan } = planned()

  expect(isEmptyDiff(diffPlans(plan, plan))).toBe(true)
})

test('a new node adds its device, sessions and prefixes, and resets nothing', () => {
  const before = planned()
  const after = planned([{ name: 'r1', nodes: ['n1', 'n2', 'n3'] }], {}, before.lock)

  const diff = diffPlans(before.plan, after.plan)

  expect(diff.devices).toEqual({ added: ['n3'], removed: [], changed: [] })
  expect(diff.sessions).toEqual({ added: ['dc1-r1-leaf1--n3', 'dc1-r1-leaf2--n3'], removed: [], changed: [] })
  expect(diff.prefixes.added).toEqual(['10.10.1.3/32', '10.10.64.128/26'])
})

test('a new AS number resets every session of its device and no other', () => {
  const before = planned()
  const after = planned(
    racks,
    { overrides: [{ select: { device: 'n1' }, set: { asn: 65100 } }] },
    before.lock,
  )

  const { sessions } = diffPlans(before.plan, after.plan)

  expect(sessions.changed).toEqual([
    { session: 'dc1-r1-leaf1--n1', changes: ['n1 asn', 'dc1-r1-leaf1 acceptAsPath'], resets: true },
    { session: 'dc1-r1-leaf2--n1', changes: ['n1 asn', 'dc1-r1-leaf2 acceptAsPath'], resets: true },
  ])
})

test('a BFD profile changes under the running session', () => {
  const before = planned()
  const after = planned(
    racks,
    { overrides: [{ select: { device: 'n1' }, set: { bfd: '50ms x 3' } }] },
    before.lock,
  )

  const { sessions } = diffPlans(before.plan, after.plan)

  expect(sessions.changed.map(({ resets, changes }) => ({ resets, changes }))).toEqual([
    { resets: false, changes: ['bfd'] },
    { resets: false, changes: ['bfd'] },
  ])
})
