import { expect, test } from 'vitest'
import { formatPrefix } from '../net/prefix.ts'
import { addresses, explain, loadClean, oneSite, twoSites } from './fixture.ts'
import { loadIntent } from './load.ts'

test('addresses alone make a site: everything else has a default', () => {
  const intent = loadClean(oneSite())

  expect(intent).toMatchObject({
    name: 'weft',
    frr: { major: 8, minor: 4 },
    bgp: {
      attachment: 'ebgp',
      asn: { first: 4200000000, last: 4294967294 },
      timers: { keepaliveSeconds: 3, holdSeconds: 9 },
      maximumPaths: 64,
      gtsm: true,
      nodeRoutes: 'auto',
    },
    bfd: { node: { transmitMilliseconds: 100, multiplier: 3 }, dci: { receiveMilliseconds: 300 } },
    ecmp: { hash: 'l4', fastLocalRepair: false },
    dci: { carry: ['nodes', 'pods', 'services'] },
    globalServices: null,
  })
  const [site] = intent.sites
  expect(site).toMatchObject({
    dciRouters: 0,
    edge: null,
    fabric: { spines: 2, borderLeaves: 0, superSpines: null },
  })
  expect(site!.addresses.services.scope).toBe('edge')
  expect(site!.addresses.pods.lengthPerNode).toEqual({ v4: 26, v6: null })
  expect(site!.fabric.pods).toEqual([
    {
      name: '',
      path: 'sites.dc1.fabric',
      racks: [
        {
          name: 'rack1',
          path: 'sites.dc1.fabric.racks',
          leaves: 2,
          attachment: 'ebgp',
          uplinks: ['eth1', 'eth2'],
          nodes: [
            { name: 'dc1-rack1-n1', path: 'sites.dc1.fabric.racks.nodes' },
            { name: 'dc1-rack1-n2', path: 'sites.dc1.fabric.racks.nodes' },
          ],
        },
      ],
    },
  ])
})

function rackNames(text: string): string[] {
  return loadClean(text).sites.flatMap((site) =>
    site.fabric.pods.flatMap((pod) => pod.racks.map((r) => r.name)),
  )
}

test('racks are counted per type, so that one more of a type renames no other', () => {
  const types = 'racks: { compute: {}, storage: {} }\n'

  const few = rackNames(types + oneSite('', 'fabric: { racks: { compute: 1, storage: 1 } }'))
  const more = rackNames(types + oneSite('', 'fabric: { racks: { compute: 2, storage: 1 } }'))

  expect(few).toEqual(['compute1', 'storage1'])
  expect(more).toEqual(['compute1', 'compute2', 'storage1'])
})

test('racks of a pod carry its name, whether pods are counted or written out', () => {
  const counted = 'fabric: { superSpines: {}, pods: 2, racks: { compute: 1 } }'
  const written = 'fabric: { superSpines: {}, pods: { p1: {}, east: { racks: { compute: 2 } } }, racks: 1 }'

  expect(rackNames(`racks: { compute: {} }\n${oneSite('', counted)}`)).toEqual(['p1-compute1', 'p2-compute1'])
  expect(rackNames(`racks: { compute: {} }\n${oneSite('', written)}`)).toEqual([
    'p1-rack1',
    'east-compute1',
    'east-compute2',
  ])
})

test('listed racks keep their names and take the rest from their type', () => {
  const text = `racks: { compute: { nodes: [a, b], attachment: ibgp, uplinks: [eno5, eno7] } }
${oneSite('', 'fabric: { racks: [ { name: r1, type: compute }, { name: r2, leaves: 1, nodes: 1 } ] }')}`

  const racks = loadClean(text).sites[0]!.fabric.pods[0]!.racks

  expect(racks).toMatchObject([
    {
      name: 'r1',
      attachment: 'ibgp',
      uplinks: ['eno5', 'eno7'],
      nodes: [
        { name: 'a', path: 'racks.compute.nodes.0' },
        { name: 'b', path: 'racks.compute.nodes.1' },
      ],
    },
    {
      name: 'r2',
      leaves: 1,
      uplinks: ['eth1'],
      nodes: [{ name: 'dc1-r2-n1', path: 'sites.dc1.fabric.racks.1.nodes' }],
    },
  ])
})

test('spines follow the number of planes', () => {
  const { fabric } = loadClean(oneSite('', 'fabric: { superSpines: { planes: 4 }, pods: 2 }')).sites[0]!

  expect(fabric).toMatchObject({ spines: 4, superSpines: { planes: 4, perPlane: 2 } })
})

test('a site with routers towards the outside has border leaves for them', () => {
  const [site] = loadClean(twoSites()).sites

  expect(site).toMatchObject({ dciRouters: 2, edge: { routers: 2, asn: 64512 }, fabric: { borderLeaves: 2 } })
})

test('dual stack: a list of two prefixes, with a length per node for each family', () => {
  const text = `sites:
  dc1:
    addresses:
      switches: [10.1.0.0/24, fd00:1::/64]
      nodes: [fd00:1:0:1::/64, 10.1.1.0/24]
      pods: { pool: [10.1.2.0/24, fd00:1:0:2::/64], perNode: [28, 96] }
      services: { pool: [10.1.3.0/24, fd00:1:0:3::/112], scope: site }
    edge: {}
peers: { isp: { site: dc1, asn: 64999 } }
`
  const intent = loadClean(text)
  const { nodes, pods, services } = intent.sites[0]!.addresses

  expect([nodes.v4, nodes.v6!].map(formatPrefix)).toEqual(['10.1.1.0/24', 'fd00:1:0:1::/64'])
  expect(pods.lengthPerNode).toEqual({ v4: 28, v6: 96 })
  expect(services.scope).toBe('site')
  expect(intent.peers[0]!.receive.map(formatPrefix)).toEqual(['0.0.0.0/0', '::/0'])
})

test('a control plane that is counted is spread over the racks', () => {
  const text = oneSite('clusters: { k8s: { site: dc1, controlPlane: 3 } }', 'fabric: { racks: 2 }')

  expect(loadClean(text).clusters[0]).toMatchObject({
    controlPlane: ['dc1-rack1-n1', 'dc1-rack2-n1', 'dc1-rack1-n2'],
    apiPort: 6443,
  })
})

test('one BFD profile stands for every class of link, and off for none', () => {
  const profile = { transmitMilliseconds: 50, receiveMilliseconds: 50, multiplier: 4 }

  expect(loadClean(oneSite('bfd: 50ms x 4')).bfd).toEqual({
    node: profile,
    fabric: profile,
    border: profile,
    dci: profile,
    edge: profile,
  })
  expect(loadClean(oneSite('bfd: off')).bfd.node).toBeNull()
  expect(loadClean(oneSite('bfd: { node: { transmit: 1s, multiplier: 2 }, dci: off }')).bfd).toMatchObject({
    node: { transmitMilliseconds: 1000, receiveMilliseconds: 1000, multiplier: 2 },
    fabric: { transmitMilliseconds: 100 },
    dci: null,
  })
})

test('either timer follows from the other', () => {
  const timersOf = (timers: string) => loadClean(oneSite(`bgp: { timers: ${timers} }`)).bgp.timers

  expect(timersOf('{ keepalive: 1 }')).toEqual({ keepaliveSeconds: 1, holdSeconds: 3 })
  expect(timersOf('{ hold: 30s }')).toEqual({ keepaliveSeconds: 10, holdSeconds: 30 })
  expect(timersOf('{ keepalive: 0, hold: 0 }')).toEqual({ keepaliveSeconds: 0, holdSeconds: 0 })
})

test('a release without quotes is read as it is written, not as the number it resembles', () => {
  expect(loadClean(oneSite('frr: 10.10')).frr).toEqual({ major: 10, minor: 10 })
})

test('passwords come from the environment', () => {
  const text = twoSites('peers: { isp: { site: dc1, asn: 64999, password: { env: ISP_MD5 } } }')

  expect(loadClean(text, { ISP_MD5: 'secret' }).peers[0]!.password).toBe('secret')
})

test('overrides and expectations keep their place in the file', () => {
  const intent = loadClean(
    oneSite(`overrides:
  - select: "dc1-*"
    set: { maximumPaths: 8, bfd: off }
  - select: { role: leaf, rack: rack1 }
    set: { timers: { hold: 3 } }
expect:
  - survive: { fail: link, outage: 1.5s }
  - reach: { from: dc1.nodes, to: dc1.pods }`),
  )

  expect(intent.overrides).toEqual([
    {
      path: 'overrides.0',
      select: { device: 'dc1-*', role: null, site: null, rack: null },
      set: { maximumPaths: 8, bfd: null },
    },
    {
      path: 'overrides.1',
      select: { device: null, role: 'leaf', site: null, rack: 'rack1' },
      set: { timers: { keepaliveSeconds: 1, holdSeconds: 3 } },
    },
  ])
  expect(intent.expect).toEqual([
    { kind: 'survive', path: 'expect.0', fail: ['link'], count: 1, outageMilliseconds: 1500 },
    { kind: 'reach', path: 'expect.1', from: 'dc1.nodes', to: ['dc1.pods'], minimumWidth: 1 },
  ])
})

test('anchors, aliases and merge keys save repetition', () => {
  const text = `racks:
  compute: &compute { leaves: 1, nodes: 3 }
  storage: { <<: *compute, nodes: 1 }
${oneSite('', 'fabric: { racks: { storage: 1 } }')}`

  expect(loadClean(text).sites[0]!.fabric.pods[0]!.racks[0]).toMatchObject({ leaves: 1, nodes: [{}] })
})

test('a mistake does not hide what is wrong elsewhere, and nothing is said twice', () => {
  const text = `nme: acme
racks: { compute: { leaves: two } }
sites:
  dc1:
    ${addresses(1)}
    fabric: { racks: { compute: 1 } }
  dc2:
    addresses: { switches: 10.1.0.0/16, nodes: 10.2.1.0, pods: 10.2.2.0/24, services: 10.2.3.0/24 }
    dci: { routers: 200 }
clusters: { k8s: { site: dc2, controlPlane: [x] } }
expect:
  - reach: { from: dc2.nodes }
  - reach: { from: nowhere, to: peers }
`
  const { intent, diagnostics } = loadIntent(text, { file: 'weft.yaml' })

  expect(intent).toBeNull()
  expect(diagnostics.map(({ code, path }) => `${code.slice('WEFT_INTENT_'.length)} ${path}`)).toEqual([
    'UNKNOWN_KEY nme',
    'TYPE racks.compute.leaves',
    'PREFIX_INVALID sites.dc2.addresses.nodes',
    'RANGE sites.dc2.dci.routers',
    'MISSING_KEY expect.0.reach.to',
    'ENDPOINT expect.1.reach.to',
  ])
})

test('list entries behind a refused one are still found at their own line', () => {
  const text = oneSite(`overrides:
  - select: { rol: leaf }
    set: {}
  - select: {}
    set: {}`)

  const { diagnostics } = loadIntent(text, { file: 'weft.yaml' })

  expect(diagnostics.map(({ code, path, at }) => [code, path, at?.line])).toEqual([
    ['WEFT_INTENT_UNKNOWN_KEY', 'overrides.0.select.rol', 5],
    ['WEFT_INTENT_SELECTOR_EMPTY', 'overrides.1.select', 7],
  ])
})

test('any path is located: at its value, its key, or the nearest entry that exists', () => {
  const text = oneSite('', 'fabric:\n  racks: 2\n  spines: 4')
  const { locate } = loadIntent(text, { file: 'weft.yaml' })
  const place = (path: string) => {
    const at = locate(path)!
    return [at.line, at.source!.slice(at.column - 1, at.endColumn! - 1)]
  }

  expect(place('sites.dc1.fabric.spines')).toEqual([6, '4'])
  expect(place('sites.dc1.fabric')).toEqual([4, 'fabric'])
  expect(place('sites.dc1.fabric.borderLeaves')).toEqual([4, 'fabric'])
  expect(place('sites.dc1.addresses.pods')).toEqual([3, '10.1.2.0/24'])
  expect(place('nowhere.at.all')).toEqual([1, 'sites'])
  expect(place('')).toEqual([1, 'sites'])
})

test('the empty file is explained', () => {
  expect(explain('# nothing yet\n')).toMatchInlineSnapshot(`
    "weft.yaml:1:1 error WEFT_INTENT_EMPTY
      the file says nothing
        # nothing yet
        ^
      expected: at least one site below sites:
      hint: weft init writes a commented file to start from"
  `)
})
