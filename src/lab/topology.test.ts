import { expect, test } from 'vitest'
import { fabricPlan } from '../render/fixture.ts'
import { linkLocalOf, macOf } from './names.ts'
import {
  clientRouteOperations,
  interfacesOf,
  linkOperations,
  namespacesFor,
  returnRouteOperations,
} from './topology.ts'

const plan = fabricPlan()

test('makes one veth a cable, with different interface indexes at its two ends', () => {
  const operations = linkOperations('demo', plan)
  const indexes = operations.flatMap((line) => [...line.matchAll(/ index (\d+) /g)].map(([, index]) => index))

  // One more than the plan's: from the client to the only network beyond the edge.
  expect(operations).toHaveLength(plan.links.length + 1)
  expect(new Set(indexes).size).toBe(2 * operations.length)
  expect(operations[0]).toMatch(
    /^link add \S+ netns weft-demo-\S+ index \d+ address 02:\S+ type veth peer name \S+ netns weft-demo-\S+ index \d+ address 02:\S+$/,
  )
})

test('gives every device a namespace, and the client one', () => {
  expect(namespacesFor('demo', plan)).toHaveLength(plan.devices.length + 1)
  expect(namespacesFor('demo', plan)).toContain('weft-demo-client')
})

test('routes the client over the external network, and back', () => {
  expect(interfacesOf(plan, 'client')).toEqual(['ext0'])
  expect(interfacesOf(plan, 'isp-a')).toContain('client')
  expect(clientRouteOperations(plan)).toContain(
    `route add default src 198.18.0.1 nexthop via inet6 ${linkLocalOf(macOf('isp-a', 'client'))} dev ext0`,
  )
  expect(returnRouteOperations(plan, 'isp-a')).toContain(
    `route add 198.18.0.1/32 via inet6 ${linkLocalOf(macOf('client', 'ext0'))} dev client`,
  )
  expect(returnRouteOperations(plan, 'dc1-leaf1')).toEqual([])
})
