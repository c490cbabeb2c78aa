/** One BGP session per link: which policies each end applies, and what exactly it accepts. */
import type { Intent, LinkClass, PeerIntent, SiteIntent } from '../intent/model.ts'
import { sizeOf } from '../net/prefix.ts'
import type { Device, Link, PrefixEntry, Session, SessionEnd } from './model.ts'
import type { DeviceSettings } from './overrides.ts'
import { dciToSite, fromPeer, policies, toPeer } from './policies.ts'
import { hosts } from './prefix-sets.ts'

/** A node may announce that many service addresses at the most, however large the pools are. */
const serviceRoutesPerNode = 10_000

export interface SessionInputs {
  intent: Intent
  devices: ReadonlyMap<string, Device>
  links: readonly Link[]
  /** Per site: do its leaves tell nodes every route, or a default only? */
  fullRoutesToNodes: ReadonlyMap<string, boolean>
  overrides: ReadonlyMap<string, DeviceSettings>
  /** Name of the BFD profile of a link, registered by the caller; null for none. */
  bfdProfile: (linkClass: LinkClass, settings: readonly DeviceSettings[]) => string | null
}

/** Sessions in the order of the links. */
export function planSessions(inputs: SessionInputs): Session[] {
  const { intent } = inputs
  const sites = new Map(intent.sites.map((site) => [site.name, site]))
  const peers = new Map(intent.peers.map((peer) => [peer.name, peer]))
  const serviceHosts = new Map(intent.sites.map((site) => [site.name, serviceEntries(intent, site)]))

  return inputs.links.map((link): Session => {
    const a = inputs.devices.get(link.a.device)!
    const b = inputs.devices.get(link.b.device)!
    const peer = peers.get(b.name) ?? null
    const site = sites.get(a.site!)!
    const settings = [inputs.overrides.get(a.name), inputs.overrides.get(b.name)].filter(
      (entry) => entry !== undefined,
    )
    const [forA, forB] = endsFor(a, b, peer, inputs)
    const addressesA = interfaceOf(a, link.a.interface).addresses
    const addressesB = interfaceOf(b, link.b.interface).addresses
    const isNode = b.role === 'node'
    const accept = isNode ? acceptFromNode(b, serviceHosts.get(site.name)!.entries) : null
    const ibgp = isNode && b.attachment === 'ibgp'
    const external = peer !== null
    return {
      link: link.id,
      class: link.class,
      type: ibgp ? 'ibgp' : 'ebgp',
      unnumbered: addressesA.length === 0,
      families:
        isDualStack(site) && (peer === null || peer.link === 'unnumbered' || peer.link.v6 !== null)
          ? ['ipv4', 'ipv6']
          : ['ipv4'],
      timers: settings.find((entry) => entry.timers)?.timers ?? intent.bgp.timers,
      bfd: inputs.bfdProfile(link.class, settings),
      gtsm: external ? peer.gtsm : intent.bgp.gtsm,
      password: peer?.password ?? null,
      a: {
        ...plainEnd(link.a, firstAddress(addressesB)),
        ...forA,
        accept,
        // A node may put its own number in front more than once: a Service can ask for that.
        acceptAsPath: isNode ? (ibgp ? '^$' : `^(${b.asn}_?)+$`) : external ? `^${b.asn}(_|$)` : null,
        maximumPrefixes: external
          ? peer.maximumPrefixes
          : isNode
            ? 8 + Math.min(serviceRoutesPerNode, serviceHosts.get(site.name)!.count)
            : null,
        routeReflectorClient: ibgp,
        nextHopSelf: ibgp,
        removePrivateAs: external,
        defaultOriginate:
          isNode && !inputs.fullRoutesToNodes.get(site.name) ? `${site.name}.${policies.uplinkAlive}` : null,
      },
      b: { ...plainEnd(link.b, firstAddress(addressesA)), ...forB },
    }
  })
}

type EndPolicies = Pick<SessionEnd, 'group' | 'import' | 'export'>

/** Peer group and policies of both ends, by the roles that meet. */
function endsFor(
  a: Device,
  b: Device,
  peer: PeerIntent | null,
  inputs: SessionInputs,
): [EndPolicies, EndPolicies] {
  const end = (device: Device, group: string, importPolicy: string, exportPolicy: string): EndPolicies => ({
    group,
    import: `${device.site}.${importPolicy}`,
    export: `${device.site}.${exportPolicy}`,
  })
  if (peer !== null) {
    return [
      end(a, `PEER-${peer.name}`, fromPeer(peer.name), toPeer(peer.name)),
      { group: 'EDGE', import: 'external.ANY', export: 'external.OWN' },
    ]
  }
  switch (`${a.role}/${b.role}`) {
    case 'leaf/node': {
      const toNode = inputs.fullRoutesToNodes.get(a.site!) ? policies.toNode : policies.toNodeDefault
      return [end(a, 'NODES', policies.fromNode, toNode), end(b, 'TOR', policies.fromLeaf, policies.toLeaf)]
    }
    case 'border-leaf/dci-router':
      return [
        end(a, 'DCI', policies.borderFromDci, policies.borderToDci),
        end(b, 'BORDERS', policies.dciFromBorder, policies.dciToBorder),
      ]
    case 'border-leaf/edge-router':
      return [
        end(a, 'EDGE', policies.borderFromEdge, policies.borderToEdge),
        end(b, 'BORDERS', policies.edgeFromBorder, policies.edgeToBorder),
      ]
    case 'dci-router/dci-router':
      return [
        end(a, `SITE-${b.site}`, policies.dciFromSites, dciToSite(b.site!)),
        end(b, `SITE-${a.site}`, policies.dciFromSites, dciToSite(a.site!)),
      ]
    default:
      return [
        end(
          a,
          b.role === 'spine' ? 'SPINES' : b.role === 'leaf' ? 'LEAVES' : 'BORDERS',
          policies.fromBelow,
          policies.toBelow,
        ),
        end(
          b,
          a.role === 'spine' ? 'SPINES' : 'SUPERSPINES',
          b.role === 'border-leaf' ? policies.borderFromAbove : policies.fromAbove,
          policies.toAbove,
        ),
      ]
  }
}

function plainEnd(at: Link['a'], neighborAddress: string | null): Omit<SessionEnd, keyof EndPolicies> {
  return {
    ...at,
    neighborAddress,
    accept: null,
    acceptAsPath: null,
    maximumPrefixes: null,
    routeReflectorClient: false,
    nextHopSelf: false,
    removePrivateAs: false,
    defaultOriginate: null,
  }
}

function interfaceOf(device: Device, name: string) {
  return device.interfaces.find((entry) => entry.name === name)!
}

function firstAddress(addresses: readonly string[]): string | null {
  return addresses[0]?.split('/')[0] ?? null
}

/** A node may announce its own loopback, its own pod prefix, and host routes of the service pools: nothing else. */
function acceptFromNode(node: Device, services: PrefixEntry[]): PrefixEntry[] {
  return [...[...node.loopbacks, ...node.podCidrs].map((prefix) => ({ prefix })), ...services]
}

function serviceEntries(intent: Intent, site: SiteIntent): { entries: PrefixEntry[]; count: number } {
  const pools =
    intent.globalServices === null
      ? [site.addresses.services]
      : [site.addresses.services, intent.globalServices]
  const count = pools.reduce((sum, pool) => sum + sizeOf(pool.v4), 0n)
  return { entries: pools.flatMap(hosts), count: Number(count) }
}

function isDualStack(site: SiteIntent): boolean {
  return site.addresses.nodes.v6 !== null
}
