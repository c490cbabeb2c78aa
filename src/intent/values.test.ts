import { expect, test } from 'vitest'
import { explain, loadClean, oneSite } from './fixture.ts'

function withNodes(nodes: string): string {
  return `sites:
  dc1:
    addresses: { switches: 10.1.0.0/24, nodes: ${nodes}, pods: 10.1.2.0/24, services: 10.1.3.0/24 }
`
}

test.each(['10.1.1.0/24', '10.1.1.0/32', '10.0.0.0/16'])('%s is taken as a prefix', (prefix) => {
  expect(loadClean(withNodes(prefix)).sites[0]!.addresses.nodes.v4.family).toBe(4)
})

test('a prefix with bits behind its length', () => {
  expect(explain(withNodes('10.1.1.1/24'))).toMatchInlineSnapshot(`
    "weft.yaml:3:48 error WEFT_INTENT_PREFIX_INVALID (sites.dc1.addresses.nodes)
      "10.1.1.1/24" has bits set behind its prefix length
            addresses: { switches: 10.1.0.0/24, nodes: 10.1.1.1/24, pods: 10.1.2.0/24, services: 10.1.3.0/24 }
                                                       ^^^^^^^^^^^
      found:    "10.1.1.1/24"
      expected: a prefix such as 10.10.19.0/24 or fd00:10:19::/64
      hint: write the first address of the prefix, or a longer length"
  `)
})

test.each(['10.1.1.0', '10.1.1.0/33', '10.1.01.0/24', 'nodes'])('%s is refused as a prefix', (text) => {
  expect(explain(withNodes(text))).toContain('WEFT_INTENT_PREFIX_INVALID')
})

test('two prefixes of one family, and IPv6 alone', () => {
  expect(explain(withNodes('[10.1.1.0/24, 10.1.4.0/24]'))).toMatchInlineSnapshot(`
    "weft.yaml:3:41 error WEFT_INTENT_FAMILIES (sites.dc1.addresses.nodes)
      there are two prefixes of the same family
            addresses: { switches: 10.1.0.0/24, nodes: [10.1.1.0/24, 10.1.4.0/24], pods: 10.1.2.0/24, services: 10.1.3.0/24 }
                                                ^^^^^
      found:    ["10.1.1.0/24","10.1.4.0/24"]
      expected: one IPv4 prefix, or one IPv4 and one IPv6 prefix: [10.10.19.0/24, fd00:10:19::/64]
      hint: give a second range a segment or a site of its own"
  `)
  expect(explain(withNodes('fd00::/64'))).toContain('there is no IPv4 prefix')
})

test('an address of the wrong family', () => {
  const text = 'overrides: [ { select: dc1-rack1-n1, set: { loopback: "fd00::1", loopback6: 10.1.1.9 } } ]'

  expect(explain(oneSite(text))).toMatchInlineSnapshot(`
    "weft.yaml:4:55 error WEFT_INTENT_ADDRESS_INVALID (overrides.0.set.loopback)
      "fd00::1" is not an IPv4 address
        overrides: [ { select: dc1-rack1-n1, set: { loopback: "fd00::1", loopback6: 10.1.1.9 } } ]
                                                              ^^^^^^^^^
      found:    "fd00::1"
      expected: an IPv4 address without prefix length
      hint: write all parts, without leading zeros, such as 10.10.19.10 or fd00::10
    weft.yaml:4:77 error WEFT_INTENT_ADDRESS_INVALID (overrides.0.set.loopback6)
      "10.1.1.9" is not an IPv6 address
        overrides: [ { select: dc1-rack1-n1, set: { loopback: "fd00::1", loopback6: 10.1.1.9 } } ]
                                                                                    ^^^^^^^^
      found:    "10.1.1.9"
      expected: an IPv6 address without prefix length
      hint: write all parts, without leading zeros, such as 10.10.19.10 or fd00::10"
  `)
})

test('an AS number that is reserved', () => {
  expect(explain(oneSite('', 'edge: { asn: 23456 }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:18 error WEFT_INTENT_ASN_INVALID (sites.dc1.edge.asn)
      AS number 23456 is AS_TRANS (RFC 6793)
            edge: { asn: 23456 }
                         ^^^^^
      found:    23456
      expected: an AS number from 1 to 4294967294 that is not reserved"
  `)
  expect(explain(oneSite('', 'edge: { asn: 4294967295 }'))).toContain('reserved (RFC 7300)')
  expect(explain(oneSite('', 'edge: { asn: 5000000000 }'))).toContain('out of range')
})

test('an AS range that is reversed, malformed or too large', () => {
  expect(explain(oneSite('bgp: { asn: 4200009999-4200000000 }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:13 error WEFT_INTENT_ASN_RANGE (bgp.asn)
      the range 4200009999-4200000000 is reversed
        bgp: { asn: 4200009999-4200000000 }
                    ^^^^^^^^^^^^^^^^^^^^^
      found:    "4200009999-4200000000"
      expected: first and last AS number, such as 4200000000-4294967294
      hint: write 4200000000-4200009999"
  `)
  expect(explain(oneSite('bgp: { asn: 65000 and up }'))).toContain('is not a range of AS numbers')
  expect(explain(oneSite('bgp: { asn: 4200000000-9999999999 }'))).toContain(
    'beyond the AS numbers that exist',
  )
})

test('timers that contradict each other', () => {
  expect(explain(oneSite('bgp: { timers: { keepalive: 5, hold: 9 } }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:8 error WEFT_INTENT_TIMERS (bgp.timers)
      keepalive 5 s and hold 9 s do not go together
        bgp: { timers: { keepalive: 5, hold: 9 } }
               ^^^^^^
      found:    {"keepalive":5,"hold":9}
      expected: hold of at least 3 s and three times keepalive, or both 0 (RFC 4271 §4.2, §4.4)
      hint: with keepalive 5, write hold: 15 or more"
  `)
  expect(explain(oneSite('bgp: { timers: { hold: 2 } }'))).toContain('WEFT_INTENT_TIMERS')
  expect(explain(oneSite('bgp: { timers: { keepalive: 1.5s } }'))).toContain(
    'is not a whole number of seconds',
  )
})

test('BFD below what FRR accepts, and text that is no profile', () => {
  expect(explain(oneSite('bfd: { node: 5ms x 3, dci: 1s x 1, edge: fast }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:14 error WEFT_INTENT_BFD (bfd.node)
      a BFD interval of 5 ms is not possible
        bfd: { node: 5ms x 3, dci: 1s x 1, edge: fast }
                     ^^^^^^^
      found:    "5ms x 3"
      expected: an interval from 10ms to 60s
      hint: 100ms x 3 notices a failure in 0.3 s; below 50ms a busy host reports failures that are none
    weft.yaml:4:28 error WEFT_INTENT_BFD (bfd.dci)
      a BFD multiplier of 1 is not possible
        bfd: { node: 5ms x 3, dci: 1s x 1, edge: fast }
                                   ^^^^^^
      found:    "1s x 1"
      expected: a multiplier from 2 to 255
      hint: write 3: one or two lost packets are then no failure
    weft.yaml:4:42 error WEFT_INTENT_BFD (bfd.edge)
      "fast" is not a BFD profile
        bfd: { node: 5ms x 3, dci: 1s x 1, edge: fast }
                                                 ^^^^
      found:    "fast"
      expected: interval and multiplier such as 100ms x 3, or off"
  `)
  expect(explain(oneSite('bfd: { node: { transmit: 100ms, receive: 100 } }'))).toContain('add the unit')
})

test('an FRR release that is too old', () => {
  expect(explain(oneSite('frr: "8.1"'))).toMatchInlineSnapshot(`
    "weft.yaml:4:6 error WEFT_INTENT_FRR_UNSUPPORTED (frr)
      FRR release "8.1" is not supported
        frr: "8.1"
             ^^^^^
      found:    "8.1"
      expected: one of 8.4, 8.5, 9.0, 9.1, or 10.0 and later 10.x
      hint: bgpd --version tells which release your devices run"
  `)
  expect(loadClean(oneSite('frr: 9.1.2')).frr).toEqual({ major: 9, minor: 1 })
})

test('a time without its unit', () => {
  expect(explain(oneSite('expect: [ { survive: { fail: link, outage: 500 } } ]'))).toMatchInlineSnapshot(`
    "weft.yaml:4:44 error WEFT_INTENT_TYPE (expect.0.survive.outage)
      "outage" cannot be a number
        expect: [ { survive: { fail: link, outage: 500 } } ]
                                                   ^^^
      found:    500
      expected: a time such as 100ms or 1s
      hint: add the unit: ms, s or m"
  `)
  expect(explain(oneSite('expect: [ { survive: { fail: link, outage: 5 sec } } ]'))).toContain(
    'WEFT_INTENT_FORMAT',
  )
})

test('interface and host names follow their own rules', () => {
  expect(explain(oneSite('racks: { a: { uplinks: [lo, "eth 1"] } }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:25 error WEFT_INTENT_NAME_INVALID (racks.a.uplinks.0)
      "lo" is not possible here
        racks: { a: { uplinks: [lo, "eth 1"] } }
                                ^^
      found:    "lo"
      expected: a Linux interface name: at most 15 characters without spaces, slashes and colons, and not lo
    weft.yaml:4:29 error WEFT_INTENT_NAME_INVALID (racks.a.uplinks.1)
      "eth 1" is not possible here
        racks: { a: { uplinks: [lo, "eth 1"] } }
                                    ^^^^^^^
      found:    "eth 1"
      expected: a Linux interface name: at most 15 characters without spaces, slashes and colons, and not lo"
  `)
  expect(explain(oneSite('overrides: [ { select: x, set: { hostname: -a } } ]'))).toContain('a host name')
})

test('a password that FRR could not read back', () => {
  const peer = 'peers: { isp: { site: dc1, asn: 64999, password: "two words" } }'

  expect(explain(oneSite(peer, 'edge: {}'))).toMatchInlineSnapshot(`
    "weft.yaml:5:50 error WEFT_INTENT_FORMAT (peers.isp.password)
      "two words" is not possible here
        peers: { isp: { site: dc1, asn: 64999, password: "two words" } }
                                                         ^^^^^^^^^^^
      found:    "two words"
      expected: a password of 1 to 80 characters without spaces, or a map with the key env"
  `)
})
