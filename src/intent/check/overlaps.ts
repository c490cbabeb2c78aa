import { comparePrefixes, contains, formatPrefix, type Prefix } from '../../net/prefix.ts'
import type { Intent } from '../model.ts'
import { pathOf } from '../problem.ts'
import type { CheckContext } from './context.ts'
import { prefixesOf, segmentsOf } from './segments.ts'

interface Range {
  title: string
  path: string
  prefix: Prefix
  line: number
}

/** No two segments share an address: a route would otherwise belong to two owners. */
export function checkOverlaps(intent: Intent, context: CheckContext): void {
  const ranges = segmentsOf(intent).flatMap(({ title, segment }) =>
    prefixesOf(segment).map(
      (prefix): Range => ({ title, path: segment.path, prefix, line: context.lineOf(segment.path) }),
    ),
  )
  ranges.sort((a, b) => comparePrefixes(a.prefix, b.prefix))
  // Sorted, a prefix that lies inside another comes after it, and only the ones it lies inside are still open.
  let open: Range[] = []
  for (const range of ranges) {
    open = open.filter((outer) => contains(outer.prefix, range.prefix))
    for (const outer of open) reportOverlap(outer, range, context)
    open.push(range)
  }
}

/** At the one that is written later: the earlier one was there first. */
function reportOverlap(a: Range, b: Range, { report }: CheckContext): void {
  const [earlier, later] = a.line <= b.line ? [a, b] : [b, a]
  const other = `${earlier.title} (${formatPrefix(earlier.prefix)}, line ${earlier.line})`
  report({
    code: 'WEFT_INTENT_PREFIX_OVERLAP',
    path: pathOf(later.path),
    message: `${later.title} (${formatPrefix(later.prefix)}) overlap ${other}`,
    found: formatPrefix(later.prefix),
    expected: `a prefix outside ${formatPrefix(earlier.prefix)}`,
    hint: 'give one of the two another range',
  })
}
