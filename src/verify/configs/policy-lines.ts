/** Prefix lists, AS-path lists, community lists and route maps. */
import { parseAddress } from '../../net/address.ts'
import { formatPrefix, prefixOf } from '../../net/prefix.ts'
import { compileExpression, ExpressionError } from '../simulate/as-path-expression.ts'
import type {
  CommunityList,
  Family,
  MatchTerm,
  Origin,
  RouteMapEntry,
  SetTerm,
} from '../simulate/router-model.ts'
import { type Outcome, type RawConfig, type Reader, readNumber } from './raw-config.ts'
import type { Statement } from './statements.ts'

const highest = 4_294_967_295

/** `ip prefix-list`, `bgp as-path access-list`, `bgp community-list` and their kin, and `route-map`. */
export const readPolicyLine: Reader = (config, statement) => {
  const { words } = statement
  const [first, second] = words
  if ((first === 'ip' || first === 'ipv6') && second === 'prefix-list')
    return readPrefixList(config, statement, first === 'ip' ? 'ipv4' : 'ipv6')
  if ((first === 'ip' || first === 'bgp') && second === 'as-path' && words[2] === 'access-list')
    return readAsPathList(config, statement)
  if ((first === 'ip' || first === 'bgp') && second === 'community-list')
    return readCommunityList(config.communityLists, statement, readCommunity)
  if ((first === 'ip' || first === 'bgp') && second === 'large-community-list')
    return readCommunityList(config.largeCommunityLists, statement, readLargeCommunity)
  if (first === 'route-map') return readRouteMap(config, statement)
  return 'unknown'
}

interface Numbered {
  sequence: number | null
  action: 'permit' | 'deny'
  rest: string[]
}

/** `[seq 5] permit …`. */
function readNumbered(words: readonly string[]): Numbered | null {
  const hasSequence = words[0] === 'seq'
  const sequence = hasSequence ? readNumber(words[1], 1, highest) : null
  if (hasSequence && sequence === null) return null
  const [action, ...rest] = hasSequence ? words.slice(2) : words
  return action === 'permit' || action === 'deny' ? { sequence, action, rest } : null
}

/** Puts an entry in its place; FRR counts in fives, and an equal number takes the place of the old entry. */
function insert<E extends { sequence: number }>(
  list: E[],
  sequence: number | null,
  make: (sequence: number) => E,
): void {
  const last = list.at(-1)?.sequence ?? 0
  const place = sequence ?? 5 * Math.floor(last / 5) + 5
  const index = list.findIndex((entry) => entry.sequence >= place)
  if (index === -1) list.push(make(place))
  else list.splice(index, list[index]!.sequence === place ? 1 : 0, make(place))
}

function readPrefixList(config: RawConfig, { words, line }: Statement, family: Family): Outcome {
  const name = words[2]
  if (name === undefined) return 'unknown'
  if (words[3] === 'description') return 'taken'
  const numbered = readNumbered(words.slice(3))
  if (numbered === null) return { unsupported: 'no prefix-list entry: expected [seq N] permit or deny' }
  const { sequence, action, rest } = numbered
  const [prefix = '', ...bounds] = rest
  const outer = prefix === 'any' ? null : readNetwork(prefix, family)
  if (prefix !== 'any' && outer === null) return { unsupported: `"${prefix}" is no ${family} prefix` }
  const limits: { ge: number | null; le: number | null } = { ge: null, le: null }
  const most = family === 'ipv4' ? 32 : 128
  for (let i = 0; i < bounds.length; i += 2) {
    const key = bounds[i]
    const value = readNumber(bounds[i + 1], outer?.length ?? 0, most)
    if ((key !== 'ge' && key !== 'le') || value === null)
      return { unsupported: `"${bounds.slice(i, i + 2).join(' ')}" is no length for ${prefix}` }
    limits[key] = value
  }
  if (limits.ge !== null && limits.le !== null && limits.ge > limits.le)
    return { unsupported: `nothing has a length from ${limits.ge} to ${limits.le}: FRR refuses the line` }
  const key = `${family} ${name}`
  const list = entryOf(config.prefixLists, key, () => [])
  insert(list, sequence, (place) => ({
    sequence: place,
    action,
    prefix: outer === null ? 'any' : formatPrefix(outer),
    ...limits,
  }))
  note(config, `prefix-list ${key}`, line)
  return 'taken'
}

/** Prefix with its host bits taken away, as FRR does. */
export function readNetwork(text: string, family: Family) {
  const [left = '', length] = text.split('/')
  const address = parseAddress(left)
  const bits = readNumber(length, 0, family === 'ipv4' ? 32 : 128)
  if (address === null || bits === null || (address.family === 4) !== (family === 'ipv4')) return null
  return prefixOf(address, bits)
}

function readAsPathList(config: RawConfig, { words, line }: Statement): Outcome {
  const name = words[3]
  const numbered = readNumbered(words.slice(4))
  if (name === undefined || numbered === null || numbered.rest.length === 0)
    return { unsupported: 'no AS-path entry: expected permit or deny and an expression' }
  const expression = numbered.rest.join(' ')
  try {
    compileExpression(expression)
  } catch (error) {
    if (error instanceof ExpressionError) return { unsupported: error.message }
    throw error
  }
  const list = entryOf(config.asPathLists, name, () => [])
  insert(list, numbered.sequence, (sequence) => ({ sequence, action: numbered.action, expression }))
  note(config, `as-path ${name}`, line)
  return 'taken'
}

function readCommunityList(
  lists: Record<string, CommunityList>,
  { words }: Statement,
  readValue: (text: string) => string | null,
): Outcome {
  const hasKind = words[2] === 'standard' || words[2] === 'expanded'
  const name = words[hasKind ? 3 : 2]
  const numbered = readNumbered(words.slice(hasKind ? 4 : 3))
  if (name === undefined || numbered === null || numbered.rest.length === 0)
    return { unsupported: 'no community-list entry: expected a name, permit or deny, and communities' }
  // Lists without a kind are told by their number: from 100 on they hold expressions.
  const kind = hasKind ? (words[2] as CommunityList['kind']) : Number(name) >= 100 ? 'expanded' : 'standard'
  const { sequence, action, rest } = numbered
  let values: string[]
  if (kind === 'expanded') {
    values = [rest.join(' ')]
    try {
      compileExpression(values[0]!)
    } catch (error) {
      if (error instanceof ExpressionError) return { unsupported: error.message }
      throw error
    }
  } else {
    const read = rest.map(readValue)
    const wrong = rest[read.indexOf(null)]
    if (read.includes(null)) return { unsupported: `"${wrong}" is no community of this kind` }
    values = (read as string[]).sort()
  }
  const list = entryOf(lists, name, () => ({ kind, entries: [] }))
  insert(list.entries, sequence, (place) => ({ sequence: place, action, values }))
  return 'taken'
}

const wellKnown: Record<string, string> = {
  'graceful-shutdown': '65535:0',
  'accept-own': '65535:1',
  blackhole: '65535:666',
  'no-export': '65535:65281',
  'no-advertise': '65535:65282',
  'local-AS': '65535:65283',
  'no-peer': '65535:65284',
}

function readCommunity(text: string): string | null {
  if (Object.hasOwn(wellKnown, text)) return wellKnown[text]!
  const [high, low, ...more] = text.split(':')
  if (low === undefined) {
    const number = readNumber(text, 0, highest)
    return number === null ? null : `${Math.floor(number / 65_536)}:${number % 65_536}`
  }
  const isOne =
    more.length === 0 && readNumber(high, 0, 65_535) !== null && readNumber(low, 0, 65_535) !== null
  return isOne ? `${Number(high)}:${Number(low)}` : null
}

function readLargeCommunity(text: string): string | null {
  const parts = text.split(':').map((part) => readNumber(part, 0, highest))
  return parts.length === 3 && !parts.includes(null) ? parts.join(':') : null
}

function readRouteMap(config: RawConfig, { words, line }: Statement): Outcome {
  const [, name, action, number] = words
  const sequence = readNumber(number, 1, 65_535)
  if (
    name === undefined ||
    (action !== 'permit' && action !== 'deny') ||
    sequence === null ||
    words.length > 4
  )
    return { unsupported: 'no route-map entry: expected route-map NAME permit|deny NUMBER' }
  const entries = entryOf(config.routeMaps, name, () => [])
  const known = entries.find((entry) => entry.sequence === sequence)
  const entry: RouteMapEntry = known ?? { sequence, action, matches: [], sets: [], call: null, onMatch: null }
  entry.action = action
  if (known === undefined) insert(entries, sequence, () => entry)
  note(config, `route-map ${name} ${sequence}`, line)
  return { enter: { kind: 'route-map', entry } }
}

/** A statement inside a route map; a second of the same kind takes the place of the first. */
export function readRouteMapLine({ words }: Statement, entry: RouteMapEntry): Outcome {
  const [verb, ...rest] = words
  switch (verb) {
    case 'description':
      return 'taken'
    case 'match': {
      const term = readMatch(rest)
      entry.matches = [...entry.matches.filter((old) => kindOf(old) !== kindOf(term)), term]
      return term.on === 'unsupported' ? { unsupported: 'this match is not modelled' } : 'taken'
    }
    case 'set': {
      const term = readSet(rest)
      entry.sets = [...entry.sets.filter((old) => old.set === 'unsupported' || old.set !== term.set), term]
      return term.set === 'unsupported' ? { unsupported: 'this set is not modelled' } : 'taken'
    }
    case 'call':
      if (rest.length !== 1) return 'unknown'
      entry.call = rest[0]!
      return 'taken'
    case 'on-match':
    case 'continue': {
      const target = verb === 'continue' ? rest[0] : rest[0] === 'goto' ? rest[1] : undefined
      const number = target === undefined ? null : readNumber(target, 1, 65_535)
      if (target !== undefined && number === null) return 'unknown'
      entry.onMatch = number ?? 'next'
      return 'taken'
    }
    default:
      return 'unknown'
  }
}

function kindOf(term: MatchTerm): string {
  if (term.on === 'unsupported') return term.text
  return term.on === 'prefix-list' ? `${term.on} ${term.family}` : term.on
}

const origins: readonly string[] = ['igp', 'egp', 'incomplete'] satisfies Origin[]

function readMatch(words: readonly string[]): MatchTerm {
  const [what = '', a, b, c] = words
  const number = readNumber(a, 0, highest)
  const length = words.length
  if (
    (what === 'ip' || what === 'ipv6') &&
    a === 'address' &&
    b === 'prefix-list' &&
    c !== undefined &&
    length === 4
  )
    return { on: 'prefix-list', family: what === 'ip' ? 'ipv4' : 'ipv6', list: c }
  if (what === 'as-path' && a !== undefined && length === 2) return { on: 'as-path', list: a }
  if ((what === 'community' || what === 'large-community') && a !== undefined)
    if (length === 2 || (length === 3 && b === 'exact-match'))
      return { on: what, list: a, exact: b === 'exact-match' }
  if ((what === 'local-preference' || what === 'metric') && number !== null && length === 2)
    return { on: what, value: number }
  if (what === 'origin' && origins.includes(a ?? '')) return { on: 'origin', value: a as Origin }
  if (what === 'interface' && a !== undefined && length === 2) return { on: 'interface', value: a }
  if (what === 'peer' && a !== undefined && length === 2) return { on: 'peer', value: a }
  return { on: 'unsupported', text: words.join(' ') }
}

function readSet(words: readonly string[]): SetTerm {
  const [what = '', a, ...rest] = words
  const number = readNumber(a, 0, highest)
  const unsupported: SetTerm = { set: 'unsupported', text: words.join(' ') }
  const numbers = (texts: readonly string[]) => {
    const read = texts.map((text) => readNumber(text, 1, highest))
    return read.length === 0 || read.includes(null) ? null : (read as number[])
  }
  switch (what) {
    case 'local-preference':
    case 'weight':
    case 'metric':
      return number === null || rest.length > 0 ? unsupported : { set: what, value: number }
    case 'origin':
      return origins.includes(a ?? '') ? { set: 'origin', value: a as Origin } : unsupported
    case 'as-path': {
      if (a === 'prepend' && rest[0] === 'last-as') {
        const times = readNumber(rest[1], 1, 10)
        return times === null ? unsupported : { set: 'prepend-last', times }
      }
      const asns = numbers(rest)
      if (asns === null) return unsupported
      return a === 'prepend'
        ? { set: 'prepend', asns }
        : a === 'exclude'
          ? { set: 'exclude', asns }
          : unsupported
    }
    case 'community':
    case 'large-community': {
      const additive = words.at(-1) === 'additive'
      const texts = words.slice(1, additive ? -1 : undefined)
      if (texts.length === 1 && texts[0] === 'none') return { set: what, values: [], additive: false }
      const values = texts.map(what === 'community' ? readCommunity : readLargeCommunity)
      return values.length === 0 || values.includes(null)
        ? unsupported
        : { set: what, values: values as string[], additive }
    }
    case 'comm-list':
    case 'large-comm-list':
      return a !== undefined && rest[0] === 'delete'
        ? { set: what === 'comm-list' ? 'delete-communities' : 'delete-large-communities', list: a }
        : unsupported
    case 'extcommunity': {
      const [value, flag] = rest
      if (a !== 'bandwidth' || flag !== undefined) return unsupported
      if (value === 'cumulative' || value === 'num-multipaths') return { set: 'bandwidth', megabits: value }
      const megabits = readNumber(value, 1, 25_600)
      return megabits === null ? unsupported : { set: 'bandwidth', megabits }
    }
    default:
      return unsupported
  }
}

function entryOf<E>(record: Record<string, E>, key: string, make: () => E): E {
  const entry = record[key] ?? make()
  record[key] = entry
  return entry
}

function note(config: RawConfig, what: string, line: number): void {
  if (!config.lines.has(what)) config.lines.set(what, line)
}
