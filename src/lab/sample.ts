import type { FabricIntent, Intent, RackIntent, SiteIntent } from '../intent/model.ts'

/** How many of each kind a sample keeps: two, where being two is the point (ECMP, redundancy), else one. */
const width = 2

/**
 * A smaller intent with every role of the whole one: for trying a large design on a laptop.
 *
 * Names stay, so that what was learned in the sample is true of the whole; control planes move to nodes that are kept.
 */
export function sampleIntent(intent: Intent): Intent {
  const sites = intent.sites.slice(0, width).map(sampleSite)
  const siteNames = new Set(sites.map((site) => site.name))
  const nodes = new Set(sites.flatMap(nodeNames))
  return {
    ...intent,
    sites,
    peers: sampleEach(
      intent.peers.filter((peer) => siteNames.has(peer.site)),
      (peer) => peer.site,
    ),
    clusters: intent.clusters
      .filter((cluster) => siteNames.has(cluster.site))
      .map((cluster) => {
        const kept = cluster.controlPlane.filter((node) => nodes.has(node)).slice(0, 1)
        const first = sites.filter((site) => site.name === cluster.site).flatMap(nodeNames)[0]
        return { ...cluster, controlPlane: kept.length > 0 || first === undefined ? kept : [first] }
      }),
    // An exception for something that is not in the sample would be reported as selecting nothing.
    overrides: intent.overrides.filter(({ select }) => {
      const site = select.site ?? null
      const rack = select.rack ?? null
      const hasRack = rack === null || sites.some((found) => racksOf(found).some(({ name }) => name === rack))
      return select.device === null && (site === null || siteNames.has(site)) && hasRack
    }),
  }
}

function sampleSite(site: SiteIntent): SiteIntent {
  return {
    ...site,
    fabric: sampleFabric(site.fabric),
    dciRouters: Math.min(site.dciRouters, width),
    edge: site.edge === null ? null : { ...site.edge, routers: Math.min(site.edge.routers, width) },
  }
}

function sampleFabric(fabric: FabricIntent): FabricIntent {
  const planes = fabric.superSpines === null ? 0 : Math.min(fabric.superSpines.planes, width)
  return {
    ...fabric,
    // With planes, spine k belongs to plane k: one for each plane that is kept.
    spines: planes > 0 ? Math.min(fabric.spines, planes) : Math.min(fabric.spines, width),
    superSpines:
      fabric.superSpines === null ? null : { planes, perPlane: Math.min(fabric.superSpines.perPlane, 1) },
    borderLeaves: Math.min(fabric.borderLeaves, width),
    pods: fabric.pods.slice(0, width).map((pod) => ({ ...pod, racks: sampleRacks(pod.racks) })),
  }
}

/** Two racks, and more where racks differ in how their nodes attach. */
function sampleRacks(racks: readonly RackIntent[]): RackIntent[] {
  return sampleEach(racks, (rack) => `${rack.attachment} ${rack.leaves}`).map((rack) => ({
    ...rack,
    nodes: rack.nodes.slice(0, 1),
  }))
}

/** The first two of each kind, in their order. */
function sampleEach<T>(items: readonly T[], kindOf: (item: T) => string): T[] {
  const seen = new Map<string, number>()
  return items.filter((item) => {
    const count = (seen.get(kindOf(item)) ?? 0) + 1
    seen.set(kindOf(item), count)
    return count <= width
  })
}

function racksOf(site: SiteIntent): RackIntent[] {
  return site.fabric.pods.flatMap((pod) => pod.racks)
}

function nodeNames(site: SiteIntent): string[] {
  return racksOf(site).flatMap((rack) => rack.nodes.map((node) => node.name))
}
