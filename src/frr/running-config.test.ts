import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareConfig } from './running-config.ts'

const given = `frr version 8.4
frr defaults datacenter
hostname leaf1
bgp as-path access-list OWN permit ^$
ip prefix-list VIP permit 10.10.21.0/24 ge 32 le 32
ip prefix-list VIP permit 10.10.22.0/24 ge 32 le 32
route-map OUT permit 10
 match ip address prefix-list VIP
 set large-community 65001:2:1 65001:1:7 additive
router bgp 65103
 bgp router-id 10.10.2.3
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 neighbor F peer-group
 neighbor F bfd profile P
 address-family ipv4 unicast
  neighbor F activate
  neighbor F send-community all
 exit-address-family
`

const running = `Building configuration...

Current configuration:
!
frr version 8.4.4
frr defaults datacenter
hostname leaf1
!
router bgp 65103
 bgp router-id 10.10.2.3
 no bgp default ipv4-unicast
 neighbor F peer-group
 neighbor F bfd profile P
 !
 address-family ipv4 unicast
  neighbor F activate
 exit-address-family
exit
!
ip prefix-list VIP seq 5 permit 10.10.21.0/24 ge 32 le 32
ip prefix-list VIP seq 10 permit 10.10.22.0/24 ge 32 le 32
!
bgp as-path access-list OWN seq 5 permit ^$
!
route-map OUT permit 10
 match ip address prefix-list VIP
 set large-community 65001:1:7 65001:2:1 additive
exit
!
end
`

test('a file and what FRR prints after loading it are the same', () => {
  expect(compareConfig(given, running)).toEqual({ missing: [], unexpected: [] })
})

test('a lost line is named with its block', () => {
  const lost = running.replace(' neighbor F bfd profile P\n', '').replace('  neighbor F activate\n', '')

  expect(compareConfig(given, lost).missing).toEqual([
    'router bgp 65103 / neighbor F bfd profile P',
    'router bgp 65103 / address-family ipv4 unicast / neighbor F activate',
  ])
})

test('a lost block is named line by line, and a foreign one too', () => {
  const lost = running.replace(
    /route-map OUT[\s\S]*?exit\n/,
    'route-map OTHER deny 5\n match interface eth0\nexit\n',
  )

  expect(compareConfig(given, lost)).toEqual({
    missing: [
      'route-map OUT permit 10',
      'route-map OUT permit 10 / match ip address prefix-list VIP',
      'route-map OUT permit 10 / set large-community 65001:2:1 65001:1:7 additive',
    ],
    unexpected: ['route-map OTHER deny 5', 'route-map OTHER deny 5 / match interface eth0'],
  })
})

test('prefix lists in another order are a difference, other sequence numbers are not', () => {
  const renumbered = running.replace('seq 5 permit 10.10.21', 'seq 7 permit 10.10.21')
  const swapped = running.replace('seq 5 permit 10.10.21', 'seq 15 permit 10.10.21')

  expect(compareConfig(given, renumbered)).toEqual({ missing: [], unexpected: [] })
  expect(compareConfig(given, swapped).missing).toEqual([
    'ip prefix-list VIP permit 10.10.21.0/24 ge 32 le 32',
    'ip prefix-list VIP permit 10.10.22.0/24 ge 32 le 32',
  ])
})

test('a default of one profile is a setting in the other', () => {
  const traditional = (text: string) => text.replace('datacenter', 'traditional')

  expect(compareConfig(traditional(given), traditional(running)).missing).toEqual([
    'router bgp 65103 / no bgp ebgp-requires-policy',
  ])
})

// Comparing each line with each other would take minutes.
test('comparing costs time in proportion to the lines', () => {
  const networks = Array.from(
    { length: 10_000 },
    (_, index) => `  network 10.1.${index >> 8}.${index & 255}/32`,
  )
  const text = `router bgp 1\n address-family ipv4 unicast\n${networks.join('\n')}\n`

  const difference = compareConfig(text, text.replace('network 10.1.7.7/32', 'network 10.1.77.77/32'))

  expect(difference.missing).toEqual(['router bgp 1 / address-family ipv4 unicast / network 10.1.7.7/32'])
})

test('the order of lines within a block never matters', () => {
  const lines = given.split('\n').filter((line) => line.startsWith(' neighbor') || line.startsWith(' bgp'))

  fc.assert(
    fc.property(fc.shuffledSubarray(lines, { minLength: lines.length }), (shuffled) => {
      const one = `router bgp 65103\n${lines.join('\n')}\n`
      const other = `router bgp 65103\n${shuffled.join('\n')}\n`
      expect(compareConfig(one, other)).toEqual({ missing: [], unexpected: [] })
    }),
  )
})
