import type { VtyReader } from './daemon.ts'
import { asArray, asNumber, asRecord, asText, type Json, showJson } from './show-json.ts'

/*
 * What bgpd says about itself, with the differences between releases (8.4 to 10.x) taken out.
 *
 * Costs, on a router with 100 peers and 10,000 routes: the summary 10 ms of bgpd's only thread, one neighbor 3 ms, one
 * prefix 0.3 ms, a whole table 100 ms. Poll the summary, never the tables.
 */

export type BgpFamily = 'ipv4' | 'ipv6'

/** One session in one address family. */
export interface BgpSession {
  /** Interface name of an unnumbered session, else the neighbor's address. */
  neighbor: string
  family: BgpFamily
  /** FRR's words: Idle, Connect, Active, OpenSent, OpenConfirm, Established, or Idle (Admin), Idle (PfxCt). */
  state: string
  isEstablished: boolean
  remoteAs: number
  uptimeMs: number
  prefixesReceived: number
  prefixesSent: number
  timesEstablished: number
  timesDropped: number
  hostname?: string
}

export interface BgpSummary {
  localAs: number
  routerId: string
  sessions: BgpSession[]
}

export interface BgpNeighbor {
  neighbor: string
  state: string
  isEstablished: boolean
  /** The address the session runs to; for an unnumbered session the link-local one that was learned. */
  address?: string
  remoteAs: number
  localAs: number
  peerGroup?: string
  hostname?: string
  uptimeMs?: number
  holdTimeMs: number
  keepaliveMs: number
  updatesSent: number
  updatesReceived: number
  timesDropped: number
  lastResetReason?: string
  /** Absent when the session has no BFD. 8.4 shows default intervals here whatever the profile says: ask bfdd. */
  bfdStatus?: string
  families: Partial<Record<BgpFamily, { prefixesAccepted: number; prefixesSent: number }>>
}

interface BgpNextHop {
  address: string
  isUsed: boolean
}

export interface BgpPath {
  isValid: boolean
  isBest: boolean
  /** True for every path that takes part in ECMP, the best one included. */
  isMultipath: boolean
  /** AS numbers as FRR prints them, empty for a route of our own. */
  asPath: string
  origin: string
  /** The neighbor's address; empty for a route of our own. */
  peer: string
  localPreference?: number
  med?: number
  nextHops: BgpNextHop[]
}

/** A path as `show bgp … PREFIX` gives it, with what the table view leaves out. */
export interface BgpPathDetail extends BgpPath {
  interface?: string
  peerHostname?: string
  communities: string[]
  largeCommunities: string[]
  extendedCommunities: string[]
}

/** Sessions of all address families; undefined when bgpd has no BGP instance. */
export async function readBgpSummary(bgpd: VtyReader): Promise<BgpSummary | undefined> {
  const raw = asRecord(await showJson(bgpd, 'show bgp summary json'))
  const summary: BgpSummary = { localAs: 0, routerId: '', sessions: [] }
  let isConfigured = false
  for (const [key, family] of familyKeys) {
    const part = asRecord(raw[key])
    if (part.as === undefined) continue
    isConfigured = true
    summary.localAs = asNumber(part.as)
    summary.routerId = asText(part.routerId)
    for (const [neighbor, value] of Object.entries(asRecord(part.peers))) {
      summary.sessions.push(parseSession(neighbor, family, asRecord(value)))
    }
  }
  return isConfigured ? summary : undefined
}

/** One neighbor in detail; undefined when there is none of that name. */
export async function readBgpNeighbor(bgpd: VtyReader, neighbor: string): Promise<BgpNeighbor | undefined> {
  const raw = asRecord(await showJson(bgpd, `show bgp neighbors ${neighbor} json`))
  const found = Object.entries(raw).find(([, value]) => typeof value === 'object')
  // An unknown neighbor is not an error to bgpd: it answers {"bgpNoSuchNeighbor": true}.
  if (found === undefined) return undefined
  return parseNeighbor(found[0], asRecord(found[1]))
}

/** The whole BGP table of a family, by prefix. */
export async function readBgpTable(bgpd: VtyReader, family: BgpFamily): Promise<Map<string, BgpPath[]>> {
  const raw = asRecord(await showJson(bgpd, `show bgp ${family} unicast json`, { timeoutMs: 60_000 }))
  return new Map(
    Object.entries(asRecord(raw.routes)).map(([prefix, paths]) => [
      prefix,
      asArray(paths).map((path) => parseTablePath(asRecord(path))),
    ]),
  )
}

/** All paths of one exact prefix, best first as bgpd orders them; empty when it is not in the table. */
export async function readBgpPrefix(
  bgpd: VtyReader,
  family: BgpFamily,
  prefix: string,
): Promise<BgpPathDetail[]> {
  const raw = asRecord(await showJson(bgpd, `show bgp ${family} unicast ${prefix} json`))
  return asArray(raw.paths).map((path) => parsePathDetail(asRecord(path)))
}

const familyKeys: readonly [string, BgpFamily][] = [
  ['ipv4Unicast', 'ipv4'],
  ['ipv6Unicast', 'ipv6'],
]

function parseSession(neighbor: string, family: BgpFamily, raw: Json): BgpSession {
  const state = asText(raw.state)
  return {
    neighbor,
    family,
    state,
    isEstablished: state === 'Established',
    remoteAs: asNumber(raw.remoteAs),
    uptimeMs: asNumber(raw.peerUptimeMsec),
    prefixesReceived: asNumber(raw.pfxRcd),
    prefixesSent: asNumber(raw.pfxSnt),
    timesEstablished: asNumber(raw.connectionsEstablished),
    timesDropped: asNumber(raw.connectionsDropped),
    ...(raw.hostname === undefined ? {} : { hostname: asText(raw.hostname) }),
  }
}

function parseNeighbor(neighbor: string, raw: Json): BgpNeighbor {
  const messages = asRecord(raw.messageStats)
  const perFamily = asRecord(raw.addressFamilyInfo)
  const bfd = asRecord(raw.peerBfdInfo)
  const address = asText(raw.bgpNeighborAddr)
  const families: BgpNeighbor['families'] = {}
  for (const [key, family] of familyKeys) {
    if (perFamily[key] === undefined) continue
    const info = asRecord(perFamily[key])
    families[family] = {
      prefixesAccepted: asNumber(info.acceptedPrefixCounter),
      prefixesSent: asNumber(info.sentPrefixCounter),
    }
  }
  const state = asText(raw.bgpState)
  return {
    neighbor,
    state,
    isEstablished: state === 'Established',
    ...(address === '' || address === 'none' ? {} : { address }),
    remoteAs: asNumber(raw.remoteAs),
    localAs: asNumber(raw.localAs),
    ...(raw.peerGroup === undefined ? {} : { peerGroup: asText(raw.peerGroup) }),
    ...(raw.hostname === undefined ? {} : { hostname: asText(raw.hostname) }),
    ...(raw.bgpTimerUpMsec === undefined ? {} : { uptimeMs: asNumber(raw.bgpTimerUpMsec) }),
    holdTimeMs: asNumber(raw.bgpTimerHoldTimeMsecs),
    keepaliveMs: asNumber(raw.bgpTimerKeepAliveIntervalMsecs),
    updatesSent: asNumber(messages.updatesSent),
    updatesReceived: asNumber(messages.updatesRecv),
    timesDropped: asNumber(raw.connectionsDropped),
    ...(raw.lastResetDueTo === undefined ? {} : { lastResetReason: asText(raw.lastResetDueTo) }),
    ...(bfd.status === undefined ? {} : { bfdStatus: asText(bfd.status) }),
    families,
  }
}

function parseTablePath(raw: Json): BgpPath {
  const isBest = raw.bestpath === true
  const peer = asText(raw.peerId)
  return {
    isValid: raw.valid === true,
    isBest,
    isMultipath: isBest || raw.multipath === true,
    asPath: asText(raw.path),
    origin: asText(raw.origin),
    peer: peer === '(unspec)' ? '' : peer,
    ...(raw.locPrf === undefined ? {} : { localPreference: asNumber(raw.locPrf) }),
    ...(raw.metric === undefined ? {} : { med: asNumber(raw.metric) }),
    nextHops: parseNextHops(raw.nexthops),
  }
}

function parsePathDetail(raw: Json): BgpPathDetail {
  const best = asRecord(raw.bestpath)
  const isBest = best.overall === true
  const peer = asRecord(raw.peer)
  const peerId = asText(peer.peerId)
  return {
    isValid: raw.valid === true,
    isBest,
    isMultipath: isBest || raw.multipath === true,
    asPath: asText(asRecord(raw.aspath).string).replace(/^Local$/, ''),
    origin: asText(raw.origin),
    peer: peerId === '0.0.0.0' || peerId === '::' ? '' : peerId,
    ...(raw.locPrf === undefined ? {} : { localPreference: asNumber(raw.locPrf) }),
    ...(raw.metric === undefined ? {} : { med: asNumber(raw.metric) }),
    nextHops: parseNextHops(raw.nexthops),
    ...(peer.interface === undefined ? {} : { interface: asText(peer.interface) }),
    ...(peer.hostname === undefined ? {} : { peerHostname: asText(peer.hostname) }),
    communities: words(asRecord(raw.community).string),
    largeCommunities: words(asRecord(raw.largeCommunity).string),
    extendedCommunities: words(asRecord(raw.extendedCommunity).string),
  }
}

/** bgpd lists the global and the link-local form of one IPv6 next hop as two: they are one way out. */
function parseNextHops(raw: unknown): BgpNextHop[] {
  const byAddress = new Map<string, BgpNextHop>()
  for (const entry of asArray(raw).map(asRecord)) {
    const address = asText(entry.ip)
    const known = byAddress.get(address)
    byAddress.set(address, { address, isUsed: entry.used === true || (known?.isUsed ?? false) })
  }
  return [...byAddress.values()]
}

function words(raw: unknown): string[] {
  const text = asText(raw)
  return text === '' ? [] : text.split(' ')
}
