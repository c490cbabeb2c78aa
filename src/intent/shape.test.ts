import { expect, test } from 'vitest'
import { addresses, explain, loadClean, oneSite } from './fixture.ts'

test('all syntax errors are shown, each with its place', () => {
  expect(explain('name: [a\nfrr: 8.4\nsites: "dc1\n')).toMatchInlineSnapshot(`
    "weft.yaml:2:1 error WEFT_INTENT_SYNTAX
      not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]
        frr: 8.4
        ^
      hint: check indentation, brackets, quotes and the space after each colon
    weft.yaml:4:1 error WEFT_INTENT_SYNTAX
      not valid YAML: Missing closing "quote
      hint: check indentation, brackets, quotes and the space after each colon"
  `)
})

test('a tab for indentation is named', () => {
  expect(explain('sites:\n\tdc1: {}\n')).toMatchInlineSnapshot(`
    "weft.yaml:2:1 error WEFT_INTENT_SYNTAX
      not valid YAML: Tabs are not allowed as indentation
        	dc1: {}
        ^
      hint: indent with spaces: YAML does not allow tabs"
  `)
})

test('a second document is refused', () => {
  expect(explain(`${oneSite()}---\nname: x\n`)).toMatchInlineSnapshot(`
    "weft.yaml:5:1 error WEFT_INTENT_SYNTAX
      the file holds more than one YAML document
        ---
        ^^^
      hint: write one intent per file: remove the --- between them"
  `)
})

test('a key that is written twice names both lines', () => {
  expect(explain(oneSite('name: a\nname: b'))).toMatchInlineSnapshot(`
    "weft.yaml:5:1 error WEFT_INTENT_DUPLICATE_KEY
      "name" is written twice: here and in line 4
        name: b
        ^^^^
      hint: merge the two entries, or give one of them another name"
  `)
})

test('a misspelt key is answered with the nearest one', () => {
  expect(explain(oneSite('', 'fabirc: {}'))).toMatchInlineSnapshot(`
    "weft.yaml:4:5 error WEFT_INTENT_UNKNOWN_KEY (sites.dc1.fabirc)
      there is no key "fabirc" in sites.dc1
            fabirc: {}
            ^^^^^^
      expected: one of addresses, fabric, dci, edge
      hint: did you mean "fabric"?"
  `)
  expect(loadClean(oneSite('', 'fabric: {}')).sites).toHaveLength(1)
})

test('a key in the wrong place is answered with the right one', () => {
  expect(explain(oneSite('spines: 4'))).toMatchInlineSnapshot(`
    "weft.yaml:4:1 error WEFT_INTENT_UNKNOWN_KEY (spines)
      there is no key "spines" at the top level
        spines: 4
        ^^^^^^
      expected: one of weft, name, frr, bgp, bfd, ecmp, racks, sites, dci, services, peers, clusters, overrides, expect
      hint: did you mean "sites"? "spines" belongs in sites.<name>.fabric"
  `)
})

test('an unknown key that resembles nothing', () => {
  expect(explain(oneSite('flavour: vanilla'))).toMatchInlineSnapshot(`
    "weft.yaml:4:1 error WEFT_INTENT_UNKNOWN_KEY (flavour)
      there is no key "flavour" at the top level
        flavour: vanilla
        ^^^^^^^
      expected: one of weft, name, frr, bgp, bfd, ecmp, racks, sites, dci, services, peers, clusters, overrides, expect
      hint: remove it, or look it up in docs/reference/intent.md"
  `)
})

test('a missing key is shown at the map that misses it', () => {
  expect(explain(oneSite('peers: { isp: { site: dc1 } }', 'edge: {}'))).toMatchInlineSnapshot(`
    "weft.yaml:5:10 error WEFT_INTENT_MISSING_KEY (peers.isp.asn)
      peers.isp has no "asn", which has no default
        peers: { isp: { site: dc1 } }
                 ^^^
      expected: an AS number, such as 64999
      hint: add "asn:" below peers.isp"
  `)
})

test('a file without sites', () => {
  expect(explain('name: acme\n')).toMatchInlineSnapshot(`
    "weft.yaml:1:1 error WEFT_INTENT_MISSING_KEY (sites)
      the file has no "sites", which has no default
        name: acme
        ^^^^
      expected: a map by name
      hint: add "sites:" at the top level"
  `)
})

test('an empty map of sites', () => {
  expect(explain('sites: {}\n')).toMatchInlineSnapshot(`
    "weft.yaml:1:1 error WEFT_INTENT_EMPTY (sites)
      there is no site
        sites: {}
        ^^^^^
      found:    {}
      expected: at least one site by its name
      hint: weft init writes a commented file to start from"
  `)
})

test('a value of the wrong kind', () => {
  expect(explain(oneSite('', 'edge: 2'))).toMatchInlineSnapshot(`
    "weft.yaml:4:11 error WEFT_INTENT_TYPE (sites.dc1.edge)
      "edge" cannot be a number
            edge: 2
                  ^
      found:    2
      expected: a map with the keys routers, asn"
  `)
})

test('a number in quotes', () => {
  expect(explain(oneSite('', 'fabric: { spines: "2" }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:23 error WEFT_INTENT_TYPE (sites.dc1.fabric.spines)
      "spines" cannot be text
            fabric: { spines: "2" }
                              ^^^
      found:    "2"
      expected: a whole number from 0 to 64
      hint: write 2 without quotes"
  `)
})

test('an empty value is not the defaults', () => {
  expect(explain(oneSite('', 'edge:'))).toMatchInlineSnapshot(`
    "weft.yaml:4:5 error WEFT_INTENT_TYPE (sites.dc1.edge)
      "edge" cannot be empty
            edge:
            ^^^^
      found:    nothing
      expected: a map with the keys routers, asn
      hint: write edge: {} for the defaults, or remove the key"
  `)
})

test('a file that is a list', () => {
  expect(explain('- sites\n')).toMatchInlineSnapshot(`
    "weft.yaml:1:1 error WEFT_INTENT_TYPE
      the file cannot be a list
        - sites
        ^^^^^^^
      found:    ["sites"]
      expected: a map with the keys weft, name, frr, bgp, bfd, ecmp, racks, sites, dci, services, peers, clusters, overrides, expect"
  `)
})

test('a number beyond its limits', () => {
  expect(explain(oneSite('bgp: { maximumPaths: 512 }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:22 error WEFT_INTENT_RANGE (bgp.maximumPaths)
      "maximumPaths" is too large
        bgp: { maximumPaths: 512 }
                             ^^^
      found:    512
      expected: a whole number from 1 to 256"
  `)
  expect(loadClean(oneSite('bgp: { maximumPaths: 256 }')).bgp.maximumPaths).toBe(256)
})

test('a number that is not whole', () => {
  expect(explain(oneSite('', 'fabric: { spines: 2.5 }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:23 error WEFT_INTENT_RANGE (sites.dc1.fabric.spines)
      "spines" must be a whole number
            fabric: { spines: 2.5 }
                              ^^^
      found:    2.5
      expected: a whole number from 0 to 64"
  `)
})

test('a word that is not one of the choices', () => {
  expect(explain(oneSite('bgp: { attachment: ebpg }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:20 error WEFT_INTENT_CHOICE (bgp.attachment)
      "attachment" cannot be "ebpg"
        bgp: { attachment: ebpg }
                           ^^^^
      found:    "ebpg"
      expected: one of ebgp, ibgp
      hint: did you mean "ebgp"?"
  `)
})

test('a word inside a list of choices', () => {
  expect(explain(oneSite('dci: { carry: [nodes, vms] }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:23 error WEFT_INTENT_CHOICE (dci.carry.1)
      entry 2 of "carry" cannot be "vms"
        dci: { carry: [nodes, vms] }
                              ^^^
      found:    "vms"
      expected: one of nodes, pods, services"
  `)
})

test('a nearly right word where several kinds of value are possible', () => {
  const peer = 'peers: { isp: { site: dc1, asn: 64999, link: unumbered } }'

  expect(explain(oneSite(peer, 'edge: {}'))).toMatchInlineSnapshot(`
    "weft.yaml:5:46 error WEFT_INTENT_CHOICE (peers.isp.link)
      "link" cannot be "unumbered"
        peers: { isp: { site: dc1, asn: 64999, link: unumbered } }
                                                     ^^^^^^^^^
      found:    "unumbered"
      expected: unnumbered, or a prefix such as 10.10.19.0/24 (or a list of these)
      hint: did you mean "unnumbered"?"
  `)
})

test('the wrong part of a map that has a short form is named, not the map', () => {
  const text = `sites:
  dc1:
    addresses:
      switches: 10.1.0.0/24
      nodes: 10.1.1.0/24
      pods: { pool: 10.1.2.0/24, pernode: 28 }
      services: { pool: [10.1.3.0/24, 10.1.4.0/24], scope: everywhere }
`
  expect(explain(text)).toMatchInlineSnapshot(`
    "weft.yaml:6:34 error WEFT_INTENT_UNKNOWN_KEY (sites.dc1.addresses.pods.pernode)
      there is no key "pernode" in sites.dc1.addresses.pods
              pods: { pool: 10.1.2.0/24, pernode: 28 }
                                         ^^^^^^^
      expected: one of pool, perNode
      hint: did you mean "perNode"?
    weft.yaml:7:19 error WEFT_INTENT_FAMILIES (sites.dc1.addresses.services.pool)
      there are two prefixes of the same family
              services: { pool: [10.1.3.0/24, 10.1.4.0/24], scope: everywhere }
                          ^^^^
      found:    ["10.1.3.0/24","10.1.4.0/24"]
      expected: one IPv4 prefix, or one IPv4 and one IPv6 prefix: [10.10.19.0/24, fd00:10:19::/64]
      hint: give a second range a segment or a site of its own
    weft.yaml:7:60 error WEFT_INTENT_CHOICE (sites.dc1.addresses.services.scope)
      "scope" cannot be "everywhere"
              services: { pool: [10.1.3.0/24, 10.1.4.0/24], scope: everywhere }
                                                                   ^^^^^^^^^^
      found:    "everywhere"
      expected: one of rack, site, global, edge"
  `)
})

test('a name that cannot be part of a device name', () => {
  expect(explain(`sites: { DC_1: { ${addresses(1)} } }\n`)).toMatchInlineSnapshot(`
    "weft.yaml:1:10 error WEFT_INTENT_NAME_INVALID (sites.DC_1)
      "DC_1" cannot be a name
        sites: { DC_1: { addresses: { switches: 10.1.0.0/24, nodes: 10.1.1.0/24, pods: 10.1.2.0/24, services: 10.1.3.0/24 } } }
                 ^^^^
      expected: lower-case letters, digits and hyphens, at most 48, not starting or ending with a hyphen
      hint: device names are made from it, so it follows the rules for host names"
  `)
})

test('an expectation that says nothing, and one that says two things', () => {
  const two = '{ reach: { from: dc1.nodes, to: dc1.pods }, isolate: { from: peers, to: dc1.pods } }'

  expect(explain(oneSite(`expect:\n  - {}\n  - ${two}`))).toMatchInlineSnapshot(`
    "weft.yaml:5:5 error WEFT_INTENT_EXPECT_KIND (expect.0)
      the expectation says nothing
          - {}
            ^^
      found:    {}
      expected: one of reach, isolate, survive
      hint: write one entry of the list for each
    weft.yaml:6:7 error WEFT_INTENT_EXPECT_KIND (expect.1)
      the expectation says reach and isolate at once
          - { reach: { from: dc1.nodes, to: dc1.pods }, isolate: { from: peers, to: dc1.pods } }
              ^^^^^
      found:    {"reach":{"from":"dc1.nodes","to":"dc1.pods"},"isolate":{…
      expected: one of reach, isolate, survive
      hint: write one entry of the list for each"
  `)
})

test('a selector without a condition', () => {
  expect(explain(oneSite('overrides: [ { select: {}, set: { maximumPaths: 8 } } ]'))).toMatchInlineSnapshot(`
    "weft.yaml:4:16 error WEFT_INTENT_SELECTOR_EMPTY (overrides.0.select)
      the selector has no condition
        overrides: [ { select: {}, set: { maximumPaths: 8 } } ]
                       ^^^^^^
      found:    {}
      expected: at least one of device, role, site, rack
      hint: to change every device, set the value at the top of the file"
  `)
})
