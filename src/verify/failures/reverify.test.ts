import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadIntent } from '../../intent/load.ts'
import { emptyLock, type Lock } from '../../plan/lock.ts'
import type { Plan } from '../../plan/model.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { analyseFailures } from './analysis.ts'
import { reportFailures } from './report.ts'
import { reverifyChange } from './reverify.ts'

const text = readFileSync('examples/two-sites/weft.yaml', 'utf8')
const { plan: base, lock } = planned(text, emptyLock)
const edited = (edit: (text: string) => string) => planned(edit(text), lock).plan

function planned(intent: string, before: Lock): { plan: Plan; lock: Lock } {
  const result = planFabric(loadIntent(intent, { file: 'weft.yaml', env: {} }).intent!, before)
  return { plan: result.plan!, lock: result.lock }
}

test('an unchanged plan is not played again', () => {
  expect(
    reverifyChange(
      base,
      edited((same) => same),
    ),
  ).toEqual({ sites: [], report: null })
})

test('a rack that changes concerns its own site', () => {
  const slow =
    '\noverrides:\n  - { select: { rack: compute2 }, set: { bfd: { transmit: 500ms, receive: 500ms, multiplier: 3 } } }\n'
  const { sites, report } = reverifyChange(
    base,
    edited((now) => now + slow),
  )

  expect(sites).toEqual(['dc1'])
  expect(report!.results.some(({ failure }) => failure.includes('dc2-dense1'))).toBe(false)
})

test('of the changed site it says what the whole plan says', () => {
  const after = edited((now) => now.replace('dense: 1', 'dense: 2'))
  const { sites, report } = reverifyChange(base, after)
  const whole = reportFailures(analyseFailures(after, { domains: ['link', 'device'], count: 1 }), 1)
  const found = new Map(report!.results.map((result) => [result.failure, result]))

  expect(sites).toEqual(['dc2'])
  for (const { failure, verdict, outages, alike } of whole.results) {
    if (!failure.includes('dc2-') || failure.includes('dc1-')) continue
    expect([failure, found.get(failure)]).toMatchObject([failure, { verdict, outages, alike }])
  }
})

test('what all sites have to do with is played everywhere', () => {
  const all = ['dc1', 'dc2']

  expect(
    reverifyChange(
      base,
      edited((now) => now.replace('dci: { routers: 2 }', 'dci: { routers: 3 }')),
    ).sites,
  ).toEqual(all)
  expect(
    reverifyChange(
      base,
      edited((now) => now.replace('send: [services]', 'send: [default]')),
    ).sites,
  ).toEqual(all)
})
