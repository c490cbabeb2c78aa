import { expect, test } from 'vitest'
import { baseRouteMapOf, isOwnedRouteMap, routeMapChanges, routeMapOf } from './vip-route-map.ts'

test('an announcement that says nothing but its scope uses the base configuration’s route map', () => {
  expect(routeMapOf({ scope: 'edge' }).name).toBe('VIP-edge')
  expect(isOwnedRouteMap('VIP-edge')).toBe(false)
})

test('everything said is in the name, so that none is ever edited', () => {
  const said = routeMapOf({
    scope: 'site',
    weight: 3,
    drained: true,
    localPreference: 150,
    prepend: 2,
    communities: ['65000:1', '65000:99:1'],
  })

  expect(said.name).toMatch(/^VIP-site-w3-drained-lp150-p2-c[0-9a-f]{12}$/)
  expect(baseRouteMapOf(said.name)).toBe('VIP-site')
  expect(routeMapChanges(said, 65001).map(({ context, line }) => `${context[0]}: ${line}`)).toEqual([
    `route-map ${said.name} permit 10: call VIP-site`,
    `route-map ${said.name} permit 10: on-match next`,
    `route-map ${said.name} permit 20: set extcommunity bandwidth 3`,
    `route-map ${said.name} permit 20: set community 65000:1 graceful-shutdown additive`,
    `route-map ${said.name} permit 20: set large-community 65000:99:1 additive`,
    `route-map ${said.name} permit 20: set local-preference 150`,
    `route-map ${said.name} permit 20: set as-path prepend 65001 65001`,
  ])
})

test('a weight beyond what FRR takes becomes the largest it takes', () => {
  expect(routeMapOf({ scope: 'rack', weight: 1_000_000 }).name).toBe('VIP-rack-w25600')
})
