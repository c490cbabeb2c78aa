/** The part of weft.yaml below `sites` and `racks`: address segments, racks, spines, and the routers of a site. */
import * as z from 'zod'
import type { Prefix } from '../net/prefix.ts'
import { asn, count, interfaceName, name, prefix, report, wording } from './values.ts'

export interface PrefixPair {
  v4: Prefix
  v6: Prefix | null
}

export const segment = z
  .union([prefix, z.array(prefix).min(1).max(2)])
  .transform((value, context): PrefixPair => {
    const prefixes = Array.isArray(value) ? value : [value]
    const v4 = prefixes.filter(({ family }) => family === 4)
    const v6 = prefixes.filter(({ family }) => family === 6)
    if (v4.length === 1 && v6.length <= 1) return { v4: v4[0]!, v6: v6[0] ?? null }
    report(context, {
      code: 'WEFT_INTENT_FAMILIES',
      message: v4.length === 0 ? 'there is no IPv4 prefix' : 'there are two prefixes of the same family',
      expected: 'one IPv4 prefix, or one IPv4 and one IPv6 prefix: [10.10.19.0/24, fd00:10:19::/64]',
      hint: 'give a second range a segment or a site of its own',
    })
    return z.NEVER
  })
  .describe('An IPv4 prefix, or a list of one IPv4 and one IPv6 prefix for dual stack.')

const scope = z
  .enum(['rack', 'site', 'global', 'edge'])
  .describe('How far a service address travels: its rack, its site, every site, or out of the edge as well.')

export const attachment = z
  .enum(['ebgp', 'ibgp'])
  .describe(
    'How nodes attach to their leaves: an AS each (ebgp), or one AS a rack with reflecting leaves (ibgp).',
  )

const defaultPerNode = { v4: 26, v6: 80 }

const perNode = z
  .union([count(1, 128), z.array(count(1, 128)).length(2)])
  .transform((value) => (Array.isArray(value) ? { v4: value[0]!, v6: value[1]! } : { v4: value, v6: null }))
  .describe('Length of the prefix each node gets: a number, or [IPv4, IPv6]. Default 26, and 80 for IPv6.')

const podSegment = z.union([
  segment.transform((pool) => ({ pool, perNode: { ...defaultPerNode } })),
  z.strictObject({ pool: segment, perNode: perNode.optional() }).transform(({ pool, perNode: given }) => ({
    pool,
    perNode: { v4: given?.v4 ?? defaultPerNode.v4, v6: given?.v6 ?? defaultPerNode.v6 },
  })),
])

export const servicePool = z.union([
  segment.transform((pool) => ({ pool, scope: 'edge' as const })),
  z.strictObject({ pool: segment, scope: scope.default('edge') }),
])

const addresses = z
  .strictObject({
    switches: segment.describe('One host address for each switch and router.'),
    nodes: segment.describe('One host address for each Kubernetes node: its stable address and router ID.'),
    pods: podSegment.describe('One prefix for each node: a pool, or {pool, perNode}.'),
    services: servicePool.describe(
      'Service addresses, announced as host routes: a pool, or {pool, scope}. Default scope: edge; what peers are told (send) and what the DCI carries still decide.',
    ),
  })
  .describe('Address segments of the site. They may not overlap anything else in the file.')

const nodes = z
  .union([count(0, 128), z.array(name).min(1).max(128)])
  .describe('Number of nodes in a rack, or their names. A name is the device name as it stands.')

const leaves = count(1, 8).describe('Leaf switches in a rack; every node attaches to each of them.')

const uplinks = z
  .array(interfaceName)
  .min(1)
  .max(8)
  .describe('Interfaces of a node, in the order of its leaves. Default: eth1, eth2, …')

export const rackType = z
  .strictObject({
    leaves: leaves.default(2),
    nodes: nodes.default(2),
    attachment: attachment.optional(),
    uplinks: uplinks.optional(),
  })
  .describe('A kind of rack. Sites say how many of each they have.')

const listedRack = z.strictObject({
  name: name.describe('Name of the rack, unique in its site.'),
  type: name.optional().describe('Rack type that the rest comes from.'),
  leaves: leaves.optional(),
  nodes: nodes.optional(),
  attachment: attachment.optional(),
  uplinks: uplinks.optional(),
})

const racks = z
  .union([count(0, 4096), z.record(name, count(0, 4096)), z.array(listedRack)])
  .describe(
    'How many racks of each type, {compute: 4}; a list of racks with names of their own; or only a number, ' +
      'for racks of two leaves and two nodes.',
  )

const fabric = z
  .strictObject({
    spines: count(0, 64)
      .optional()
      .describe(
        'Spines in each pod. Default 2, or one a plane. 0 only for a single rack without border leaves.',
      ),
    racks: racks.optional(),
    pods: z
      .union([count(1, 256), z.record(name, z.strictObject({ racks: racks.optional() }))])
      .optional()
      .describe('Five-stage fabrics: number of pods with these racks each (p1, p2, …), or {p1: {racks: …}}.'),
    superSpines: z
      .strictObject({
        planes: count(1, 64)
          .optional()
          .describe('Planes; spine k of every pod is in plane k. Default: as spines.'),
        perPlane: count(1, 64).default(2).describe('Super-spines in each plane.'),
      })
      .optional()
      .describe('The tier that joins pods.'),
    borderLeaves: count(0, 16)
      .optional()
      .describe(
        'Leaves that DCI and edge routers attach to. Default 2 where there are such routers, else 0.',
      ),
  })
  .describe('Leaves, spines and racks of the site.')

export const site = z.strictObject({
  addresses,
  fabric: fabric.prefault({}),
  dci: z
    .union([
      z.strictObject({ routers: count(1, 16).default(2).describe('DCI routers of the site.') }),
      z.literal('off').register(wording, { expected: 'off' }),
    ])
    .optional()
    .describe('Routers towards the other sites; off says that the site stands alone on purpose.'),
  edge: z
    .strictObject({
      routers: count(1, 16).default(2).describe('Edge routers of the site.'),
      asn: asn.optional().describe('Their AS number towards peers. Default: a private one.'),
    })
    .optional()
    .describe('Routers towards external peers.'),
})
