import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Plan } from '../../plan/model.ts'
import { planOf } from '../failures/intents.fixture.ts'
import { reportDrain } from './report.ts'

function example(name: string): Plan {
  return planOf(readFileSync(`examples/${name}/weft.yaml`, 'utf8'))
}

test.each(['dc1-compute1-leaf1', 'dc1-spine1', 'dc1-border1', 'dc1-dci1', 'dc1-edge1', 'dc1-compute1-n1'])(
  'draining %s moves everything away before it goes',
  (device) => {
    const report = reportDrain(example('two-sites'), [device], 1)

    expect(report.steps).toMatchObject([{ devices: [device], isHitless: true, lost: [] }])
    expect(report.verdict).toBe('ok')
    expect(report.steps[0]!.moves > 0).toBe(!device.endsWith('n1'))
  },
)

test('a drained leaf leaves the nodes of its rack alone with the other one, which is said', () => {
  const [step] = reportDrain(example('two-sites'), ['dc1-compute1-leaf1'], 1).steps

  expect(step!.alone.some(({ from }) => from === 'node')).toBe(true)
  expect(reportDrain(example('two-sites'), ['dc1-compute1-leaf1'], 2).verdict).toBe('violated')
})

test('both leaves of a rack are drained one after the other, and other racks beside them', () => {
  const leaves = ['dc1-compute1-leaf1', 'dc1-compute1-leaf2', 'dc1-compute2-leaf1']

  expect(reportDrain(example('two-sites'), leaves, 1).steps.map(({ devices }) => devices)).toEqual([
    ['dc1-compute1-leaf1', 'dc1-compute2-leaf1'],
    ['dc1-compute1-leaf2'],
  ])
})

test('the only spine cannot be drained: users stay on it', () => {
  const text = readFileSync('examples/two-sites/weft.yaml', 'utf8').replaceAll('spines: 2', 'spines: 1')

  const report = reportDrain(planOf(text), ['dc1-spine1'], 1)

  expect(report.verdict).toBe('violated')
  expect(report.steps[0]!.stays.length).toBeGreaterThan(0)
})

test('of two announcers of a service one may go', () => {
  const text = readFileSync('examples/two-sites/weft.yaml', 'utf8')
  const override = `
overrides:
  - { select: { device: dc1-compute1-n1 }, set: { vips: [10.10.21.9] } }
  - { select: { device: dc1-compute2-n1 }, set: { vips: [10.10.21.9] } }
`

  const [step] = reportDrain(planOf(text + override), ['dc1-compute1-n1'], 1).steps

  expect(step).toMatchObject({
    verdict: 'ok',
    services: [{ prefix: '10.10.21.9/32', announcersBefore: 2, announcersAfter: 1 }],
  })
  expect(step!.moves).toBeGreaterThan(0)
})
