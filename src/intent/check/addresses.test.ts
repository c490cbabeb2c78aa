import { expect, test } from 'vitest'
import { explain, loadClean } from '../fixture.ts'

function site(segments: Record<string, string>): string {
  const all = {
    switches: '10.1.0.0/24',
    nodes: '10.1.1.0/24',
    pods: '10.1.2.0/24',
    services: '10.1.3.0/24',
    ...segments,
  }
  const lines = Object.entries(all).map(([kind, value]) => `      ${kind}: ${value}\n`)
  return `sites:\n  dc1:\n    addresses:\n${lines.join('')}`
}

test('a range that no router forwards', () => {
  expect(explain(site({ nodes: '127.0.0.0/24' }))).toMatchInlineSnapshot(`
    "weft.yaml:5:14 error WEFT_INTENT_PREFIX_UNUSABLE (sites.dc1.addresses.nodes)
      nodes of dc1: 127.0.0.0/24 is in 127.0.0.0/8, loopback (RFC 1122)
              nodes: 127.0.0.0/24
                     ^^^^^^^^^^^^
      found:    127.0.0.0/24
      expected: a unicast range of your own, such as one in 10.0.0.0/8 or fd00::/8
      hint: choose another range"
  `)
  expect(explain(site({ nodes: '0.0.0.0/0' }))).toContain('WEFT_INTENT_PREFIX_UNUSABLE')
})

test('overlapping segments name both lines, at the later one', () => {
  expect(explain(site({ services: '10.1.2.128/25' }))).toMatchInlineSnapshot(`
    "weft.yaml:7:17 error WEFT_INTENT_PREFIX_OVERLAP (sites.dc1.addresses.services)
      services of dc1 (10.1.2.128/25) overlap pods of dc1 (10.1.2.0/24, line 6)
              services: 10.1.2.128/25
                        ^^^^^^^^^^^^^
      found:    10.1.2.128/25
      expected: a prefix outside 10.1.2.0/24
      hint: give one of the two another range"
  `)
  expect(loadClean(site({ services: '10.1.3.128/25' })).sites).toHaveLength(1)
})

test('every pair that overlaps is reported once', () => {
  const codes = explain(site({ switches: '10.1.0.0/16' })).match(/WEFT_INTENT_PREFIX_OVERLAP/g)

  expect(codes).toHaveLength(3)
})

test('overlaps are found between sites, global services and links to peers, in IPv6 as well', () => {
  const v6 = (site: number) => [0, 1, 2, 3].map((kind) => `fd00:${site}:0:${kind}::/64`)
  const dual = (number: number, [a, b, c, d]: string[]) => `
    addresses:
      switches: [10.${number}.0.0/24, ${a}]
      nodes: [10.${number}.1.0/24, ${b}]
      pods: { pool: [10.${number}.2.0/24, ${c}], perNode: [28, 80] }
      services: [10.${number}.3.0/24, ${d}]
    dci: {}
    edge: {}`
  const text = `sites:
  dc1:${dual(1, v6(1))}
  dc2:${dual(2, ['fd00:1:0:3::/64', ...v6(2).slice(1)])}
services: { global: 10.2.3.0/26 }
peers: { isp: { site: dc1, asn: 64999, link: 10.1.1.0/30 } }
`
  expect(explain(text)).toMatchInlineSnapshot(`
    "weft.yaml:12:7 error WEFT_INTENT_PREFIX_OVERLAP (sites.dc2.addresses.switches)
      switches of dc2 (fd00:1:0:3::/64) overlap services of dc1 (fd00:1:0:3::/64, line 7)
              switches: [10.2.0.0/24, fd00:1:0:3::/64]
              ^^^^^^^^
      found:    fd00:1:0:3::/64
      expected: a prefix outside fd00:1:0:3::/64
      hint: give one of the two another range
    weft.yaml:18:21 error WEFT_INTENT_PREFIX_OVERLAP (services.global)
      global services (10.2.3.0/26) overlap services of dc2 (10.2.3.0/24, line 15)
        services: { global: 10.2.3.0/26 }
                            ^^^^^^^^^^^
      found:    10.2.3.0/26
      expected: a prefix outside 10.2.3.0/24
      hint: give one of the two another range
    weft.yaml:19:46 error WEFT_INTENT_PREFIX_OVERLAP (peers.isp.link)
      link addresses of isp (10.1.1.0/30) overlap nodes of dc1 (10.1.1.0/24, line 5)
        peers: { isp: { site: dc1, asn: 64999, link: 10.1.1.0/30 } }
                                                     ^^^^^^^^^^^
      found:    10.1.1.0/30
      expected: a prefix outside 10.1.1.0/24
      hint: give one of the two another range"
  `)
})

test('IPv6 in some segments of a site only', () => {
  expect(explain(site({ nodes: '[10.1.1.0/24, fd00:1::/64]' }))).toMatchInlineSnapshot(`
    "weft.yaml:4:17 error WEFT_INTENT_DUAL_STACK_PARTIAL (sites.dc1.addresses.switches)
      dc1 has IPv6 in some segments, but none for switches, pods, services
              switches: 10.1.0.0/24
                        ^^^^^^^^^^^
      expected: IPv6 in all four segments of a site, or in none
      hint: write [10.1.0.0/24, <IPv6 prefix>], or remove the IPv6 prefixes of dc1"
  `)
})

test('a pod pool smaller than the prefix of one node', () => {
  expect(explain(site({ pods: '{ pool: 10.1.2.0/24, perNode: 20 }' }))).toMatchInlineSnapshot(`
    "weft.yaml:6:43 error WEFT_INTENT_PER_NODE (sites.dc1.addresses.pods.perNode)
      the pod pool 10.1.2.0/24 of dc1 is smaller than the /20 of one node
              pods: { pool: 10.1.2.0/24, perNode: 20 }
                                                  ^^
      found:    /20
      expected: a length from 24 to 32
      hint: write {pool: 10.1.2.0/24, perNode: 28} for 16 nodes, or give a larger pool"
  `)
  expect(explain(site({ pods: '10.1.2.0/28' }))).toContain('smaller than the /26 of one node')
  expect(explain(site({ pods: '{ pool: 10.1.2.0/24, perNode: 33 }' }))).toContain('does not exist in IPv4')
})
