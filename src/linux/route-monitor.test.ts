import { expect, test } from 'vitest'
import { parseRouteEvent } from './route-monitor.ts'

const stamp = '[2026-11-22T21:05:43.083319]'

test('reads a host route with an IPv6 next hop', () => {
  const event = parseRouteEvent(`${stamp} 10.5.5.5 via inet6 fe80::1 dev va proto bgp `)

  expect(event).toMatchObject({
    kind: 'set',
    family: 'ipv4',
    destination: '10.5.5.5/32',
    protocol: 'bgp',
    nextHops: [{ device: 'va', gateway: 'fe80::1', weight: 1 }],
  })
  expect((event?.atMs ?? 0) % 1).toBeCloseTo(0.319, 2)
})

test('reads every next hop of a multipath route and ignores next-hop object details', () => {
  const event = parseRouteEvent(
    `${stamp} 10.5.5.6 nhid 9 proto bgp \\\tnexthop via inet6 fe80::1 dev va weight 2 \\\tnexthop via inet6 fe80::2 dev vb weight 1 \\\tnh_info id 9 group 7/8`,
  )

  expect(event?.nextHops).toEqual([
    { device: 'va', gateway: 'fe80::1', weight: 2 },
    { device: 'vb', gateway: 'fe80::2', weight: 1 },
  ])
})

test('tells the families of default routes apart', () => {
  expect(parseRouteEvent(`${stamp} default via inet6 fe80::1 dev va proto bgp`)?.family).toBe('ipv4')
  expect(parseRouteEvent(`${stamp} default via fe80::1 dev va proto bgp metric 20`)?.family).toBe('ipv6')
  expect(
    parseRouteEvent(`${stamp} default proto bgp metric 20 \\\tnexthop via fe80::1 dev va weight 1`)?.family,
  ).toBe('ipv6')
})

test('reads deletions and local routes, and skips what is not a route', () => {
  expect(parseRouteEvent(`${stamp} Deleted local 10.1.1.1 dev lo table local proto kernel`)).toMatchObject({
    kind: 'deleted',
    destination: '10.1.1.1/32',
    table: 'local',
  })
  expect(parseRouteEvent('Timestamp: Sun Nov 22')).toBeUndefined()
  expect(parseRouteEvent('')).toBeUndefined()
})
