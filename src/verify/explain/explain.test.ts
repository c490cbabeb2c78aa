import { expect, test } from 'vitest'
import { sketchIntent } from '../../plan/fixture.ts'
import { emptyLock } from '../../plan/lock.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { ControlPlane } from '../simulate/control-plane.ts'
import { networkOfPlan } from '../simulate/router-of-plan.ts'
import { findBarrier } from './barrier.ts'
import { explainRoute } from './explain-route.ts'
import { explainSession } from './explain-session.ts'
import { describeTerm, placeOf, termOf } from './intent-place.ts'

const racks = (site: string) =>
  ['a', 'b'].map((name) => ({ name: `${site}${name}`, nodes: [`${site}-${name}-n`] }))
const plan = planFabric(
  sketchIntent([
    { name: 'dc1', block: 10, racks: racks('x') },
    { name: 'dc2', block: 20, racks: racks('y') },
  ]),
  emptyLock,
).plan!
const plane = new ControlPlane(networkOfPlan(plan))
const device = (name: string) => plan.devices.find((candidate) => candidate.name === name)!
const loopback = (name: string) => device(name).loopbacks[0]!

test('of a leaf’s paths to another rack both are used; its own node’s route wins over the way round by length', () => {
  const leaf = explainRoute(plane, 'dc1-xa-leaf1', loopback('x-b-n'))
  expect(leaf.paths.map(({ standing }) => standing)).toEqual(['best', 'equal'])

  const near = explainRoute(plane, 'dc1-xa-leaf1', loopback('x-a-n'))
  expect(near.paths.find(({ from }) => from === 'x-a-n')).toMatchObject({ standing: 'best' })
  const lost = near.paths.filter(({ standing }) => standing === 'lost')
  expect(lost.map(({ step, had, against }) => [step, had, against])).toEqual(
    lost.map(() => ['AS path length', '3', '1']),
  )
})

test('a leaf does not pass on what came from above: the filter, its entry, its words and a line of the intent', () => {
  const { refused } = explainRoute(plane, 'dc1-spine1', loopback('x-b-n'))
  const entry = refused.find(({ from }) => from === 'dc1-xa-leaf1')!

  expect(entry).toMatchObject({
    at: 'dc1-xa-leaf1',
    refusal: { stage: 'export', reason: 'route map', filter: 'TO-ABOVE', sequence: 10 },
  })
  expect(describeTerm(termOf(plan, device(entry.at), entry.refusal)!)).toBe('deny what carries DOWN')
  expect(placeOf(plan, device('dc1-spine1'), device(entry.from), entry.refusal).path).toMatch(/^sites\.dc1/)
})

test('where a node of another site ends on its way: at its border leaf, which tells aggregates only', () => {
  const barrier = findBarrier(plane, 'dc1-xa-leaf1', loopback('y-a-n'))!

  expect(device(barrier.from)).toMatchObject({ role: 'border-leaf', site: 'dc2' })
  expect(barrier.refusal).toMatchObject({ filter: 'BORDER-TO-DCI', sequence: null })
  expect(findBarrier(plane, 'dc1-xa-leaf1', '203.0.113.0/24')).toBeNull()
})

test('a session: what passes each way adds up with what is refused', () => {
  const { sessions, isCabled } = explainSession(plane, 'dc1-border1', 'dc1-dci1')

  expect(isCabled).toBe(true)
  for (const { known, accepted, refused } of sessions[0]!.directions)
    expect(accepted + refused.reduce((sum, { count }) => sum + count, 0)).toBe(known)
  expect(explainSession(plane, 'dc1-xa-leaf1', 'dc1-xa-leaf2')).toMatchObject({
    sessions: [],
    isCabled: false,
  })
})
