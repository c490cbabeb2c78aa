import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { drainChanges, undrainChanges } from './drain-switch.ts'

const leaf = readFileSync('src/render/golden/seed/dc1-control1-leaf1.conf', 'utf8')

test('every export of a drained switch says GRACEFUL_SHUTDOWN, and lowers preference where FRR gives it no meaning', () => {
  const changes = drainChanges(leaf)

  expect(changes.map(({ line }) => line)).toEqual([
    'call TO-NODE',
    'set community graceful-shutdown additive',
    'set local-preference 0',
    'call TO-ABOVE',
    'set community graceful-shutdown additive',
    'neighbor NODES route-map WEFT-DRAIN-TO-NODE-IBGP out',
    'neighbor SPINES route-map WEFT-DRAIN-TO-ABOVE out',
  ])
})

test('ending a drain gives back the exports and leaves no policy behind', () => {
  const drained = `${leaf.replace('map TO-NODE out', 'map WEFT-DRAIN-TO-NODE-IBGP out').replace('map TO-ABOVE out', 'map WEFT-DRAIN-TO-ABOVE out')}
route-map WEFT-DRAIN-TO-NODE-IBGP permit 10
 call TO-NODE
exit
!
route-map WEFT-DRAIN-TO-ABOVE permit 10
 call TO-ABOVE
exit
`

  expect(undrainChanges(drained).map(({ line }) => line)).toEqual([
    'neighbor NODES route-map TO-NODE out',
    'neighbor SPINES route-map TO-ABOVE out',
    'no route-map WEFT-DRAIN-TO-NODE-IBGP permit 10',
    'no route-map WEFT-DRAIN-TO-ABOVE permit 10',
  ])
})

test('draining twice, or ending a drain that is not, changes nothing', () => {
  const drained = leaf
    .replace('map TO-NODE out', 'map WEFT-DRAIN-TO-NODE-IBGP out')
    .replace('map TO-ABOVE out', 'map WEFT-DRAIN-TO-ABOVE out')

  expect(drainChanges(drained)).toEqual([])
  expect(undrainChanges(leaf)).toEqual([])
})
