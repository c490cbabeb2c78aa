import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Expectation } from '../../intent/model.ts'
import type { Plan } from '../../plan/model.ts'
import { exampleNames, planOf } from './intents.fixture.ts'
import { judgeSurvive } from './survive.ts'

type Survive = Extract<Expectation, { kind: 'survive' }>

function examplePlan(name: string, edit = (text: string) => text): Plan {
  return planOf(edit(readFileSync(`examples/${name}/weft.yaml`, 'utf8')))
}

const survive = (rest: Partial<Survive> = {}): Survive => ({
  kind: 'survive',
  path: 'expect[0]',
  fail: ['link', 'device'],
  count: 1,
  outageMilliseconds: null,
  ...rest,
})

test.each(exampleNames)('example %s survives any link and any device', (name) => {
  expect(judgeSurvive(examplePlan(name), survive())).toMatchObject({ verdict: 'ok' })
})

test('what only a failed node announces goes with it, and is no failure of the network', () => {
  expect(judgeSurvive(examplePlan('seed'), survive({ fail: ['device'] }))).toMatchObject({ verdict: 'ok' })
})

test('two leaves of one rack are more than a rack survives, and the answer names them', () => {
  const answer = judgeSurvive(examplePlan('one-rack'), survive({ fail: ['device'], count: 2 }))

  expect(answer.verdict).toBe('violated')
  expect(answer.message).toMatch(/leaf1 and device .*leaf2 down, nothing from .* reaches .*/)
})

test('a rack with one leaf does not survive the loss of that leaf', () => {
  const plan = examplePlan('two-sites', (text) => text.replace('dense: { leaves: 2', 'dense: { leaves: 1'))

  const answer = judgeSurvive(plan, survive())

  expect(answer).toMatchObject({ verdict: 'violated' })
  expect(answer.message).toContain('dc2-dense1-leaf1')
})

test('a limit shorter than BFD needs is violated, with the time that is predicted', () => {
  const answer = judgeSurvive(examplePlan('two-sites'), survive({ outageMilliseconds: 200 }))

  expect(answer.verdict).toBe('violated')
  expect(answer.message).toMatch(/an outage of up to \d+ ms is predicted, 200 ms are allowed \(BFD notices/)
})

test('three failures at once are left undecided, and the answer says what to ask instead', () => {
  expect(judgeSurvive(examplePlan('one-rack'), survive({ count: 3 }))).toMatchObject({
    verdict: 'undecided',
    mend: expect.stringContaining('weft verify failures'),
  })
})
