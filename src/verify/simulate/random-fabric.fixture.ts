/** Random designs for properties and for the differential test against real FRR: every feature a plan can have, small. */
import fc from 'fast-check'
import { loadIntent } from '../../intent/load.ts'
import type { Intent } from '../../intent/model.ts'

interface SiteChoice {
  racks: { leaves: number; nodes: number; attachment: 'ebgp' | 'ibgp' }[]
  spines: number
  stages: 3 | 5
  perPlane: number
  borderLeaves: number
  dciRouters: number
  edgeRouters: number
  edgeAsn: boolean
  isDualStack: boolean
  scope: 'rack' | 'site' | 'global' | 'edge'
}

interface PeerChoice {
  site: number
  link: 'unnumbered' | 'addresses'
  asn: number
  send: string[]
  receive: string[]
  isGuarded: boolean
}

interface FabricChoice {
  sites: SiteChoice[]
  peers: PeerChoice[]
  carry: string[]
  nodeRoutes: 'full' | 'default'
  maximumPaths: number
  hasBfd: boolean
  hasGtsm: boolean
  hasGlobalPool: boolean
  vips: { node: number; address: number; isGlobal: boolean }[]
}

const rack = fc.record({
  leaves: fc.integer({ min: 1, max: 2 }),
  nodes: fc.integer({ min: 1, max: 2 }),
  attachment: fc.constantFrom('ebgp' as const, 'ebgp' as const, 'ibgp' as const),
})

const site: fc.Arbitrary<SiteChoice> = fc.record({
  racks: fc.array(rack, { minLength: 1, maxLength: 2 }),
  spines: fc.integer({ min: 1, max: 3 }),
  stages: fc.constantFrom(3 as const, 3 as const, 5 as const),
  perPlane: fc.integer({ min: 1, max: 2 }),
  borderLeaves: fc.integer({ min: 1, max: 2 }),
  dciRouters: fc.integer({ min: 1, max: 2 }),
  edgeRouters: fc.integer({ min: 0, max: 2 }),
  edgeAsn: fc.boolean(),
  isDualStack: fc.boolean(),
  scope: fc.constantFrom('rack' as const, 'site' as const, 'global' as const, 'edge' as const),
})

const peer: fc.Arbitrary<PeerChoice> = fc.record({
  site: fc.nat(2),
  link: fc.constantFrom('unnumbered' as const, 'addresses' as const),
  asn: fc.constantFrom(3356, 64_999, 64_998),
  send: fc.subarray(['services', 'service-pools', 'nodes', 'pods', 'default'], { minLength: 1 }),
  receive: fc.subarray(['default', '198.51.100.0/24', '172.16.0.0/16'], { minLength: 1 }),
  isGuarded: fc.boolean(),
})

const choice: fc.Arbitrary<FabricChoice> = fc.record({
  sites: fc.array(site, { minLength: 1, maxLength: 3 }),
  peers: fc.array(peer, { maxLength: 3 }),
  carry: fc.subarray(['nodes', 'pods', 'services']),
  nodeRoutes: fc.constantFrom('full' as const, 'full' as const, 'default' as const),
  maximumPaths: fc.constantFrom(64, 64, 64, 2, 1),
  hasBfd: fc.boolean(),
  hasGtsm: fc.boolean(),
  hasGlobalPool: fc.boolean(),
  vips: fc.array(
    fc.record({ node: fc.nat(9), address: fc.integer({ min: 1, max: 3 }), isGlobal: fc.boolean() }),
    {
      maxLength: 4,
    },
  ),
})

/** Documents of random fabrics; a few of them are refused by the loader. */
const randomFabrics: fc.Arbitrary<Record<string, unknown>> = choice.map(documentOf)

/** Intents of random fabrics, all of them valid, none with more devices than `most`. */
export function randomIntents(most: number): fc.Arbitrary<Intent> {
  return randomFabrics
    .map((document) => loadIntent(JSON.stringify(document), { file: 'random' }))
    .filter(
      ({ intent, diagnostics }) =>
        intent !== null &&
        !diagnostics.some(({ severity }) => severity === 'error') &&
        sizeOf(intent) <= most,
    )
    .map(({ intent }) => intent!)
}

/** Devices of an intent. */
function sizeOf(intent: Intent): number {
  const ofSites = intent.sites.map(({ fabric, dciRouters, edge }) => {
    const racks = fabric.pods.flatMap((pod) => pod.racks)
    const { superSpines } = fabric
    return (
      racks.reduce((sum, { leaves, nodes }) => sum + leaves + nodes.length, 0) +
      fabric.spines * fabric.pods.length +
      (superSpines === null ? 0 : superSpines.planes * superSpines.perPlane) +
      fabric.borderLeaves +
      dciRouters +
      (edge?.routers ?? 0)
    )
  })
  return ofSites.reduce((sum, size) => sum + size, intent.peers.length)
}

function documentOf(design: FabricChoice): Record<string, unknown> {
  const several = design.sites.length > 1
  const names = design.sites.map((_, index) => `dc${index + 1}`)
  const withEdge = design.sites.map(({ edgeRouters }) => edgeRouters > 0)
  const peers = design.peers
    .map((choice) => ({ ...choice, site: choice.site % design.sites.length }))
    .filter(({ site: index }) => withEdge[index])
  return {
    weft: 'v1',
    name: 'random',
    frr: '8.4',
    bgp: { nodeRoutes: design.nodeRoutes, maximumPaths: design.maximumPaths, gtsm: design.hasGtsm },
    ...(design.hasBfd ? {} : { bfd: 'off' }),
    ...(several ? { dci: { carry: design.carry } } : {}),
    sites: Object.fromEntries(
      design.sites.map((choice, index) => [names[index], siteDocument(choice, index, several)]),
    ),
    ...(design.hasGlobalPool ? { services: { global: '10.250.0.0/24' } } : {}),
    ...(peers.length === 0
      ? {}
      : {
          peers: Object.fromEntries(
            peers.map(({ site: index, link, asn, send, receive, isGuarded }, number) => [
              `peer${number + 1}`,
              {
                site: names[index],
                asn,
                link: link === 'unnumbered' ? link : `192.0.2.${16 * number}/28`,
                send,
                receive,
                ...(isGuarded ? { password: `p${number}-secret`, gtsm: true } : {}),
              },
            ]),
          ),
        }),
    overrides: vipOverrides(design),
  }
}

function siteDocument(choice: SiteChoice, index: number, several: boolean): object {
  const block = 10 * (index + 1)
  const of = (third: number) =>
    choice.isDualStack
      ? [`10.${block}.${third}.0/24`, `fd00:${block}:${third}::/${third === 21 ? 112 : 64}`]
      : `10.${block}.${third}.0/24`
  const hasBorder = several || choice.edgeRouters > 0
  const racks = choice.racks.map((entry, number) => ({
    name: `r${number + 1}`,
    ...entry,
    nodes: Array.from({ length: entry.nodes }, (_, node) => nodeName(index, number, node)),
  }))
  const isFiveStage = choice.stages === 5
  return {
    addresses: {
      switches: of(18),
      nodes: of(19),
      pods: { pool: of(20), perNode: choice.isDualStack ? [28, 80] : 28 },
      services: { pool: of(21), scope: choice.scope },
    },
    fabric: {
      borderLeaves: hasBorder ? choice.borderLeaves : 0,
      ...(isFiveStage
        ? {
            pods: Object.fromEntries(racks.map((entry, number) => [`p${number + 1}`, { racks: [entry] }])),
            superSpines: { planes: Math.min(choice.spines, 2), perPlane: choice.perPlane },
          }
        : { spines: choice.spines, racks }),
    },
    ...(several ? { dci: { routers: choice.dciRouters } } : {}),
    ...(choice.edgeRouters > 0
      ? { edge: { routers: choice.edgeRouters, ...(choice.edgeAsn ? { asn: 64_512 + index } : {}) } }
      : {}),
  }
}

/** Service addresses on some of the nodes; the same address on several is anycast. */
function vipOverrides(design: FabricChoice): object[] {
  const nodes = design.sites.flatMap(({ racks }, index) =>
    racks.flatMap(({ nodes: count }, rackIndex) =>
      Array.from({ length: count }, (_, node) => ({ site: index, name: nodeName(index, rackIndex, node) })),
    ),
  )
  const byNode = new Map<string, Set<string>>()
  for (const { node, address, isGlobal } of design.vips) {
    const { name, site: index } = nodes[node % nodes.length]!
    const isAnycast = isGlobal && design.hasGlobalPool
    const vip = isAnycast ? `10.250.0.${address}` : `10.${10 * (index + 1)}.21.${address}`
    byNode.set(name, (byNode.get(name) ?? new Set()).add(vip))
  }
  return [...byNode].map(([select, vips]) => ({ select, set: { vips: [...vips] } }))
}

function nodeName(site: number, rackIndex: number, node: number): string {
  return `dc${site + 1}-r${rackIndex + 1}-n${node + 1}`
}
