import { bitsOf } from '../../net/address.ts'
import { contains, formatPrefix, type Prefix, subnetCount } from '../../net/prefix.ts'
import type { Intent, PeerIntent, SiteIntent } from '../model.ts'
import { pathOf } from '../problem.ts'
import type { CheckContext } from './context.ts'
import { prefixesOf, segmentsOf } from './segments.ts'

/** Each peer: an edge to attach to, addresses for every link, an AS number that is not ours. */
export function checkPeers(intent: Intent, context: CheckContext): void {
  for (const peer of intent.peers) {
    checkAsn(intent, peer, context)
    checkReceive(intent, peer, context)
    const site = intent.sites.find((candidate) => candidate.name === peer.site)
    if (site === undefined) continue
    if (site.edge === null) reportNoEdge(peer, site, context)
    else checkLink(peer, site.name, site.edge.routers, context)
  }
}

function reportNoEdge(peer: PeerIntent, site: SiteIntent, { report, isWritten }: CheckContext): void {
  if (isWritten([...pathOf(site.path), 'edge'])) return
  report({
    code: 'WEFT_INTENT_EDGE_MISSING',
    path: [...pathOf(peer.path), 'site'],
    message: `${peer.name} attaches to ${site.name}, which has no edge routers`,
    expected: 'a site with edge routers',
    hint: `write edge: { routers: 2 } below ${site.path}`,
  })
}

function checkLink(peer: PeerIntent, site: string, routers: number, { report }: CheckContext): void {
  if (peer.link === 'unnumbered') return
  for (const prefix of prefixesOf(peer.link)) {
    const linkLength = bitsOf(prefix.family) - 1
    if (subnetCount(prefix, linkLength) >= BigInt(routers)) continue
    report({
      code: 'WEFT_INTENT_LINK_TOO_SMALL',
      path: [...pathOf(peer.path), 'link'],
      message: `${formatPrefix(prefix)} has no room for a /${linkLength} for each of the ${routers} edge routers of ${site}`,
      found: formatPrefix(prefix),
      expected: `a /${roomFor(prefix, routers)} or shorter`,
      hint: `ask the peer for a /${roomFor(prefix, routers)}, or write link: unnumbered`,
    })
  }
}

/** The longest prefix that holds a two-address link for each router. */
function roomFor(prefix: Prefix, routers: number): number {
  return bitsOf(prefix.family) - 1 - Math.ceil(Math.log2(routers))
}

/** A route from outside to our own addresses would be the longer match beyond their site, and draw their traffic out. */
function checkReceive(intent: Intent, peer: PeerIntent, { report }: CheckContext): void {
  for (const prefix of peer.receive) {
    const own = segmentsOf(intent).find(({ segment }) =>
      prefixesOf(segment).some((ours) => contains(ours, prefix)),
    )
    if (own === undefined) continue
    report({
      code: 'WEFT_INTENT_PREFIX_OVERLAP',
      path: [...pathOf(peer.path), 'receive'],
      message: `${peer.name} may announce ${formatPrefix(prefix)}, which lies in ${own.title}`,
      found: formatPrefix(prefix),
      expected: 'prefixes of the peer, outside our own segments',
      hint: 'what is ours is never accepted from outside: it would draw our own traffic out',
    })
  }
}

function checkAsn(intent: Intent, peer: PeerIntent, { report }: CheckContext): void {
  const path = [...pathOf(peer.path), 'asn']
  const { first, last } = intent.bgp.asn
  if (peer.asn >= first && peer.asn <= last) {
    report({
      code: 'WEFT_INTENT_ASN_CONFLICT',
      path,
      message: `AS ${peer.asn} of ${peer.name} lies in the range for our own devices, ${first}-${last}`,
      found: String(peer.asn),
      expected: `an AS number outside ${first}-${last}`,
      hint: 'routes of a device with the same number would be dropped as loops: narrow bgp.asn',
    })
  }
  const sameAs = intent.sites.find((site) => site.edge?.asn === peer.asn)
  if (sameAs === undefined) return
  report({
    code: 'WEFT_INTENT_ASN_CONFLICT',
    path,
    message: `AS ${peer.asn} of ${peer.name} is also the AS of the edge routers of ${sameAs.name}`,
    found: String(peer.asn),
    expected: 'two different AS numbers',
    hint: `check both with the peer; ours is ${sameAs.path}.edge.asn`,
  })
}
