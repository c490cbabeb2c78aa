import { bitsOf } from '../../net/address.ts'
import { formatPrefix, overlaps, type Prefix, parsePrefix } from '../../net/prefix.ts'
import type { Intent, PodSegment, SiteIntent } from '../model.ts'
import { pathOf } from '../problem.ts'
import type { CheckContext } from './context.ts'
import { prefixesOf, segmentsOf } from './segments.ts'

const unusable: [string, string][] = [
  ['0.0.0.0/8', '"this network" (RFC 791)'],
  ['127.0.0.0/8', 'loopback (RFC 1122)'],
  ['169.254.0.0/16', 'link-local (RFC 3927)'],
  ['224.0.0.0/4', 'multicast (RFC 5771)'],
  ['240.0.0.0/4', 'reserved (RFC 1112)'],
  ['::/96', 'unspecified, loopback and IPv4-compatible (RFC 4291)'],
  ['fe80::/10', 'link-local (RFC 4291)'],
  ['ff00::/8', 'multicast (RFC 4291)'],
]
const unusablePrefixes = unusable.map(([text, reason]) => ({ prefix: parsePrefix(text), reason }))

/** Each segment by itself: usable ranges, both families or one, and room for at least one node in the pod pool. */
export function checkAddresses(intent: Intent, context: CheckContext): void {
  for (const { title, segment } of segmentsOf(intent)) {
    for (const prefix of prefixesOf(segment)) checkUsable(title, segment.path, prefix, context)
  }
  for (const site of intent.sites) {
    checkFamilies(site, context)
    checkPerNode(site, site.addresses.pods, context)
  }
}

function checkUsable(title: string, path: string, prefix: Prefix, { report }: CheckContext): void {
  const reserved = unusablePrefixes.find((candidate) => overlaps(candidate.prefix, prefix))
  if (reserved === undefined) return
  report({
    code: 'WEFT_INTENT_PREFIX_UNUSABLE',
    path: pathOf(path),
    message: `${title}: ${formatPrefix(prefix)} is in ${formatPrefix(reserved.prefix)}, ${reserved.reason}`,
    found: formatPrefix(prefix),
    expected: 'a unicast range of your own, such as one in 10.0.0.0/8 or fd00::/8',
    hint: 'choose another range',
  })
}

function checkFamilies({ name, addresses }: SiteIntent, { report }: CheckContext): void {
  const { switches, nodes, pods, services } = addresses
  const segments = { switches, nodes, pods, services }
  const without = Object.entries(segments).filter(([, segment]) => segment.v6 === null)
  if (without.length === 0 || without.length === 4) return
  const [first] = without
  report({
    code: 'WEFT_INTENT_DUAL_STACK_PARTIAL',
    path: pathOf(first![1].path),
    message: `${name} has IPv6 in some segments, but none for ${without.map(([kind]) => kind).join(', ')}`,
    expected: 'IPv6 in all four segments of a site, or in none',
    hint: `write [${formatPrefix(first![1].v4)}, <IPv6 prefix>], or remove the IPv6 prefixes of ${name}`,
  })
}

function checkPerNode(site: SiteIntent, pods: PodSegment, context: CheckContext): void {
  checkLength(site, pods, pods.v4, pods.lengthPerNode.v4, context)
  if (pods.v6 !== null) checkLength(site, pods, pods.v6, pods.lengthPerNode.v6!, context)
}

function checkLength(
  { name }: SiteIntent,
  pods: PodSegment,
  pool: Prefix,
  length: number,
  context: CheckContext,
): void {
  const bits = bitsOf(pool.family)
  if (length >= pool.length && length <= bits) return
  const written = [...pathOf(pods.path), 'perNode']
  context.report({
    code: 'WEFT_INTENT_PER_NODE',
    path: context.isWritten(written) ? written : pathOf(pods.path),
    message:
      length > bits
        ? `/${length} per node does not exist in IPv${pool.family}`
        : `the pod pool ${formatPrefix(pool)} of ${name} is smaller than the /${length} of one node`,
    found: `/${length}`,
    expected: `a length from ${pool.length} to ${bits}`,
    hint: `write {pool: ${formatPrefix(pool)}, perNode: ${Math.min(bits, pool.length + 4)}} for 16 nodes, or give a larger pool`,
  })
}
