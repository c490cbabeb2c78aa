import { expect, test } from 'vitest'
import { sketchIntent } from '../../plan/fixture.ts'
import { emptyLock } from '../../plan/lock.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { computeLoad } from '../load/load.ts'
import { ControlPlane } from '../simulate/control-plane.ts'
import type { RouterModel } from '../simulate/router-model.ts'
import { networkOfPlan } from '../simulate/router-of-plan.ts'
import { chooseByHash } from './flow-hash.ts'
import { traceFlow, tracePackets } from './trace.ts'

const plan = planFabric(
  sketchIntent([
    {
      name: 'dc1',
      block: 10,
      racks: [
        { name: 'r1', nodes: ['n1'] },
        { name: 'r2', nodes: ['n2'] },
      ],
    },
  ]),
  emptyLock,
).plan!
const plane = new ControlPlane(networkOfPlan(plan))
const addressOf = (name: string) =>
  plan.devices.find((device) => device.name === name)!.loopbacks[0]!.split('/')[0]!

test('between racks packets take 8 ways, halves at each step, and all arrive', () => {
  const trace = tracePackets(plane, 'n1', addressOf('n2'))

  expect(trace).toMatchObject({ paths: 8, narrowest: 2 })
  expect(trace.endings).toEqual([
    { router: 'n2', share: 1, outcome: 'delivered', prefix: `${addressOf('n2')}/32` },
  ])
  const middle = trace.hops.filter(({ depth }) => depth === 2).map(({ router, share }) => [router, share])
  expect(middle.toSorted()).toEqual([
    ['dc1-spine1', 0.5],
    ['dc1-spine2', 0.5],
  ])
})

test('what nobody has ends where it starts', () => {
  expect(tracePackets(plane, 'n1', '203.0.113.1').endings).toEqual([
    { router: 'n1', share: 1, outcome: 'no route', prefix: null },
  ])
})

test('two routers that send a packet to each other are a loop, and the shares still add up', () => {
  const network = networkOfPlan(plan)
  const send = (router: RouterModel, via: string): RouterModel => ({
    ...router,
    staticRoutes: [{ prefix: '198.51.100.0/24', via }],
  })
  const leaf = plan.devices.find(({ name }) => name === 'dc1-r1-leaf1')!
  const toSpine = leaf.interfaces.find(({ peerDevice }) => peerDevice === 'dc1-spine1')!
  const looping = new ControlPlane({
    ...network,
    routers: network.routers.map((router) =>
      router.name === 'dc1-r1-leaf1'
        ? send(router, toSpine.name)
        : router.name === 'dc1-spine1'
          ? send(router, toSpine.peerInterface)
          : router,
    ),
  })

  const trace = tracePackets(looping, 'dc1-r1-leaf1', '198.51.100.9')

  expect(trace.endings).toEqual([
    { router: 'dc1-spine1', share: 1, outcome: 'loop', prefix: '198.51.100.0/24' },
  ])
  expect(traceFlow(looping, 'dc1-r1-leaf1', '198.51.100.9', (_, hops) => hops[0]!).outcome).toBe('loop')
})

test('every demand ends somewhere, and a link’s load is what its users send', () => {
  const demands = ['n1', 'n2'].map((from) => ({
    from,
    to: addressOf(from === 'n1' ? 'n2' : 'n1'),
    amount: 4,
  }))
  const result = computeLoad(plane, [...demands, { from: 'n1', to: '203.0.113.1', amount: 1 }])

  expect(result.offered).toBe(9)
  expect(Object.fromEntries(result.delivered)).toEqual({ n1: 4, n2: 4 })
  expect(result.lost).toEqual([{ router: 'n1', reason: 'no route', amount: 1 }])
  const uplinks = result.links.filter(({ from }) => from === 'n1')
  expect(uplinks.map(({ amount }) => amount)).toEqual([2, 2])
})

const hops = (...weights: number[]) =>
  weights.map((weight, index) => ({ interface: `eth${index}`, router: `r${index}`, weight }))

function spread(seed: number, flows: readonly number[], choices: ReturnType<typeof hops>): number[] {
  const counts = choices.map(() => 0)
  for (const flow of flows) counts[choices.indexOf(chooseByHash(seed, flow, choices))]! += 1
  return counts
}

test('flows spread evenly, or by weight; a second tier with the seed of the first does not spread at all', () => {
  const flows = Array.from({ length: 4000 }, (_, index) => index + 1)

  for (const count of spread(7, flows, hops(1, 1, 1, 1))) expect(Math.abs(count - 1000)).toBeLessThan(130)
  const [three, one] = spread(7, flows, hops(75, 25))
  expect(three! / one!).toBeGreaterThan(2.6)
  expect(three! / one!).toBeLessThan(3.4)

  const first = flows.filter((flow) => chooseByHash(7, flow, hops(1, 1)).router === 'r0')
  expect(spread(7, first, hops(1, 1))).toEqual([first.length, 0])
  expect(Math.abs(spread(8, first, hops(1, 1))[0]! / first.length - 0.5)).toBeLessThan(0.05)
})
