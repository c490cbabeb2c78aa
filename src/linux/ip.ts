import { inNamespace } from './namespace.ts'
import { run } from './run.ts'

export type Family = 'ipv4' | 'ipv6'

export interface Scope {
  namespace?: string
}

export interface Address {
  device: string
  family: Family
  address: string
  prefixLength: number
  scope: string
  label?: string
}

export interface NextHop {
  device?: string
  /** Absent for a directly connected or local destination. */
  gateway?: string
  weight: number
}

export interface Route {
  family: Family
  /** `default`, or a prefix; a host route always carries its /32 or /128. */
  destination: string
  type: string
  protocol: string
  metric?: number
  preferredSource?: string
  nextHops: NextHop[]
}

export interface Link {
  index: number
  name: string
  kind?: string
  state: string
  /** False when the peer end of a veth is down or the cable is out. */
  hasCarrier: boolean
  isUp: boolean
  mtu: number
  mac?: string
  /** Interface index at the other end of a veth. */
  peerIndex?: number
}

/** Addresses of one device or of all. */
export async function readAddresses(options: Scope & { device?: string } = {}): Promise<Address[]> {
  const rows = await readJson<RawAddressRow>(
    ['addr', 'show', ...(options.device === undefined ? [] : ['dev', options.device])],
    options,
  )
  return rows.flatMap((row) =>
    (row.addr_info ?? []).flatMap((info) =>
      info.local === undefined
        ? []
        : [
            {
              device: row.ifname,
              family: familyOf(info.family),
              address: info.local,
              prefixLength: info.prefixlen,
              scope: info.scope,
              ...(info.label === undefined ? {} : { label: info.label }),
            },
          ],
    ),
  )
}

/** Routes of one family, from the main table unless another is named. */
export async function readRoutes(
  options: Scope & { family?: Family; table?: string; protocol?: string } = {},
): Promise<Route[]> {
  const family = options.family ?? 'ipv4'
  const filter = [
    ...(options.table === undefined ? [] : ['table', options.table]),
    ...(options.protocol === undefined ? [] : ['proto', options.protocol]),
  ]
  const rows = await readJson<RawRoute>(['route', 'show', ...filter], options, family)
  return rows.map((row) => parseRoute(row, family))
}

/** Network interfaces. */
export async function readLinks(options: Scope = {}): Promise<Link[]> {
  const rows = await readJson<RawLink>(['-details', 'link', 'show'], options)
  return rows.map((row) => ({
    index: row.ifindex,
    name: row.ifname,
    state: row.operstate,
    isUp: row.flags.includes('UP'),
    hasCarrier: row.flags.includes('LOWER_UP'),
    mtu: row.mtu,
    ...(row.linkinfo?.info_kind === undefined ? {} : { kind: row.linkinfo.info_kind }),
    ...(row.address === undefined ? {} : { mac: row.address }),
    ...(row.link_index === undefined ? {} : { peerIndex: row.link_index }),
  }))
}

interface RawAddressRow {
  ifname: string
  addr_info?: { family: string; local?: string; prefixlen: number; scope: string; label?: string }[]
}

interface RawNextHop {
  gateway?: string
  via?: { host: string }
  dev?: string
  weight?: number
}

interface RawRoute extends RawNextHop {
  dst: string
  type?: string
  protocol?: string
  metric?: number
  prefsrc?: string
  nexthops?: RawNextHop[]
}

interface RawLink {
  ifindex: number
  ifname: string
  link_index?: number
  flags: string[]
  mtu: number
  operstate: string
  address?: string
  linkinfo?: { info_kind?: string }
}

async function readJson<T>(command: string[], scope: Scope, family?: Family): Promise<T[]> {
  const familyFlag = family === undefined ? [] : [family === 'ipv6' ? '-6' : '-4']
  const { stdout } = await run(inNamespace(scope.namespace, ['ip', '-json', ...familyFlag, ...command]))
  // iproute2 prints nothing at all, rather than [], for some empty answers, and {} for rows it filtered out.
  const rows = stdout.trim() === '' ? [] : (JSON.parse(stdout) as T[])
  return rows.filter((row) => Object.keys(row as object).length > 0)
}

function parseRoute(row: RawRoute, family: Family): Route {
  const nextHops = row.nexthops ?? (row.dev === undefined && row.gateway === undefined ? [] : [row])
  return {
    family,
    destination:
      row.dst === 'default' || row.dst.includes('/') ? row.dst : `${row.dst}/${family === 'ipv6' ? 128 : 32}`,
    type: row.type ?? 'unicast',
    protocol: row.protocol ?? 'unspec',
    ...(row.metric === undefined ? {} : { metric: row.metric }),
    ...(row.prefsrc === undefined ? {} : { preferredSource: row.prefsrc }),
    nextHops: nextHops.map(parseNextHop),
  }
}

function parseNextHop(raw: RawNextHop): NextHop {
  const gateway = raw.gateway ?? raw.via?.host
  return {
    weight: raw.weight ?? 1,
    ...(raw.dev === undefined ? {} : { device: raw.dev }),
    ...(gateway === undefined ? {} : { gateway }),
  }
}

function familyOf(raw: string): Family {
  return raw === 'inet6' ? 'ipv6' : 'ipv4'
}
