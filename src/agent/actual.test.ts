import { expect, test } from 'vitest'
import { readBgp } from './actual.ts'
import { makeConfig } from './desired/fixtures.ts'

const running = `frr version 8.4.4
router bgp 65001
 no bgp network import-check
 !
 address-family ipv4 unicast
  network 10.9.0.1/32 route-map VIP-site
  network 10.9.0.2/32
  network 10.9.7.0/24
  network 10.9.255.1/32
  network 10.9.255.2/32 route-map VIP-site
  network 192.0.2.1/32
 exit-address-family
 !
 address-family ipv6 unicast
  network fd09::1/128 route-map VIP-edge
  network fd09::/64
 exit-address-family
exit
!
route-map VIP-site permit 10
exit
`

test('owns host statements inside the pools, and neither reserved ones nor prefixes nor others’', () => {
  const actual = readBgp(running, makeConfig())

  expect([...actual.networks]).toEqual([
    ['10.9.0.1', 'VIP-site'],
    ['10.9.0.2', ''],
    ['fd09::1', 'VIP-edge'],
  ])
  expect(actual).toMatchObject({
    instance: 'router bgp',
    hasImportCheck: false,
    routeMaps: new Set(['VIP-site']),
  })
})

test('names the instance when there are several, and never takes that of a VRF', () => {
  const two = `router bgp 65009 vrf red\n address-family ipv4 unicast\n  network 10.9.0.9/32\n${running}`

  const actual = readBgp(two, makeConfig())

  expect(actual.instance).toBe('router bgp 65001')
  expect(actual.networks.has('10.9.0.9')).toBe(false)
})

test('refuses to work without a BGP instance, or with that of another AS', () => {
  expect(() => readBgp('hostname x\n', makeConfig())).toThrow('bgpd has no BGP instance')
  expect(() => readBgp(running, makeConfig({ localAs: 65002 }))).toThrow(
    'bgpd runs AS 65001, the agent is configured for AS 65002',
  )
})
