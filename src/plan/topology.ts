/**
 * Which devices there are and which cables join them, before any number is handed out.
 *
 * A site is a folded Clos: nodes on the leaves of their rack, leaves and border leaves on the spines (or, in a fabric
 * with super-spines, border leaves on every super-spine), DCI and edge routers on the border leaves. Spine k of each
 * pod belongs to plane ((k - 1) mod planes) + 1 and reaches the super-spines of that plane only.
 */
import type { Attachment, Intent, LinkClass, PeerIntent, PodIntent, SiteIntent } from '../intent/model.ts'
import type { Role } from './model.ts'
import type { Problems } from './problems.ts'

/** A device before it has numbers. */
export interface Skeleton {
  name: string
  role: Role
  site: string | null
  pod: string | null
  rack: string | null
  plane: number | null
  tier: number
  attachment: Attachment | null
  /** Nodes: interface names, in the order of their leaves. */
  uplinks: string[]
  path: string
}

/** One cable. `a` is the end nearer to the spines. */
export interface Cable {
  a: Skeleton
  b: Skeleton
  class: LinkClass
  /** Set on cables to external peers. */
  peer: PeerIntent | null
}

export interface Topology {
  devices: Skeleton[]
  cables: Cable[]
}

/** All devices and cables of the intent, in the order of the file. */
export function layOut(intent: Intent, problems: Problems): Topology {
  const topology: Topology = { devices: [], cables: [] }
  const dciRouters = new Map<string, Skeleton[]>()
  for (const site of intent.sites) {
    dciRouters.set(site.name, layOutSite(intent, site, topology, problems))
  }
  const sites = intent.sites.map((site) => dciRouters.get(site.name)!)
  for (const [index, here] of sites.entries()) {
    for (const there of sites.slice(index + 1)) connectAll(topology, here, there, 'dci')
  }
  refuseNameClashes(topology, problems)
  return topology
}

function layOutSite(intent: Intent, site: SiteIntent, topology: Topology, problems: Problems): Skeleton[] {
  const { fabric } = site
  const add = (device: Partial<Skeleton> & Pick<Skeleton, 'name' | 'role' | 'tier' | 'path'>): Skeleton => {
    const skeleton: Skeleton = {
      site: site.name,
      pod: null,
      rack: null,
      plane: null,
      attachment: null,
      uplinks: [],
      ...device,
    }
    topology.devices.push(skeleton)
    return skeleton
  }
  const planes = fabric.superSpines?.planes ?? 0
  if (fabric.pods.length > 1 && planes === 0) {
    problems.add({
      code: 'WEFT_PLAN_PODS_UNCONNECTED',
      message: `site ${site.name} has ${fabric.pods.length} pods and no super-spines to join them`,
      path: `${fabric.path}.pods`,
      hint: 'add `superSpines: {planes: 2, perPlane: 2}` to the fabric, or make it one pod',
    })
  }
  if (planes > 0 && fabric.spines % planes !== 0) {
    problems.add({
      code: 'WEFT_PLAN_SPINES_PER_PLANE',
      message: `${fabric.spines} spines a pod cannot be shared out evenly over ${planes} planes`,
      path: `${fabric.path}.spines`,
      found: String(fabric.spines),
      expected: `a multiple of ${planes}`,
    })
  }

  const superSpines = count(planes).flatMap((plane) =>
    count(fabric.superSpines?.perPlane ?? 0).map((number) =>
      add({
        name: `${site.name}-plane${plane}-superspine${number}`,
        role: 'super-spine',
        tier: 3,
        plane,
        path: `${fabric.path}.superSpines`,
      }),
    ),
  )
  const spines: Skeleton[] = []
  for (const pod of fabric.pods) spines.push(...layOutPod(site, pod, planes, superSpines, topology, add))

  const borders = count(fabric.borderLeaves).map((number) =>
    add({
      name: `${site.name}-border${number}`,
      role: 'border-leaf',
      tier: 1,
      path: `${fabric.path}.borderLeaves`,
    }),
  )
  connectAll(topology, superSpines.length > 0 ? superSpines : spines, borders, 'fabric')

  const dci = count(site.dciRouters).map((number) =>
    add({ name: `${site.name}-dci${number}`, role: 'dci-router', tier: 4, path: `${site.path}.dci` }),
  )
  const edges = count(site.edge?.routers ?? 0).map((number) =>
    add({ name: `${site.name}-edge${number}`, role: 'edge-router', tier: 4, path: site.edge!.path }),
  )
  connectAll(topology, borders, dci, 'border')
  connectAll(topology, borders, edges, 'border')
  if (borders.length === 0 && dci.length + edges.length > 0) {
    problems.add({
      code: 'WEFT_PLAN_BORDER_UNCONNECTED',
      message: `site ${site.name} has DCI or edge routers but no border leaves to connect them to`,
      path: `${fabric.path}.borderLeaves`,
      hint: 'add `borderLeaves: 2` to the fabric',
    })
  }
  if (borders.length > 0 && superSpines.length + spines.length === 0) {
    problems.add({
      code: 'WEFT_PLAN_BORDER_UNCONNECTED',
      message: `site ${site.name} has border leaves but no spines to connect them to`,
      path: `${fabric.path}.spines`,
      hint: 'add `spines: 2` to the fabric',
    })
  }
  for (const peer of intent.peers.filter((candidate) => candidate.site === site.name)) {
    const external = add({ name: peer.name, role: 'external', site: null, tier: 5, path: peer.path })
    for (const edge of edges) topology.cables.push({ a: edge, b: external, class: 'edge', peer })
  }
  return dci
}

function layOutPod(
  site: SiteIntent,
  pod: PodIntent,
  planes: number,
  superSpines: readonly Skeleton[],
  topology: Topology,
  add: (device: Partial<Skeleton> & Pick<Skeleton, 'name' | 'role' | 'tier' | 'path'>) => Skeleton,
): Skeleton[] {
  const prefix = pod.name === '' ? site.name : `${site.name}-${pod.name}`
  const spines = count(site.fabric.spines).map((number) =>
    add({
      name: `${prefix}-spine${number}`,
      role: 'spine',
      tier: 2,
      pod: pod.name,
      plane: planes === 0 ? null : ((number - 1) % planes) + 1,
      path: `${site.fabric.path}.spines`,
    }),
  )
  for (const spine of spines) {
    connectAll(
      topology,
      superSpines.filter((superSpine) => superSpine.plane === spine.plane),
      [spine],
      'fabric',
    )
  }
  for (const rack of pod.racks) {
    const place = { pod: pod.name, rack: rack.name }
    const leaves = count(rack.leaves).map((number) =>
      add({
        name: `${site.name}-${rack.name}-leaf${number}`,
        role: 'leaf',
        tier: 1,
        path: rack.path,
        ...place,
      }),
    )
    connectAll(topology, spines, leaves, 'fabric')
    const nodes = rack.nodes.map((node) =>
      add({
        name: node.name,
        role: 'node',
        tier: 0,
        path: node.path,
        attachment: rack.attachment,
        uplinks: rack.uplinks,
        ...place,
      }),
    )
    connectAll(topology, leaves, nodes, 'node')
  }
  return spines
}

function connectAll(
  topology: Topology,
  upper: readonly Skeleton[],
  lower: readonly Skeleton[],
  linkClass: LinkClass,
) {
  for (const b of lower) for (const a of upper) topology.cables.push({ a, b, class: linkClass, peer: null })
}

function refuseNameClashes(topology: Topology, problems: Problems): void {
  const first = new Map<string, Skeleton>()
  for (const device of topology.devices) {
    const other = first.get(device.name)
    if (other === undefined) {
      first.set(device.name, device)
      continue
    }
    problems.add({
      code: 'WEFT_PLAN_NAME_CLASH',
      message: `two devices are named ${device.name}: a ${other.role} and a ${device.role}`,
      path: device.path,
      hint: `the other comes from ${other.path}; rename a rack, a node or a peer`,
    })
  }
}

/** 1, 2, … n. */
function count(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1)
}
