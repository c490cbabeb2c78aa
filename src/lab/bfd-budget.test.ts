import { expect, test } from 'vitest'
import { sketchIntent } from '../plan/fixture.ts'
import { emptyLock } from '../plan/lock.ts'
import { planFabric } from '../plan/plan-fabric.ts'
import { bfdCores, fitBfd, withoutBfd } from './bfd-budget.ts'

const racks = Array.from({ length: 6 }, (_, rack) => ({
  name: `r${rack}`,
  nodes: Array.from({ length: 4 }, (_, node) => `r${rack}-n${node}`),
}))
const plan = planFabric(sketchIntent([{ name: 'dc1', block: 1, racks, borderLeaves: 2 }]), emptyLock).plan!

test('leaves BFD alone where the machine can carry it', () => {
  const fitted = fitBfd(plan, { cores: 64 })

  expect(fitted.relaxed).toEqual([])
  expect(fitted.plan).toEqual(plan)
})

test('slows BFD down until it fits, what is under test never, and says which', () => {
  const fitted = fitBfd(plan, { cores: 1, underTest: ['node'] })

  expect(bfdCores(plan)).toBeGreaterThan(0.3)
  expect(fitted.relaxed.map((entry) => entry.class)).toContain('fabric')
  expect(fitted.relaxed.map((entry) => entry.class)).not.toContain('node')
  expect(fitted.cores).toBeLessThan(bfdCores(plan))
})

test('slows everything down on a machine that is far too small, and no further than 3 s', () => {
  const fitted = fitBfd(plan, { cores: 0.01 })

  expect(new Set(fitted.relaxed.map((entry) => entry.toMilliseconds))).toEqual(new Set([3000]))
})

test('costs nothing without BFD', () => {
  expect(bfdCores(withoutBfd(plan))).toBe(0)
})
