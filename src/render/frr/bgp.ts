/*
 * bgpd's part: one `router bgp` with peer groups, neighbours and address families.
 *
 * What all sessions of a peer group share stands on the group; what they do not share stands on each neighbour.
 * The exact filters of a neighbour (what it may announce, how much) are always its own, so that adding a second
 * neighbour to a group never moves a line of the first.
 */
import type { Origination } from '../../plan/model.ts'
import { type DeviceView, familiesOf, familyOf, localName, type Neighbor } from '../view.ts'
import { renderGracefulRestart } from './graceful-restart.ts'
import { acceptList, ownRoutesList, redistributionOf } from './policy.ts'
import { isBefore } from './preamble.ts'
import { block, line, type Statement } from './statement.ts'

type Family = 'ipv4' | 'ipv6'

/** A setting of a neighbour or a group: the words after its name. */
type Setting = (neighbor: Neighbor) => string | null

interface PeerGroup {
  name: string
  remoteAs: string
  members: Neighbor[]
}

/** A setting, with the words all members of a group have for it, or null when they differ or need none. */
interface Agreement {
  setting: Setting
  words: string | null
}

/** Settings that hold for every router of the machine, outside `router bgp`. */
export function renderBgpGlobals(): Statement[] {
  // How long a changed route map waits before it is applied. The default is 5 s; 0 means never.
  return [line('bgp route-map delay-timer 1')]
}

/** The `router bgp` section. */
export function renderRouterBgp(view: DeviceView): Statement[] {
  const { plan, device } = view
  const sendsDefault = view.neighbors.some(({ own }) => own.defaultOriginate !== null)
  const groups = groupsOf(view).map((group) => ({
    ...group,
    agreed: agreeOn(sessionSettings(view), group.members),
  }))
  return [
    block(`router bgp ${device.asn}`, [
      line(`bgp router-id ${device.routerId}`),
      ...renderGracefulRestart(view),
      ...(isBefore(plan.frr, 10) || !sendsDefault
        ? []
        : // How often the condition of a default route is looked at. Before, FRR did so every 5 s and could not be told.
          [line('bgp default-originate timer 1')]),
      line('bgp log-neighbor-changes'),
      // Off in the datacenter profile: a session whose policies went missing must pass nothing (RFC 8212).
      line('bgp ebgp-requires-policy'),
      line('no bgp default ipv4-unicast'),
      // Without it the winner among paths with MEDs depends on which came first.
      line('bgp deterministic-med'),
      // Paths of equal length through different neighbour AS numbers share traffic: no profile has it.
      line('bgp bestpath as-path multipath-relax'),
      // With the check, a service address that is not in the RIB yet would silently never be announced.
      line('no bgp network import-check'),
      // By default updates to a group of new neighbours wait a second for others to join it, at every hop.
      line('coalesce-time 50'),
      ...groups.flatMap(({ name, remoteAs, agreed }) => [
        line(`neighbor ${name} peer-group`),
        line(`neighbor ${name} remote-as ${remoteAs}`),
        ...shared(agreed, name),
      ]),
      ...groups.flatMap(({ name, members, agreed }) =>
        members.flatMap((neighbor) => neighborLines(name, neighbor, agreed)),
      ),
      line('bgp fast-convergence'),
      ...familiesOf(view).map((family) => addressFamily(view, groups, family)),
    ]),
  ]
}

function groupsOf(view: DeviceView): PeerGroup[] {
  const members = Map.groupBy(view.neighbors, ({ own }) => own.group)
  return [...members]
    .map(([name, list]) => ({ name, members: list, remoteAs: remoteAsOf(view, name, list) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Inside, `external` or `internal` says enough; another organisation's AS number is named. */
function remoteAsOf({ device }: DeviceView, group: string, members: Neighbor[]): string {
  const types = new Set(members.map(({ session }) => session.type))
  if (types.size !== 1)
    throw new TypeError(`peer group ${group} of ${device.name} mixes eBGP and iBGP sessions`)
  if (types.has('ibgp')) return 'internal'
  const crossesBorder = device.role === 'external' || members.some((m) => m.peerDevice.role === 'external')
  const numbers = new Set(members.map((member) => member.peerDevice.asn))
  return crossesBorder && numbers.size === 1 ? `${members[0]!.peerDevice.asn}` : 'external'
}

/** Session settings, in the order in which FRR prints them. */
function sessionSettings({ plan }: DeviceView): Setting[] {
  return [
    // A path must begin with the neighbour's own AS. On by default since FRR 10, and then not printed.
    ({ session }) => (session.type === 'ebgp' && isBefore(plan.frr, 10) ? 'enforce-first-as' : null),
    ({ session }) => (session.bfd === null ? null : 'bfd'),
    ({ session }) => (session.bfd === null ? null : `bfd profile ${session.bfd}`),
    ({ session }) => (session.password === null ? null : `password ${session.password}`),
    ({ session }) => (session.gtsm ? 'ttl-security hops 1' : null),
    () => 'advertisement-interval 0',
    ({ session }) => `timers ${session.timers.keepaliveSeconds} ${session.timers.holdSeconds}`,
    // One SYN a second to a neighbour that is away costs nothing; 10 s of waiting after it returned do.
    () => 'timers connect 1',
    // RFC 8950. FRR sets it on interface peers by itself; written, so that a reader sees what carries IPv4 here.
    ({ session }) => (session.unnumbered ? 'capability extended-nexthop' : null),
  ]
}

/** What passes a session of one family; the exact filters are in {@link exactSettings}. */
function familySettings({ device }: DeviceView): Setting[] {
  return [
    ({ own }) => (own.routeReflectorClient ? 'route-reflector-client' : null),
    ({ own }) => (own.nextHopSelf ? 'next-hop-self force' : null),
    ({ own }) => (own.removePrivateAs ? 'remove-private-AS all' : null),
    ({ own }) =>
      own.defaultOriginate === null ? null : `default-originate route-map ${localName(own.defaultOriginate)}`,
    ({ own }) => `route-map ${localName(own.import)} in`,
    ({ own }) => `route-map ${localName(own.export)} out`,
    // A node with two leaves would otherwise carry the one's routes to the other, at a path no longer than theirs.
    () => (device.role === 'node' ? `filter-list ${ownRoutesList} out` : null),
  ]
}

const exactSettings: Setting[] = [
  ({ own }) => (own.maximumPrefixes === null ? null : `maximum-prefix ${own.maximumPrefixes}`),
  ({ own, peer }) => (own.accept === null ? null : `prefix-list ${acceptList(peer.device)} in`),
  ({ own, peer }) => (own.acceptAsPath === null ? null : `filter-list ${acceptList(peer.device)} in`),
]

function neighborLines(group: string, neighbor: Neighbor, agreed: Agreement[]): Statement[] {
  const name = nameOf(neighbor)
  return [
    line(`neighbor ${name}${neighbor.session.unnumbered ? ' interface' : ''} peer-group ${group}`),
    line(`neighbor ${name} description ${neighbor.peer.device} ${neighbor.peer.interface}`),
    ...unshared(agreed, neighbor),
  ]
}

function addressFamily(
  view: DeviceView,
  groups: Pick<PeerGroup, 'name' | 'members'>[],
  family: Family,
): Statement {
  const { device } = view
  const settings = familySettings(view)
  const redistribution = redistributionOf(view, family)
  const active = groups.flatMap(({ name, members }) => {
    const speaking = members.filter(({ session }) => session.families.includes(family))
    if (speaking.length === 0) return []
    // A group that is not activated passes nothing on to its members, so that everything stands on them.
    const isWhole = speaking.length === members.length
    return [
      {
        name,
        members: speaking,
        isWhole,
        agreed: isWhole ? agreeOn(settings, speaking) : settings.map((setting) => ({ setting, words: null })),
      },
    ]
  })
  return block(
    `address-family ${family} unicast`,
    [
      ...device.originates
        .filter(({ prefix, via }) => familyOf(prefix) === family && via !== 'kernel')
        .map(originationLine),
      ...(redistribution === null
        ? []
        : [
            line(`redistribute kernel route-map ${redistribution}`),
            line(`redistribute connected route-map ${redistribution}`),
          ]),
      ...active.flatMap(({ name, isWhole, agreed }) =>
        isWhole ? [line(`neighbor ${name} activate`), ...shared(agreed, name)] : [],
      ),
      ...active.flatMap(({ members, isWhole, agreed }) =>
        members.flatMap((neighbor) => [
          ...(isWhole ? [] : [line(`neighbor ${nameOf(neighbor)} activate`)]),
          ...unshared(agreed, neighbor),
          ...settingLines(exactSettings, neighbor),
        ]),
      ),
      line(`maximum-paths ${device.maximumPaths}`),
      ...(view.neighbors.some(({ session }) => session.type === 'ibgp')
        ? [line(`maximum-paths ibgp ${device.maximumPaths}`)]
        : []),
    ],
    'exit-address-family',
  )
}

function originationLine({ prefix, via, policy }: Origination): Statement {
  const routeMap = policy === null ? '' : ` route-map ${localName(policy)}`
  return line(`${via === 'aggregate' ? 'aggregate-address' : 'network'} ${prefix}${routeMap}`)
}

function nameOf({ session, own }: Neighbor): string {
  if (session.unnumbered) return own.interface
  if (own.neighborAddress === null)
    throw new TypeError(`numbered session ${session.link} has no neighbour address at ${own.device}`)
  return own.neighborAddress
}

function agreeOn(settings: Setting[], members: Neighbor[]): Agreement[] {
  return settings.map((setting) => {
    const words = setting(members[0]!)
    return { setting, words: members.every((member) => setting(member) === words) ? words : null }
  })
}

/** Settings that all members of a group agree on, written on the group. */
function shared(agreed: Agreement[], name: string): Statement[] {
  return agreed.flatMap(({ words }) => (words === null ? [] : [line(`neighbor ${name} ${words}`)]))
}

/** Settings on which the members of a group differ, written on one of them. */
function unshared(agreed: Agreement[], neighbor: Neighbor): Statement[] {
  const differing = agreed.filter(({ words }) => words === null)
  return settingLines(
    differing.map(({ setting }) => setting),
    neighbor,
  )
}

function settingLines(settings: Setting[], neighbor: Neighbor): Statement[] {
  return settings.flatMap((setting) => {
    const words = setting(neighbor)
    return words === null ? [] : [line(`neighbor ${nameOf(neighbor)} ${words}`)]
  })
}
