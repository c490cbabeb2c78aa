import type { ConfigChange } from '../../frr/config-transaction.ts'
import { type ConfigBlock, parseConfig } from '../../frr/config-tree.ts'

/*
 * From one rendered configuration to another, as lines for a running daemon.
 *
 * What is new is said first, in the order of the file, so that lists exist before the route maps that use them and those
 * before the sessions; what is gone is taken away after, in the opposite order. A line that gives another value to the
 * same thing replaces it without having been gone for a moment: a filter must never be open in between. Only what Weft
 * rendered is ever taken away, so what agents and operators put beside it stays.
 */

interface Line {
  context: readonly string[]
  line: string
  isHeader: boolean
  isEmpty: boolean
}

/**
 * The changes that lead to `after`.
 *
 * @param before what Weft gave the daemon; several texts when a change was interrupted and either may be in force
 * @param running what the daemon says it has; needed only after an interruption, absent means `before` is what it has
 */
export function configChanges(before: readonly string[], after: string, running?: string): ConfigChange[] {
  const wanted = linesOf(after)
  const earlier = before.map(linesOf)
  const isKnown = running === undefined ? () => true : presence(linesOf(running))
  const sureKeys = earlier.map((lines) => new Set(lines.map(keyOf)))
  const wantedKeys = new Set(wanted.map(keyOf))
  const added = wanted.filter((line) => !sureKeys.every((keys) => keys.has(keyOf(line))))
  const gone = uniqueBy(earlier.flat(), keyOf).filter((line) => !wantedKeys.has(keyOf(line)) && isKnown(line))
  const [first, last] = partition(gone, (line) => mustGoFirst(line, added))
  return [
    ...first.flatMap((line) => removal(line, gone)),
    // What was taken away whole has to be said again whole.
    ...wanted
      .filter((line) => added.includes(line) || isUnder(line, first, added))
      .flatMap((line) => addition(line, gone)),
    ...last
      .toReversed()
      .filter((line) => !isReplaced(line, added))
      .flatMap((line) => removal(line, gone)),
  ]
}

function linesOf(text: string): Line[] {
  const collect = (blocks: readonly ConfigBlock[], context: readonly string[]): Line[] =>
    blocks.flatMap((block) => [
      {
        context,
        line: block.line,
        isHeader: block.children.length > 0 || headers.test(block.line),
        isEmpty: block.children.length === 0,
      },
      ...collect(block.children, [...context, block.line]),
    ])
  return collect(parseConfig(text), [])
}

const headers = /^(router bgp|route-map|interface|address-family|bfd$|profile) ?/

/** What FRR says of itself and nobody can change in a running daemon. */
const fixed = /^(frr version|frr defaults|hostname|log) ?/

function addition({ context, line, isHeader, isEmpty }: Line, gone: readonly Line[]): ConfigChange[] {
  if (fixed.test(line)) return []
  if (!isHeader) {
    const replaced = gone.find((old) => takesPlaceOf({ context, line }, old))
    return [{ context, line, ...(replaced === undefined ? {} : { undo: replaced.line }) }]
  }
  // A block is made by entering it, which its lines do; one that has none would otherwise not be made at all.
  const isMade = isEmpty && /^(route-map|profile) /.test(line)
  return isMade ? [{ context: [...context, line], line: 'exit', undo: 'exit' }] : []
}

function removal({ context, line, isHeader }: Line, gone: readonly Line[]): ConfigChange[] {
  if (fixed.test(line) || isCovered(context, line, gone)) return []
  if (isHeader)
    return /^(route-map|profile|router bgp) ?/.test(line) ? [{ context, line: `no ${line}`, undo: line }] : []
  return [{ context, line: negate(line), undo: line }]
}

/** Some lines are taken back by their beginning only. */
function negate(line: string): string {
  const short = /^(?:neighbor \S+ description|description|aggregate-address \S+)/.exec(line)?.[0]
  return line.startsWith('no ') ? line.slice(3) : `no ${short ?? line}`
}

/** Goes with something else that goes: the block around it, or the neighbor that it is about. */
function isCovered(context: readonly string[], line: string, gone: readonly Line[]): boolean {
  const inBlock = context.some((header, depth) =>
    gone.some(
      (other) =>
        other.isHeader &&
        other.line === header &&
        other.context.length === depth &&
        /^(route-map|profile|router bgp) /.test(header),
    ),
  )
  if (inBlock) return true
  const neighbor = /^neighbor (\S+) /.exec(line)?.[1]
  if (neighbor === undefined || isNeighborItself(line)) return false
  return gone.some((other) => isNeighborItself(other.line) && other.line.startsWith(`neighbor ${neighbor} `))
}

function isNeighborItself(line: string): boolean {
  return /^neighbor \S+ (interface|peer-group)\b/.test(line)
}

/** A block that comes back as another of the same name must go before: its old lines would stay in it. */
function mustGoFirst(line: Line, added: readonly Line[]): boolean {
  const [, map, number] = /^route-map (\S+) \S+ (\d+)$/.exec(line.line) ?? []
  if (map !== undefined)
    return added.some((other) => new RegExp(`^route-map ${map} \\S+ ${number}$`).test(other.line))
  return /^router bgp /.test(line.line) && added.some((other) => /^router bgp /.test(other.line))
}

function isUnder(line: Line, first: readonly Line[], added: readonly Line[]): boolean {
  return (
    first.length > 0 &&
    line.context.some((header) => added.some((other) => other.isHeader && other.line === header))
  )
}

/** The same thing is given another value. */
function isReplaced(line: Line, added: readonly Line[]): boolean {
  return added.some((other) => takesPlaceOf(other, line))
}

function takesPlaceOf(line: Pick<Line, 'context' | 'line'>, old: Line): boolean {
  const slot = slotOf(old.line)
  return slot !== null && slotOf(line.line) === slot && line.context.join('\n') === old.context.join('\n')
}

const slots: readonly RegExp[] = [
  /^(neighbor \S+ (?:remote-as|description|timers connect|timers|advertisement-interval|maximum-prefix|password|bfd profile|peer-group|interface peer-group))\b/,
  /^(match (?:ip address|ipv6 address|large-community|community|as-path|local-preference))\b/,
  /^(set (?:large-community|community|local-preference|as-path|origin|large-comm-list|comm-list))\b/,
  /^(maximum-paths(?: ibgp)?|bgp router-id|coalesce-time|transmit-interval|receive-interval|detect-multiplier|description)\b/,
  /^((?:network|aggregate-address|redistribute) \S+)/,
  /^((?:ip|ipv6) prefix-list \S+ seq \d+|bgp (?:as-path access-list|(?:large-)?community-list(?: standard| expanded)?) \S+ seq \d+)\b/,
  /^(zebra work-queue|bgp route-map delay-timer|bgp graceful-restart [a-z-]+time)\b/,
]

function slotOf(line: string): string | null {
  const applied = /^(neighbor \S+ (?:route-map|prefix-list|filter-list)) \S+ (in|out)$/.exec(line)
  if (applied !== null) return `${applied[1]} ${applied[2]}`
  return slots.map((slot) => slot.exec(line)?.[1]).find((found) => found !== undefined) ?? null
}

function presence(running: readonly Line[]): (line: Line) => boolean {
  const keys = new Set(running.map(keyOf))
  return (line) => keys.has(keyOf(line))
}

function keyOf({ context, line }: Line): string {
  return [...context, line].join('\n')
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()]
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))]
}
