/**
 * The shape of weft.yaml: one description that gives the loader its checks and defaults, editors their JSON Schema,
 * and readers the reference page. Every key carries the text that all three show.
 */
import * as z from 'zod'
import { linkClasses } from './link-classes.ts'
import type { BfdProfile, LinkClass } from './model.ts'
import { attachment, rackType, segment, servicePool, site } from './schema-site.ts'
import {
  address,
  asn,
  asnRange,
  bfdProfile,
  count,
  duration,
  frrRelease,
  hostname,
  name,
  prefix,
  report,
  timers,
  wording,
} from './values.ts'

const peer = z.strictObject({
  site: name.describe('Site whose edge routers the peer connects to, each of them.'),
  asn: asn.describe('AS number of the peer.'),
  link: z
    .union([z.literal('unnumbered').register(wording, { expected: 'unnumbered' }), segment])
    .default('unnumbered')
    .describe('Addresses for a /31 (IPv6: /127) for each edge router, ours first; or unnumbered.'),
  send: z
    .array(z.enum(['services', 'service-pools', 'nodes', 'pods', 'default']))
    .default(['services'])
    .describe('What the peer is told; services are those of scope edge, one host route each.'),
  receive: z
    .array(z.union([z.literal('default').register(wording, { expected: 'default' }), prefix]))
    .default(['default'])
    .describe('What is accepted from the peer: prefixes, or default for the default route.'),
  password: z
    .union([
      z
        .string()
        .regex(/^\S{1,80}$/)
        .register(wording, { expected: 'a password of 1 to 80 characters without spaces' }),
      z.strictObject({ env: z.string().min(1).describe('Environment variable that holds the password.') }),
    ])
    .optional()
    .describe('TCP MD5 password (RFC 2385): the text, or {env: NAME} to keep it out of the file.'),
  maximumPrefixes: count(1, 4_000_000)
    .default(100)
    .describe('The session is closed when the peer announces more than this.'),
  gtsm: z
    .boolean()
    .default(false)
    .describe('Require hop limit 255 from the peer (RFC 5082); it must do so as well.'),
})

const cluster = z.strictObject({
  site: name.describe('Site whose nodes form the cluster.'),
  controlPlane: z
    .union([count(1, 16), z.array(name).min(1).max(16)])
    .default(1)
    .describe('Nodes of the control plane: how many, spread over the racks in order, or their names.'),
  apiPort: count(1, 65535).default(6443).describe('Port of the API server on the control-plane nodes.'),
})

const selector = z
  .union([
    z.string().min(1).register(wording, { expected: 'a device name; * matches any characters' }),
    z
      .strictObject({
        device: z.string().min(1).optional().describe('Device name; * matches any characters.'),
        role: z
          .enum(['node', 'leaf', 'spine', 'super-spine', 'border-leaf', 'dci-router', 'edge-router'])
          .optional()
          .describe('Role of the device.'),
        site: name.optional().describe('Site of the device.'),
        rack: name.optional().describe('Rack of the device, by its name within the site.'),
      })
      .superRefine((conditions, context) => {
        if (Object.values(conditions).some((condition) => condition !== undefined)) return
        report(context, {
          code: 'WEFT_INTENT_SELECTOR_EMPTY',
          message: 'the selector has no condition',
          expected: 'at least one of device, role, site, rack',
          hint: 'to change every device, set the value at the top of the file',
        })
      }),
  ])
  .transform((value) => (typeof value === 'string' ? { device: value } : value))
  .describe('Devices meant: a name with *, or a map of conditions that must all hold.')

const settings = z
  .strictObject({
    hostname: hostname.optional().describe('Host name, when it is not the device name.'),
    asn: asn.optional().describe('AS number.'),
    loopback: address(4).optional().describe('IPv4 loopback address.'),
    loopback6: address(6).optional().describe('IPv6 loopback address.'),
    podCidr: prefix.optional().describe('IPv4 pod prefix of a node.'),
    podCidr6: prefix.optional().describe('IPv6 pod prefix of a node.'),
    vips: z.array(address(null)).optional().describe('Service addresses a node announces without an agent.'),
    maximumPaths: count(1, 256).optional().describe('ECMP width.'),
    timers: timers.optional().describe('BGP timers of its sessions.'),
    bfd: bfdProfile.optional().describe('BFD of its links: a profile, or off.'),
  })
  .describe('What is different about them.')

const endpoint = z.string().min(1).register(wording, {
  expected: 'an endpoint such as dc1.nodes, peers, services, or the name of a device or peer',
})
const endpoints = z
  .union([endpoint, z.array(endpoint).min(1)])
  .transform((value) => (Array.isArray(value) ? value : [value]))
const from = endpoint.describe(
  'Where packets start: dc1.nodes, dc1.pods, peers, or the name of a device or peer.',
)
const to = endpoints.describe('Where they go, one or several.')
const failure = z.enum(['link', 'device', 'site'])

const expectation = z
  .strictObject({
    reach: z
      .strictObject({
        from,
        to,
        minimumWidth: count(1, 256).default(1).describe('Equal-cost paths there must be at least.'),
      })
      .optional()
      .describe('Packets arrive.'),
    isolate: z.strictObject({ from, to }).optional().describe('Packets never arrive.'),
    survive: z
      .strictObject({
        fail: z
          .union([failure, z.array(failure).min(1)])
          .transform((value) => (Array.isArray(value) ? value : [value]))
          .describe('What fails: link, device, site; one or several.'),
        count: count(1, 8).default(1).describe('How many of them at once.'),
        outage: duration.optional().describe('Longest interruption allowed.'),
      })
      .optional()
      .describe('Everything above still holds when something fails.'),
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .superRefine((statement, context) => {
    const kinds = Object.keys(statement)
    if (kinds.length === 1) return
    report(context, {
      code: 'WEFT_INTENT_EXPECT_KIND',
      message:
        kinds.length === 0
          ? 'the expectation says nothing'
          : `the expectation says ${kinds.join(' and ')} at once`,
      expected: 'one of reach, isolate, survive',
      hint: 'write one entry of the list for each',
    })
  })

const bfd = z
  .union([bfdProfile, z.strictObject(bfdKeys())])
  .transform((value): Partial<Record<LinkClass, BfdProfile | null>> => {
    const isProfile = value === null || 'multiplier' in value
    if (!isProfile) return value as Partial<Record<LinkClass, BfdProfile | null>>
    return Object.fromEntries(linkClasses.map((linkClass) => [linkClass, value]))
  })
  .prefault({})
  .describe('BFD for each class of link, or one profile for all: interval x multiplier, or off.')

function bfdKeys() {
  return {
    node: bfdProfile.optional().describe('Node to leaf. Default 100ms x 3.'),
    fabric: bfdProfile.optional().describe('Leaf, spine, super-spine. Default 100ms x 3.'),
    border: bfdProfile.optional().describe('Border leaf to DCI and edge routers. Default 100ms x 3.'),
    dci: bfdProfile.optional().describe('Between sites. Default 300ms x 3.'),
    edge: bfdProfile.optional().describe('Edge router to peer. Default 300ms x 3.'),
  }
}

const bgp = z
  .strictObject({
    attachment: attachment.default('ebgp'),
    asn: asnRange
      .prefault('4200000000-4294967294')
      .describe('Range that devices get AS numbers from, first-last; private use is 4200000000-4294967294.'),
    timers: timers.prefault({}).describe('Timers of every session: {keepalive: 3, hold: 9}.'),
    maximumPaths: count(1, 256).default(64).describe('ECMP width that every router allows.'),
    gtsm: z
      .boolean()
      .default(true)
      .describe(
        'Accept only packets with hop limit 255, so that nobody off the link reaches bgpd (RFC 5082).',
      ),
    nodeRoutes: z
      .enum(['auto', 'full', 'default'])
      .default('auto')
      .describe('What nodes learn from leaves: every route, a default route only, or by size of the site.'),
  })
  .describe('BGP settings that hold everywhere.')

/** The whole file. */
export const weftFile = z.strictObject({
  weft: z.literal('v1').default('v1').describe('Version of this format.'),
  name: name.default('weft').describe('Name of the network; labs and manifests carry it.'),
  frr: frrRelease.prefault('8.4').describe('FRR release that the configuration is written for.'),
  bgp: bgp.prefault({}),
  bfd,
  ecmp: z
    .strictObject({
      hash: z
        .enum(['l3', 'l4', 'inner'])
        .default('l4')
        .describe(
          'Fields that choose the path: addresses (l3), with ports (l4), or of the inner packet (inner).',
        ),
      fastLocalRepair: z
        .boolean()
        .default(false)
        .describe(
          "A node's agent takes a dead link out of all routes when BFD says so, some 70 ms before FRR (8 and 9 only).",
        ),
    })
    .prefault({})
    .describe('How flows are spread over equal paths.'),
  racks: z.record(name, rackType).default({}).describe('Rack types by name.'),
  sites: z
    .record(name, site)
    .meta({ minProperties: 1 })
    .superRefine((sites, context) => {
      if (Object.keys(sites).length > 0) return
      report(context, {
        code: 'WEFT_INTENT_EMPTY',
        message: 'there is no site',
        expected: 'at least one site by its name',
        hint: 'weft init writes a commented file to start from',
      })
    })
    .describe('Datacenters by name.'),
  dci: z
    .strictObject({
      carry: z
        .array(z.enum(['nodes', 'pods', 'services']))
        .default(['nodes', 'pods', 'services'])
        .describe('Segments of a site that the other sites learn.'),
    })
    .prefault({})
    .describe('The network between sites.'),
  services: z
    .strictObject({
      global: servicePool
        .optional()
        .describe('Service addresses that several sites may announce at once. Default scope: edge.'),
    })
    .prefault({})
    .describe('Service addresses that belong to no single site.'),
  peers: z.record(name, peer).default({}).describe('Networks beyond the edge, by name.'),
  clusters: z.record(name, cluster).default({}).describe('Kubernetes clusters by name.'),
  overrides: z
    .array(z.strictObject({ select: selector, set: settings }))
    .default([])
    .describe('Exceptions; later ones win.'),
  expect: z.array(expectation).default([]).describe('What must hold; weft verify and drills judge it.'),
})

/** The file as written, with values read and defaults filled in, but counts and references not yet resolved. */
export type Draft = z.output<typeof weftFile>
