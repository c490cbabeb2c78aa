import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadIntent } from '../../intent/load.ts'
import { emptyLock, type Lock } from '../../plan/lock.ts'
import type { Plan } from '../../plan/model.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { reportChange } from './report.ts'

const text = readFileSync('examples/two-sites/weft.yaml', 'utf8')

function planned(intent: string, lock: Lock = emptyLock): { plan: Plan; lock: Lock } {
  const result = planFabric(loadIntent(intent, { file: 'weft.yaml', env: {} }).intent!, lock)
  return { plan: result.plan!, lock: result.lock }
}

const base = planned(text)
const changed = (edit: (text: string) => string) => planned(edit(text), base.lock).plan

test('no change is nothing to do', () => {
  const report = reportChange(
    base.plan,
    changed((same) => same),
  )

  expect(report).toMatchObject({ verdict: 'ok', isEmpty: true, steps: [] })
  expect([report.routes.lost, report.routes.narrower, report.routes.moved]).toEqual([[], [], []])
})

test('a new rack resets nothing and moves nobody; its leaves come before those above accept it', () => {
  const report = reportChange(
    base.plan,
    changed((now) => now.replace('racks: { compute: 2 }', 'racks: { compute: 3 }')),
  )

  expect(report.verdict).toBe('ok')
  expect(report.risk.resets).toEqual([])
  expect([report.routes.lost, report.routes.moved]).toEqual([[], []])
  expect(report.steps.map(({ what }) => what)).toEqual(['add'])
  expect(report.steps[0]!.devices).toContain('dc1-spine1')
})

test('a third spine makes paths wider', () => {
  const report = reportChange(
    base.plan,
    changed((now) => now.replace('{ spines: 2, racks: { compute: 2 }', '{ spines: 3, racks: { compute: 2 }')),
  )

  expect(report.verdict).toBe('ok')
  expect(
    report.routes.wider.some(({ from, before, after }) => from === 'leaf' && before === 2 && after === 3),
  ).toBe(true)
})

test('losing a spine of two leaves users with one path less, and one of one cuts them off', () => {
  const one = changed((now) =>
    now.replace('{ spines: 2, racks: { compute: 2 }', '{ spines: 1, racks: { compute: 2 }'),
  )
  const none = changed((now) =>
    now.replace('borderLeaves: 2 }\n    dci: { routers: 2 }', 'borderLeaves: 2 }\n    dci: { routers: 1 }'),
  )

  expect(reportChange(base.plan, one).routes.narrower.length).toBeGreaterThan(0)
  expect(reportChange(base.plan, one).verdict).toBe('ok')
  expect(reportChange(base.plan, none).routes.narrower.some(({ from }) => from === 'border-leaf')).toBe(true)
})

test('other timers reset every session: at once nobody reaches anybody, one by one only who has no second way', () => {
  const report = reportChange(
    base.plan,
    changed((now) => `${now}\nbgp: { timers: { keepalive: 2s, hold: 6s } }\n`),
  )

  expect(report.risk.resets).toHaveLength(58)
  expect(report.risk.atOnce.length).toBeGreaterThan(0)
  expect(report.steps.map(({ what }) => what)).toEqual(['reset'])
  expect(report.risk.oneByOne.map(({ device }) => device)).toEqual([])
})

test('an announcement that a peer no longer gets is lost to it, and first no longer sent', () => {
  const vip = '\noverrides:\n  - { select: { device: dc1-compute1-n1 }, set: { vips: [10.10.21.9] } }\n'
  const before = planned(text + vip)
  const after = planned(`${text.replace('send: [services]', 'send: [default]')}${vip}`, before.lock).plan

  const report = reportChange(before.plan, after)

  expect(report.verdict).toBe('violated')
  expect(report.routes.lost[0]).toMatchObject({ destination: 'service address', from: 'external' })
  expect(report.steps.map(({ what }) => what)).toContain('withdraw')
})
