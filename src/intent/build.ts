/** Draft → Intent: counts become names, references are looked up, defaults that depend on other values are filled in. */
import { buildRacks } from './build-racks.ts'
import { defaultBfd } from './link-classes.ts'
import type {
  ClusterIntent,
  Expectation,
  FabricIntent,
  Intent,
  NodeIntent,
  OverrideIntent,
  PeerIntent,
  PodIntent,
  PodSegment,
  Segment,
  ServicePoolIntent,
  SiteIntent,
} from './model.ts'
import type { Report } from './problem.ts'
import type { Draft } from './schema.ts'
import type { PrefixPair } from './schema-site.ts'

export interface BuildContext {
  env: Record<string, string | undefined>
  report: Report
}

type SiteDraft = Draft['sites'][string]

/** Resolves a draft. What cannot be resolved is reported and left out. */
export function buildIntent(draft: Draft, context: BuildContext): Intent {
  const sites = Object.entries(draft.sites).map(([name, site]) => buildSite(draft, name, site, context))
  return {
    name: draft.name,
    frr: draft.frr,
    sites,
    dci: { path: 'dci', carry: draft.dci.carry },
    peers: Object.entries(draft.peers).map(([name, peer]) => buildPeer(name, peer, sites, context)),
    clusters: Object.entries(draft.clusters).map(([name, cluster]) =>
      buildCluster(name, cluster, sites, context),
    ),
    globalServices: draft.services.global ? servicePool('services.global', draft.services.global) : null,
    bgp: draft.bgp,
    bfd: { ...defaultBfd, ...withoutUndefined(draft.bfd) },
    ecmp: draft.ecmp,
    overrides: draft.overrides.map(buildOverride),
    expect: draft.expect.flatMap((statement, index) => buildExpectations(statement, `expect.${index}`)),
  }
}

function buildSite(draft: Draft, name: string, site: SiteDraft, context: BuildContext): SiteIntent {
  const path = `sites.${name}`
  const addresses = `${path}.addresses`
  const { switches, nodes, pods, services } = site.addresses
  const dciRouters = typeof site.dci === 'object' ? site.dci.routers : 0
  return {
    name,
    path,
    addresses: {
      switches: segment(`${addresses}.switches`, switches),
      nodes: segment(`${addresses}.nodes`, nodes),
      pods: podSegment(`${addresses}.pods`, pods),
      services: servicePool(`${addresses}.services`, services),
    },
    fabric: buildFabric(draft, name, site, dciRouters > 0 || site.edge !== undefined, context),
    dciRouters,
    edge: site.edge ? { path: `${path}.edge`, routers: site.edge.routers, asn: site.edge.asn ?? null } : null,
  }
}

function buildFabric(
  draft: Draft,
  site: string,
  { fabric }: SiteDraft,
  hasRouters: boolean,
  context: BuildContext,
): FabricIntent {
  const path = `sites.${site}.fabric`
  const spines = fabric.spines ?? fabric.superSpines?.planes ?? 2
  return {
    path,
    spines,
    superSpines: fabric.superSpines
      ? { planes: fabric.superSpines.planes ?? spines, perPlane: fabric.superSpines.perPlane }
      : null,
    pods: buildPods(draft, site, fabric, context),
    borderLeaves: fabric.borderLeaves ?? (hasRouters ? 2 : 0),
  }
}

function buildPods(
  draft: Draft,
  site: string,
  fabric: SiteDraft['fabric'],
  context: BuildContext,
): PodIntent[] {
  const path = `sites.${site}.fabric`
  const shared = { racks: fabric.racks ?? 1, path: `${path}.racks` }
  const { pods } = fabric
  if (pods === undefined) {
    return [{ name: '', path, racks: buildRacks(draft, { site, pod: '', ...shared }, context.report) }]
  }
  if (typeof pods === 'number') {
    return Array.from({ length: pods }, (_, i) => {
      const pod = `p${i + 1}`
      return {
        name: pod,
        path: `${path}.pods`,
        racks: buildRacks(draft, { site, pod, ...shared }, context.report),
      }
    })
  }
  return Object.entries(pods).map(([pod, own]) => {
    const podPath = `${path}.pods.${pod}`
    const source = own.racks === undefined ? shared : { racks: own.racks, path: `${podPath}.racks` }
    return { name: pod, path: podPath, racks: buildRacks(draft, { site, pod, ...source }, context.report) }
  })
}

function buildPeer(
  name: string,
  peer: Draft['peers'][string],
  sites: SiteIntent[],
  context: BuildContext,
): PeerIntent {
  const path = `peers.${name}`
  const isDualStack = sites.find((site) => site.name === peer.site)?.addresses.nodes.v6 != null
  const everything = isDualStack ? [anyIpv4, anyIpv6] : [anyIpv4]
  return {
    name,
    path,
    site: peer.site,
    asn: peer.asn,
    link: peer.link === 'unnumbered' ? 'unnumbered' : segment(`${path}.link`, peer.link),
    password: readPassword(path, peer.password, context),
    gtsm: peer.gtsm,
    send: peer.send,
    receive: peer.receive.flatMap((prefix) => (prefix === 'default' ? everything : [prefix])),
    maximumPrefixes: peer.maximumPrefixes,
  }
}

const anyIpv4 = { family: 4, value: 0n, length: 0 } as const
const anyIpv6 = { family: 6, value: 0n, length: 0 } as const

function readPassword(
  path: string,
  password: Draft['peers'][string]['password'],
  context: BuildContext,
): string | null {
  if (password === undefined) return null
  if (typeof password === 'string') return password
  const value = context.env[password.env]
  const isUsable = value !== undefined && /^\S{1,80}$/.test(value)
  if (!isUsable) {
    const isSet = value !== undefined && value !== ''
    context.report({
      code: 'WEFT_INTENT_PASSWORD_ENV',
      path: [...path.split('.'), 'password', 'env'],
      message: isSet
        ? `the environment variable ${password.env} does not hold a usable password`
        : `the environment variable ${password.env} is not set`,
      expected: 'a password of 1 to 80 characters without spaces',
      hint: `export ${password.env}=… before you run weft`,
    })
  }
  return isUsable ? value : null
}

function buildCluster(
  name: string,
  cluster: Draft['clusters'][string],
  sites: SiteIntent[],
  context: BuildContext,
): ClusterIntent {
  const path = `clusters.${name}`
  const { controlPlane, apiPort } = cluster
  const built = { name, path, site: cluster.site, apiPort }
  if (typeof controlPlane !== 'number') return { ...built, controlPlane }
  const site = sites.find((candidate) => candidate.name === cluster.site)
  const nodes = site ? spreadOverRacks(site, controlPlane) : []
  if (site && nodes.length < controlPlane) {
    context.report({
      code: 'WEFT_INTENT_CONTROL_PLANE',
      path: ['clusters', name, 'controlPlane'],
      message: `${name} wants ${controlPlane} control-plane nodes, but ${site.name} has ${nodes.length}`,
      expected: `a number from 1 to ${nodes.length}`,
      hint: `add nodes or racks to ${site.name}, or ask for fewer`,
    })
  }
  return { ...built, controlPlane: nodes.map((node) => node.name) }
}

/** The first node of every rack, then the second of every rack, and so on: a lost rack takes as few as possible. */
function spreadOverRacks(site: SiteIntent, wanted: number): NodeIntent[] {
  const racks = site.fabric.pods.flatMap((pod) => pod.racks)
  const deepest = Math.max(0, ...racks.map((rack) => rack.nodes.length))
  const nodes: NodeIntent[] = []
  for (let depth = 0; depth < deepest && nodes.length < wanted; depth++) {
    nodes.push(...racks.flatMap((rack) => rack.nodes[depth] ?? []))
  }
  return nodes.slice(0, wanted)
}

function buildOverride({ select, set }: Draft['overrides'][number], index: number): OverrideIntent {
  return {
    path: `overrides.${index}`,
    select: {
      device: select.device ?? null,
      role: 'role' in select ? (select.role ?? null) : null,
      site: 'site' in select ? (select.site ?? null) : null,
      rack: 'rack' in select ? (select.rack ?? null) : null,
    },
    set: withoutUndefined(set),
  }
}

function buildExpectations(statement: Draft['expect'][number], path: string): Expectation[] {
  const { reach, isolate, survive } = statement
  return [
    ...(reach ? [{ kind: 'reach' as const, path, ...reach }] : []),
    ...(isolate ? [{ kind: 'isolate' as const, path, ...isolate }] : []),
    ...(survive
      ? [
          {
            kind: 'survive' as const,
            path,
            fail: survive.fail,
            count: survive.count,
            outageMilliseconds: survive.outage ?? null,
          },
        ]
      : []),
  ]
}

function segment(path: string, pair: PrefixPair): Segment {
  return { path, ...pair }
}

function podSegment(path: string, { pool, perNode }: SiteDraft['addresses']['pods']): PodSegment {
  return { path, ...pool, lengthPerNode: { v4: perNode.v4, v6: pool.v6 === null ? null : perNode.v6 } }
}

function servicePool(path: string, { pool, scope }: SiteDraft['addresses']['services']): ServicePoolIntent {
  return { path, ...pool, scope }
}

type WithoutUndefined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> }

function withoutUndefined<T extends object>(value: T): WithoutUndefined<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as WithoutUndefined<T>
}
