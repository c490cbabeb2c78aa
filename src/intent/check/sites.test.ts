import { expect, test } from 'vitest'
import { addresses, explain, loadClean, oneSite } from '../fixture.ts'

test('no spines, but racks to join', () => {
  expect(explain(oneSite('', 'fabric: { spines: 0, racks: 2 }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:23 error WEFT_INTENT_SPINES (sites.dc1.fabric.spines)
      dc1 has no spines, but 2 racks that they would join
            fabric: { spines: 0, racks: 2 }
                              ^
      found:    0
      expected: at least 1; 0 only for a single rack without border leaves
      hint: write spines: 2, so that the loss of one is no outage"
  `)
  expect(explain(oneSite('', 'fabric: { spines: 0 }\nedge: {}'))).toContain('border leaves')
  expect(loadClean(oneSite('', 'fabric: { spines: 0, racks: 1 }')).sites[0]!.fabric.spines).toBe(0)
})

test('fewer uplinks than leaves', () => {
  const rack = (uplinks: string) =>
    oneSite(`racks: { compute: { leaves: 2, uplinks: ${uplinks} } }`, 'fabric: { racks: { compute: 3 } }')

  expect(explain(rack('[eno5]'))).toMatchInlineSnapshot(`
    "weft.yaml:5:32 error WEFT_INTENT_UPLINKS (racks.compute.uplinks)
      nodes have 1 uplink(s) for 2 leaves
        racks: { compute: { leaves: 2, uplinks: [eno5] } }
                                       ^^^^^^^
      found:    eno5
      expected: 2 interfaces, one for each leaf
      hint: name more interfaces below uplinks:, or write fewer leaves"
  `)
  expect(loadClean(rack('[eno5, eno7]')).sites).toHaveLength(1)
})

test('a device range that is not private is only a warning', () => {
  expect(explain(oneSite('bgp: { asn: 60000-65000 }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:13 warning WEFT_INTENT_ASN_PUBLIC (bgp.asn)
      AS numbers 60000-65000 are not all for private use: peers may see them
        bgp: { asn: 60000-65000 }
                    ^^^^^^^^^^^
      found:    60000-65000
      expected: a range within 64512-65534 or 4200000000-4294967294 (RFC 6996)
      hint: private numbers are removed towards peers, others are not"
  `)
  expect(loadClean(oneSite('bgp: { asn: 64512-65000 }')).bgp.asn.first).toBe(64512)
})

test('DCI routers without another site are only a warning', () => {
  expect(explain(oneSite('', 'dci: {}'))).toMatchInlineSnapshot(`
    "weft.yaml:4:5 warning WEFT_INTENT_DCI_ALONE (sites.dc1.dci)
      dc1 has DCI routers, but there is no other site
            dci: {}
            ^^^
      expected: a second site with DCI routers
      hint: remove dci: until there is one"
  `)
})

const twoSites = (dci1: string, dci2: string) =>
  `sites:\n  dc1:\n    ${addresses(1)}\n${dci1}  dc2:\n    ${addresses(2)}\n${dci2}`

test('a site that the others cannot reach', () => {
  expect(explain(twoSites('', ''))).toMatchInlineSnapshot(`
    "weft.yaml:2:3 error WEFT_INTENT_SITE_UNREACHABLE (sites.dc1)
      dc1 has no DCI routers: the other sites cannot reach it
          dc1:
          ^^^
      expected: DCI routers in every site
      hint: write dci: { routers: 2 } below sites.dc1, or dci: off when it stands alone on purpose
    weft.yaml:4:3 error WEFT_INTENT_SITE_UNREACHABLE (sites.dc2)
      dc2 has no DCI routers: the other sites cannot reach it
          dc2:
          ^^^
      expected: DCI routers in every site
      hint: write dci: { routers: 2 } below sites.dc2, or dci: off when it stands alone on purpose"
  `)
  expect(explain(twoSites('    dci: {}\n', '    dci: off\n'))).toMatchInlineSnapshot(`
    "weft.yaml:2:3 error WEFT_INTENT_SITE_UNREACHABLE (sites.dc1)
      dc1 is the only site with DCI routers: there is nothing at their other end
          dc1:
          ^^^
      expected: DCI routers in every site
      hint: give the other sites DCI routers, or remove these"
  `)
})

test('a site that stands alone on purpose', () => {
  expect(loadClean(twoSites('    dci: off\n', '    dci: off\n')).sites).toHaveLength(2)
})

test('a site beyond any size', () => {
  const types = 'racks: { dense: { nodes: 100 } }'

  expect(explain(oneSite(types, 'fabric: { racks: { dense: 4000 } }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:31 error WEFT_INTENT_TOO_LARGE (sites.dc1.fabric.racks.dense)
      4000 racks of 100 nodes are 400000 nodes
            fabric: { racks: { dense: 4000 } }
                                      ^^^^
      expected: at most 20000 nodes
      hint: check the number of racks, or split the site"
  `)
})
