import { expect, test } from 'vitest'
import { explain, loadClean, oneSite, twoSites } from '../fixture.ts'

test('a rack type that is not defined', () => {
  expect(
    explain(oneSite('racks: { compute: {} }', 'fabric: { racks: { compte: 2 } }')),
  ).toMatchInlineSnapshot(`
    "weft.yaml:4:24 error WEFT_INTENT_REFERENCE (sites.dc1.fabric.racks.compte)
      there is no rack type "compte"
            fabric: { racks: { compte: 2 } }
                               ^^^^^^
      expected: one of compute
      hint: did you mean "compute"?"
  `)
  expect(explain(oneSite('', 'fabric: { racks: [ { name: r1, type: dense } ] }'))).toContain(
    'a rack type that is defined below racks:',
  )
})

test('a site that is not there', () => {
  const text = twoSites('peers: { isp: { site: dc3, asn: 64999 } }\nclusters: { k8s: { site: tokyo } }')

  expect(explain(text)).toMatchInlineSnapshot(`
    "weft.yaml:10:23 error WEFT_INTENT_REFERENCE (peers.isp.site)
      there is no site "dc3"
        peers: { isp: { site: dc3, asn: 64999 } }
                              ^^^
      found:    dc3
      expected: one of dc1, dc2
      hint: did you mean "dc1"?
    weft.yaml:11:26 error WEFT_INTENT_REFERENCE (clusters.k8s.site)
      there is no site "tokyo"
        clusters: { k8s: { site: tokyo } }
                                 ^^^^^
      found:    tokyo
      expected: one of dc1, dc2
      hint: name a site that is written below sites:"
  `)
})

test('a site that could not be read is not a dangling reference', () => {
  const text = 'sites: { dc1: { addresses: {} } }\nclusters: { k8s: { site: dc1, controlPlane: [x] } }\n'

  expect(explain(text)).not.toContain('WEFT_INTENT_REFERENCE')
})

test('a control-plane node that is not in the site', () => {
  expect(
    explain(oneSite('clusters: { k8s: { site: dc1, controlPlane: [dc1-rack1-n3] } }')),
  ).toMatchInlineSnapshot(`
    "weft.yaml:4:46 error WEFT_INTENT_REFERENCE (clusters.k8s.controlPlane.0)
      there is no node "dc1-rack1-n3" in dc1
        clusters: { k8s: { site: dc1, controlPlane: [dc1-rack1-n3] } }
                                                     ^^^^^^^^^^^^
      found:    dc1-rack1-n3
      expected: one of dc1-rack1-n1, dc1-rack1-n2
      hint: did you mean "dc1-rack1-n1"?"
  `)
})

test('more control-plane nodes than there are nodes', () => {
  expect(explain(oneSite('clusters: { k8s: { site: dc1, controlPlane: 3 } }'))).toMatchInlineSnapshot(`
    "weft.yaml:4:45 error WEFT_INTENT_CONTROL_PLANE (clusters.k8s.controlPlane)
      k8s wants 3 control-plane nodes, but dc1 has 2
        clusters: { k8s: { site: dc1, controlPlane: 3 } }
                                                    ^
      expected: a number from 1 to 2
      hint: add nodes or racks to dc1, or ask for fewer"
  `)
})

test('two clusters in one site', () => {
  expect(explain(oneSite('clusters:\n  blue: { site: dc1 }\n  green: { site: dc1 }'))).toMatchInlineSnapshot(`
    "weft.yaml:6:18 error WEFT_INTENT_CLUSTER_SITE (clusters.green.site)
      the nodes of dc1 belong to another cluster already, in line 5
          green: { site: dc1 }
                         ^^^
      expected: one cluster a site
      hint: give each cluster a site of its own"
  `)
})

test('selectors of a rack or a site that is not there', () => {
  const override = (select: string) =>
    oneSite(`overrides:\n  - select: ${select}\n    set: { maximumPaths: 8 }`)

  expect(explain(override('{ rack: rack9 }'))).toMatchInlineSnapshot(`
    "weft.yaml:5:21 error WEFT_INTENT_SELECTOR_EMPTY (overrides.0.select.rack)
      there is no rack "rack9"
          - select: { rack: rack9 }
                            ^^^^^
      found:    rack9
      expected: one of rack1
      hint: did you mean "rack1"?"
  `)
  expect(explain(override('{ site: dc7, rack: rack9 }'))).toMatchInlineSnapshot(`
    "weft.yaml:5:21 error WEFT_INTENT_REFERENCE (overrides.0.select.site)
      there is no site "dc7"
          - select: { site: dc7, rack: rack9 }
                            ^^^
      found:    dc7
      expected: one of dc1
      hint: did you mean "dc1"?"
  `)
  expect(loadClean(override('{ site: dc1, rack: rack1 }')).overrides).toHaveLength(1)
})

test('endpoints that do not exist', () => {
  const text = twoSites(`expect:
  - reach: { from: dc1, to: [dc2.nodes, dc2.vms] }
  - isolate: { from: peers, to: services }`)

  expect(explain(text)).toMatchInlineSnapshot(`
    "weft.yaml:11:20 error WEFT_INTENT_ENDPOINT (expect.0.reach.from)
      "dc1" is no endpoint
          - reach: { from: dc1, to: [dc2.nodes, dc2.vms] }
                           ^^^
      found:    dc1
      expected: <site>.nodes|pods|services|switches, peers, services, or the name of a device or peer
      hint: say which part of the site: dc1.nodes
    weft.yaml:11:41 error WEFT_INTENT_ENDPOINT (expect.0.reach.to.1)
      "dc2.vms" is no endpoint
          - reach: { from: dc1, to: [dc2.nodes, dc2.vms] }
                                                ^^^^^^^
      found:    dc2.vms
      expected: <site>.nodes|pods|services|switches, peers, services, or the name of a device or peer
      hint: sites are those below sites:, peers those below peers:
    weft.yaml:12:22 error WEFT_INTENT_ENDPOINT (expect.1.isolate.from)
      there are no peers
          - isolate: { from: peers, to: services }
                             ^^^^^
      found:    peers
      expected: <site>.nodes|pods|services|switches, peers, services, or the name of a device or peer
      hint: sites are those below sites:, peers those below peers:"
  `)
})

test('segments, nodes, peers and routers are endpoints', () => {
  const text = twoSites(`peers: { isp: { site: dc1, asn: 64999 } }
expect:
  - reach: { from: dc1.switches, to: [dc2-rack1-n1, dc1-rack1-leaf1, dc1-border2, isp, services] }
  - isolate: { from: peers, to: dc2.pods }`)

  expect(loadClean(text).expect).toHaveLength(2)
})
