/*
 * From what was written to what holds: peer groups are passed on to their members, and everything unwritten gets the
 * default of the profile and release that the file names, as FRR's own tables of defaults have it.
 */
import { compareAddresses, parseAddress } from '../../net/address.ts'
import {
  type Family,
  type NeighborFamily,
  type NeighborModel,
  plainNeighborFamily,
  type RouterFamily,
  type RouterModel,
} from '../simulate/router-model.ts'
import { unlimitedPaths } from '../simulate/router-of-plan.ts'
import type { RawConfig, RawFamily, RawNeighbor } from './raw-config.ts'

/** Release and profile of files that do not name theirs. */
export type Unwritten = Pick<RouterModel, 'release' | 'profile'>

/** Debian's and the project's packages come with traditional defaults; Cumulus Linux with those of the datacenter. */
export const usuallyUnwritten: Unwritten = { release: { major: 8, minor: 4 }, profile: 'traditional' }

/** The router that a file describes. */
export function buildRouter(config: RawConfig, unwritten: Unwritten = usuallyUnwritten): RouterModel {
  const release = config.release ?? unwritten.release
  const profile = config.profile ?? unwritten.profile
  const isDatacenter = profile === 'datacenter'
  const isBefore = (major: number, minor: number) =>
    release.major < major || (release.major === major && release.minor < minor)
  const option = <T extends string | number | boolean>(name: string, otherwise: T): T =>
    (config.options.get(name) as T | undefined) ?? otherwise
  const defaults = {
    keepaliveSeconds: option('keepaliveSeconds', isDatacenter ? 3 : 60),
    holdSeconds: option('holdSeconds', isDatacenter ? 9 : 180),
    enforcesFirstAs: option('enforcesFirstAs', !isBefore(9, 1)),
  }
  const isActiveByDefault = {
    ipv4: option('defaultIpv4', true),
    ipv6: option('defaultIpv6', false),
  }
  return {
    name: config.hostname ?? nameOfFile(config.file),
    release,
    profile,
    asn: config.asn,
    routerId: config.routerId ?? highestAddress(config),
    interfaces: config.interfaces.map(({ name, addresses }) => ({
      name,
      addresses: config.shut.has(name) ? [] : addresses,
    })),
    staticRoutes: config.staticRoutes,
    bgp: {
      requiresPolicy: option('requiresPolicy', !isDatacenter && !isBefore(7, 4)),
      multipathRelax: option('multipathRelax', false),
      importCheck: option('importCheck', isDatacenter || !isBefore(7, 4)),
      deterministicMed: option('deterministicMed', isDatacenter),
      alwaysCompareMed: option('alwaysCompareMed', false),
      compareRouterId: option('compareRouterId', false),
      ignoreAsPath: option('ignoreAsPath', false),
      localPreference: option('localPreference', 100),
      bandwidth: option<RouterModel['bgp']['bandwidth']>('bandwidth', 'all-or-none'),
      clusterId: option<string>('clusterId', '') || null,
    },
    families: { ipv4: familyOf(config, 'ipv4'), ipv6: familyOf(config, 'ipv6') },
    neighbors: [...config.neighbors.values()].map((neighbor) =>
      buildNeighbor(config, neighbor, defaults, isActiveByDefault),
    ),
    prefixLists: config.prefixLists,
    asPathLists: config.asPathLists,
    communityLists: config.communityLists,
    largeCommunityLists: config.largeCommunityLists,
    routeMaps: config.routeMaps,
  }
}

function nameOfFile(file: string): string {
  const parts = file.split('/')
  const last = parts.at(-1)!
  // conf/leaf1/frr.conf and conf/leaf1.conf both mean leaf1.
  const isGeneric = /^(frr|bgpd|running-config)(\.conf|\.txt)?$/.test(last)
  return isGeneric && parts.length > 1 ? parts.at(-2)! : last.replace(/\.(conf|cfg|txt)$/, '')
}

function highestAddress({ interfaces, options }: RawConfig): string | null {
  const written = options.get('zebraRouterId')
  if (typeof written === 'string') return written
  const of = (isLoopback: boolean) =>
    interfaces
      .filter(({ name }) => (name === 'lo') === isLoopback)
      .flatMap(({ addresses }) => addresses.map((text) => text.split('/')[0]!))
      .filter((text) => parseAddress(text)?.family === 4 && !text.startsWith('127.'))
      .sort((a, b) => compareAddresses(parseAddress(b)!, parseAddress(a)!))[0]
  return of(true) ?? of(false) ?? null
}

function familyOf(config: RawConfig, family: Family): RouterFamily {
  const { hasLimit, ...written } = config.families[family]
  return {
    ...written,
    maximumPaths: hasLimit.ebgp ? written.maximumPaths : unlimitedPaths,
    maximumPathsIbgp: hasLimit.ibgp ? written.maximumPathsIbgp : unlimitedPaths,
  }
}

function buildNeighbor(
  config: RawConfig,
  own: RawNeighbor,
  defaults: Pick<NeighborModel, 'keepaliveSeconds' | 'holdSeconds' | 'enforcesFirstAs'>,
  isActiveByDefault: Record<Family, boolean>,
): NeighborModel {
  const group = own.group === null ? undefined : config.groups.get(own.group)
  const either = <K extends keyof RawNeighbor>(key: K) => own[key] ?? group?.[key]
  return {
    id: own.id,
    interface: own.isInterface ? own.id : null,
    address: own.isInterface ? null : own.id,
    group: own.group,
    description: own.description ?? null,
    remoteAs: either('remoteAs') ?? null,
    isShutdown: (either('isShutdown') ?? false) || (own.isInterface && config.shut.has(own.id)),
    isPassive: either('isPassive') ?? false,
    password: either('password') ?? null,
    ttlSecurityHops: either('ttlSecurityHops') ?? null,
    multihop: either('multihop') ?? null,
    bfd: either('bfd') ?? null,
    keepaliveSeconds: either('keepaliveSeconds') ?? defaults.keepaliveSeconds,
    holdSeconds: either('holdSeconds') ?? defaults.holdSeconds,
    enforcesFirstAs: either('enforcesFirstAs') ?? defaults.enforcesFirstAs,
    families: {
      ipv4: buildFamily(own.families.ipv4, group?.families.ipv4, isActiveByDefault.ipv4),
      ipv6: buildFamily(own.families.ipv6, group?.families.ipv6, isActiveByDefault.ipv6),
    },
  }
}

function buildFamily(
  own: RawFamily,
  group: RawFamily | undefined,
  byDefault: boolean,
): NeighborFamily | null {
  const isGroupActive = group?.isActive ?? byDefault
  const { isActive = group === undefined ? byDefault : isGroupActive, ...settings } = own
  if (!isActive) return null
  // A group that is not active in a family passes nothing of that family on.
  const { isActive: _, ...inherited } = isGroupActive && group !== undefined ? group : {}
  return { ...plainNeighborFamily, ...inherited, ...settings }
}
