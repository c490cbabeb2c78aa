import { expect, test } from 'vitest'
import { parsePrefix } from '../../net/prefix.ts'
import { buildRouter } from '../configs/build-router.ts'
import { readConfig } from '../configs/read-config.ts'
import { type BgpRoute, localRoute } from './bgp-route.ts'
import { applyRouteMap } from './route-map.ts'

function apply(lines: string[], changes: Partial<BgpRoute> = {}, prefix = '10.1.0.0/24') {
  const router = buildRouter(readConfig('r.conf', ['router bgp 65001', ...lines].join('\n')))
  return applyRouteMap(
    router,
    'M',
    { ...localRoute, ...changes },
    { prefix: parsePrefix(prefix), family: prefix.includes(':') ? 'ipv6' : 'ipv4' },
  )
}

test('what no entry matches is denied, and a map that does not exist denies', () => {
  expect(apply(['route-map M permit 10', 'match metric 5']).route).toBeNull()
  expect(apply([]).route).toBeNull()
  expect(apply(['route-map M permit 10']).entry).toEqual({ map: 'M', sequence: 10, action: 'permit' })
})

// Found by the differential test (seed 5020): a map with `permit 1, on-match next` denied everything on real FRR.
test('after on-match next a route needs a further match, and keeps what was set', () => {
  const first = ['route-map M permit 1', 'set metric 7', 'on-match next']

  expect(apply([...first, 'route-map M permit 10', 'match local-preference 5']).route).toBeNull()
  expect(apply([...first, 'route-map M permit 10', 'match local-preference 100']).route).toMatchObject({
    med: 7,
  })
  expect(apply(first).route).toMatchObject({ med: 7 })
})

test('on-match goto passes over the entries between', () => {
  const lines = [
    'route-map M permit 1',
    'on-match goto 20',
    'route-map M deny 10',
    'route-map M permit 20',
    'set weight 9',
  ]
  expect(apply(lines).route).toMatchObject({ weight: 9 })
})

test('call must permit; what it sets comes after the entry’s own and stays', () => {
  const called = (action: string) => [
    'route-map M permit 10',
    'call SUB',
    'set metric 1',
    `route-map SUB ${action} 10`,
    'set metric 2',
  ]
  expect(apply(called('permit')).route).toMatchObject({ med: 2 })
  expect(apply(called('deny')).route).toBeNull()
  expect(apply(['route-map M permit 10', 'call M']).route).toBeNull()
})

test('prefix lists: lengths, first match, the other family never', () => {
  const list = [
    'ip prefix-list P seq 5 deny 10.1.0.0/24',
    'ip prefix-list P seq 10 permit 10.0.0.0/8 ge 24 le 28',
  ]
  const map = [...list, 'route-map M permit 10', 'match ip address prefix-list P']

  expect(apply(map, {}, '10.1.0.0/24').route).toBeNull()
  expect(apply(map, {}, '10.2.0.0/24').route).not.toBeNull()
  expect(apply(map, {}, '10.2.0.0/16').route).toBeNull()
  expect(apply(map, {}, 'fd00::/64').route).toBeNull()
})

test('communities: all of an entry, exactly, by expression; added, replaced, deleted', () => {
  const carries = { communities: ['65000:1', '65000:2'] }
  const match = (list: string, exact = '') => [list, 'route-map M permit 10', `match community C${exact}`]

  expect(apply(match('bgp community-list standard C permit 65000:1 65000:2'), carries).route).not.toBeNull()
  expect(apply(match('bgp community-list standard C permit 65000:1 65000:3'), carries).route).toBeNull()
  expect(
    apply(match('bgp community-list standard C permit 65000:1', ' exact-match'), carries).route,
  ).toBeNull()
  expect(apply(match('bgp community-list expanded C permit _65000:2_'), carries).route).not.toBeNull()

  const sets = (line: string) =>
    apply(['bgp community-list standard D permit 65000:2', 'route-map M permit 10', line], carries).route!
      .communities
  expect(sets('set community no-export additive')).toEqual(['65000:1', '65000:2', '65535:65281'])
  expect(sets('set community 1:1')).toEqual(['1:1'])
  expect(sets('set comm-list D delete')).toEqual(['65000:1'])
  expect(sets('set community none')).toEqual([])
})

test('AS paths: own numbers in front, the last one again, some taken away', () => {
  const asPath = (line: string) =>
    apply(['route-map M permit 10', line], { asPath: [65_100, 65_200] }).route!.asPath
  expect(asPath('set as-path prepend 65001 65001')).toEqual([65_001, 65_001, 65_100, 65_200])
  expect(asPath('set as-path prepend last-as 2')).toEqual([65_100, 65_100, 65_100, 65_200])
  expect(asPath('set as-path exclude 65200')).toEqual([65_100])
})

// Found by the differential test (seed 5028).
test('prepend last-as puts nothing in front of an empty path', () => {
  expect(apply(['route-map M permit 10', 'set as-path prepend last-as 2']).route!.asPath).toEqual([])
})
