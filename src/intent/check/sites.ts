import { privateAsnRanges } from '../../net/private-asn.ts'
import type { Intent, RackIntent, SiteIntent } from '../model.ts'
import { type Path, pathOf } from '../problem.ts'
import type { CheckContext } from './context.ts'

/** The fabric of each site, and whether the sites reach each other. */
export function checkSites(intent: Intent, context: CheckContext): void {
  checkAsnRange(intent, context)
  for (const site of intent.sites) {
    checkSpines(site, context)
    for (const rack of site.fabric.pods.flatMap((pod) => pod.racks)) checkUplinks(rack, context)
  }
  if (context.isWhole) checkReachability(intent, context)
}

function checkAsnRange(intent: Intent, { report }: CheckContext): void {
  const { first, last } = intent.bgp.asn
  if (privateAsnRanges.some((range) => first >= range.first && last <= range.last)) return
  report({
    code: 'WEFT_INTENT_ASN_PUBLIC',
    severity: 'warning',
    path: ['bgp', 'asn'],
    message: `AS numbers ${first}-${last} are not all for private use: peers may see them`,
    found: `${first}-${last}`,
    expected: 'a range within 64512-65534 or 4200000000-4294967294 (RFC 6996)',
    hint: 'private numbers are removed towards peers, others are not',
  })
}

function checkSpines({ name, fabric }: SiteIntent, { report, isWritten }: CheckContext): void {
  const racks = fabric.pods.flatMap((pod) => pod.racks)
  const isOneRack = racks.length <= 1 && fabric.borderLeaves === 0 && fabric.superSpines === null
  if (fabric.spines > 0 || isOneRack) return
  const path = [...pathOf(fabric.path), 'spines']
  const reason =
    racks.length > 1 ? `${racks.length} racks` : fabric.superSpines ? 'super-spines' : 'border leaves'
  report({
    code: 'WEFT_INTENT_SPINES',
    path: isWritten(path) ? path : pathOf(fabric.path),
    message: `${name} has no spines, but ${reason} that they would join`,
    found: '0',
    expected: 'at least 1; 0 only for a single rack without border leaves',
    hint: 'write spines: 2, so that the loss of one is no outage',
  })
}

function checkUplinks(rack: RackIntent, { report }: CheckContext): void {
  if (rack.nodes.length > 0 && rack.uplinks.length < rack.leaves) {
    report({
      code: 'WEFT_INTENT_UPLINKS',
      path: uplinksPath(rack),
      message: `nodes have ${rack.uplinks.length} uplink(s) for ${rack.leaves} leaves`,
      found: rack.uplinks.join(', '),
      expected: `${rack.leaves} interfaces, one for each leaf`,
      hint: 'name more interfaces below uplinks:, or write fewer leaves',
    })
  }
  const twice = rack.uplinks.find((uplink, index) => rack.uplinks.indexOf(uplink) < index)
  if (twice === undefined) return
  report({
    code: 'WEFT_INTENT_NAME_DUPLICATE',
    path: uplinksPath(rack),
    message: `nodes have two uplinks named "${twice}"`,
    hint: 'name each interface once, in the order of the leaves',
  })
}

/** Uplinks are written with the rack type, or with the rack; the path of its nodes says which. */
function uplinksPath(rack: RackIntent): Path {
  const type = /^(racks\.[^.]+)\./.exec(rack.nodes[0]?.path ?? '')?.[1]
  return [...pathOf(type ?? rack.path), 'uplinks']
}

function checkReachability(intent: Intent, { draft, report }: CheckContext): void {
  const joined = intent.sites.filter((site) => site.dciRouters > 0)
  if (intent.sites.length === 1 && joined.length === 1) {
    const [site] = joined
    report({
      code: 'WEFT_INTENT_DCI_ALONE',
      severity: 'warning',
      path: [...pathOf(site!.path), 'dci'],
      at: 'key',
      message: `${site!.name} has DCI routers, but there is no other site`,
      expected: 'a second site with DCI routers',
      hint: 'remove dci: until there is one',
    })
  }
  if (intent.sites.length < 2) return
  for (const site of intent.sites) {
    const isAlone = site.dciRouters === 0 || joined.length === 1
    if (!isAlone || draft.sites[site.name]?.dci === 'off') continue
    report({
      code: 'WEFT_INTENT_SITE_UNREACHABLE',
      path: pathOf(site.path),
      at: 'key',
      message:
        site.dciRouters === 0
          ? `${site.name} has no DCI routers: the other sites cannot reach it`
          : `${site.name} is the only site with DCI routers: there is nothing at their other end`,
      expected: 'DCI routers in every site',
      hint:
        site.dciRouters === 0
          ? `write dci: { routers: 2 } below ${site.path}, or dci: off when it stands alone on purpose`
          : 'give the other sites DCI routers, or remove these',
    })
  }
}
