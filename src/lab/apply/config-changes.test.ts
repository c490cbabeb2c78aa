import { expect, test } from 'vitest'
import { configChanges } from './config-changes.ts'

const base = `frr version 8.4
!
ip prefix-list NODES seq 5 permit 10.0.0.0/24 ge 32
ip prefix-list NODES seq 10 permit 10.0.1.0/24 ge 32
!
route-map TO-LEAF permit 10
 match ip address prefix-list NODES
exit
!
router bgp 65001
 neighbor LEAVES peer-group
 neighbor eth1 interface peer-group LEAVES
 neighbor eth1 description leaf1 eth1
 neighbor eth2 interface peer-group LEAVES
 neighbor eth2 description leaf2 eth1
 !
 address-family ipv4 unicast
  network 10.0.0.1/32
  neighbor eth2 prefix-list LEAF2 in
  neighbor LEAVES route-map TO-LEAF out
 exit-address-family
exit
`

function said(after: string, before = base, running?: string): string[] {
  return configChanges([before], after, running).map(({ context, line }) => [...context, line].join(' / '))
}

test('the same configuration is no change', () => {
  expect(said(base)).toEqual([])
})

test('a new neighbor is said in the order of the file', () => {
  const after = base.replace(
    ' !\n',
    ' neighbor eth3 interface peer-group LEAVES\n neighbor eth3 description leaf3 eth1\n !\n',
  )

  expect(said(after)).toEqual([
    'router bgp 65001 / neighbor eth3 interface peer-group LEAVES',
    'router bgp 65001 / neighbor eth3 description leaf3 eth1',
  ])
})

test('a neighbor that goes takes its settings with it, in every address family', () => {
  const after = base
    .replace(/ +neighbor eth2 interface.*\n/, '')
    .replace(/ +neighbor eth2 description.*\n/, '')
    .replace(/ +neighbor eth2 prefix-list.*\n/, '')

  expect(said(after)).toEqual(['router bgp 65001 / no neighbor eth2 interface peer-group LEAVES'])
})

test('a value that changes is replaced, never gone for a moment', () => {
  const after = base
    .replace('seq 10 permit 10.0.1.0/24', 'seq 10 permit 10.0.2.0/24')
    .replace('match ip address prefix-list NODES', 'match ip address prefix-list OTHER')
    .replace('route-map TO-LEAF out', 'route-map ALL out')

  expect(said(after)).toEqual([
    'ip prefix-list NODES seq 10 permit 10.0.2.0/24 ge 32',
    'route-map TO-LEAF permit 10 / match ip address prefix-list OTHER',
    'router bgp 65001 / address-family ipv4 unicast / neighbor LEAVES route-map ALL out',
  ])
})

test('a refused change is undone to what was there before, also where a value was replaced', () => {
  const after = base.replace('seq 10 permit 10.0.1.0/24', 'seq 10 permit 10.0.2.0/24')

  expect(configChanges([base], after)).toEqual([
    {
      context: [],
      line: 'ip prefix-list NODES seq 10 permit 10.0.2.0/24 ge 32',
      undo: 'ip prefix-list NODES seq 10 permit 10.0.1.0/24 ge 32',
    },
  ])
})

test('what is gone is taken away after what is new, the last first, and blocks whole', () => {
  const after = base
    .replace('ip prefix-list NODES seq 10 permit 10.0.1.0/24 ge 32\n', '')
    .replace(/route-map TO-LEAF permit 10\n.*\nexit\n/, 'route-map NEW permit 10\nexit\n')
    .replace('network 10.0.0.1/32', 'network 10.0.0.2/32')

  expect(said(after)).toEqual([
    'route-map NEW permit 10 / exit',
    'router bgp 65001 / address-family ipv4 unicast / network 10.0.0.2/32',
    'router bgp 65001 / address-family ipv4 unicast / no network 10.0.0.1/32',
    'no route-map TO-LEAF permit 10',
    'no ip prefix-list NODES seq 10 permit 10.0.1.0/24 ge 32',
  ])
})

test('a route-map entry that turns into its opposite is made anew with all its lines', () => {
  const after = base.replace('route-map TO-LEAF permit 10', 'route-map TO-LEAF deny 10')

  expect(said(after)).toEqual([
    'no route-map TO-LEAF permit 10',
    'route-map TO-LEAF deny 10 / match ip address prefix-list NODES',
  ])
})

test('after an interruption, what may or may not be there is said again, and taken away only where it is', () => {
  const interrupted = base.replace('network 10.0.0.1/32', 'network 10.0.0.3/32')
  const changes = configChanges([base, interrupted], base, interrupted)

  expect(changes.map(({ line }) => line)).toEqual(['network 10.0.0.1/32', 'no network 10.0.0.3/32'])
})
