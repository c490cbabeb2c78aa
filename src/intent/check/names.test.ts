import { expect, test } from 'vitest'
import { addresses, explain, loadClean, oneSite } from '../fixture.ts'

test('two racks of a site with one name', () => {
  const racks = 'fabric:\n  racks:\n    - { name: r1 }\n    - { name: r1 }'

  expect(explain(oneSite('', racks))).toMatchInlineSnapshot(`
    "weft.yaml:7:13 error WEFT_INTENT_NAME_DUPLICATE (sites.dc1.fabric.racks.1)
      dc1 has two racks named "r1": the other is in line 6
                - { name: r1 }
                    ^^^^
      hint: rack names are unique in a site, also between its pods: rename one of them"
  `)
})

test('a node name that is used twice', () => {
  const racks = 'fabric:\n  racks:\n    - { name: r1, nodes: [a, b] }\n    - { name: r2, nodes: [b] }'

  expect(explain(oneSite('', racks))).toMatchInlineSnapshot(`
    "weft.yaml:7:31 error WEFT_INTENT_NAME_DUPLICATE (sites.dc1.fabric.racks.1.nodes.0)
      the name "b" is taken: it is also in line 6
                - { name: r2, nodes: [b] }
                                      ^
      hint: device and peer names are unique in the whole file: rename one of them"
  `)
})

test('a rack type with node names is good for one rack', () => {
  const types = 'racks: { control: { nodes: [cp1] } }'

  expect(explain(oneSite(types, 'fabric: { racks: { control: 2 } }'))).toMatchInlineSnapshot(`
    "weft.yaml:5:29 error WEFT_INTENT_NAME_DUPLICATE (racks.control.nodes.0)
      the node "cp1" would exist once in every rack of its type
        racks: { control: { nodes: [cp1] } }
                                    ^^^
      hint: a rack type that lists node names is good for one rack: write a number of nodes, or another type"
  `)
  expect(loadClean(oneSite(types, 'fabric: { racks: { control: 1 } }')).sites).toHaveLength(1)
})

test('a peer named like a node', () => {
  const text = oneSite(
    'peers: { a: { site: dc1, asn: 64999 } }',
    'edge: {}\nfabric: { racks: [ { name: r1, nodes: [a] } ] }',
  )

  expect(explain(text)).toMatchInlineSnapshot(`
    "weft.yaml:6:10 error WEFT_INTENT_NAME_DUPLICATE (peers.a)
      the name "a" is taken: it is also in line 5
        peers: { a: { site: dc1, asn: 64999 } }
                 ^
      hint: device and peer names are unique in the whole file: rename one of them"
  `)
})

test('words of expectations are no names', () => {
  expect(
    explain(oneSite('peers: { services: { site: dc1, asn: 64999 } }', 'edge: {}')),
  ).toMatchInlineSnapshot(`
    "weft.yaml:5:10 error WEFT_INTENT_NAME_RESERVED (peers.services)
      a peer cannot be named "services": expectations use the word for all of them
        peers: { services: { site: dc1, asn: 64999 } }
                 ^^^^^^^^
      hint: choose another name"
  `)
})

test('device names stay short enough', () => {
  const name = 'a-very-long-name-for-a-datacenter-in-the-north'

  expect(explain(`sites: { ${name}: { ${addresses(1)} } }\n`)).toMatchInlineSnapshot(`
    "weft.yaml:1:10 error WEFT_INTENT_NAME_INVALID (sites.a-very-long-name-for-a-datacenter-in-the-north.fabric.racks)
      the device name "a-very-long-name-for-a-datacenter-in-the-north-rack1-leaf2" would have 58 characters
        sites: { a-very-long-name-for-a-datacenter-in-the-north: { addresses: { switches: 10.1.0.0/24, nodes: 10.1.1.0/24, pods: 10.1.2.0/24, services: 10.1.3.0/24 } } }
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      expected: at most 48 characters for site, rack and number together
      hint: shorten the name of the site or of the rack"
  `)
})

test('an interface is an uplink once', () => {
  expect(
    explain(oneSite('racks: { a: { uplinks: [eth1, eth1] } }', 'fabric: { racks: { a: 1 } }')),
  ).toMatchInlineSnapshot(`
    "weft.yaml:5:15 error WEFT_INTENT_NAME_DUPLICATE (racks.a.uplinks)
      nodes have two uplinks named "eth1"
        racks: { a: { uplinks: [eth1, eth1] } }
                      ^^^^^^^
      hint: name each interface once, in the order of the leaves"
  `)
})
