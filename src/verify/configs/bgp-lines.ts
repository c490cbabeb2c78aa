/** Statements inside `router bgp` and its address families. */
import { parseAddress } from '../../net/address.ts'
import { formatPrefix } from '../../net/prefix.ts'
import type { Family, RedistributedSource } from '../simulate/router-model.ts'
import { readNetwork } from './policy-lines.ts'
import { type Outcome, type RawConfig, type RawFamily, type RawNeighbor, readNumber } from './raw-config.ts'
import type { Statement } from './statements.ts'

const highest = 4_294_967_295

/** Switches of `router bgp` that have a model: statement → option. */
const switches: Record<string, string> = {
  'bgp ebgp-requires-policy': 'requiresPolicy',
  'bgp network import-check': 'importCheck',
  'bgp deterministic-med': 'deterministicMed',
  'bgp always-compare-med': 'alwaysCompareMed',
  'bgp bestpath compare-routerid': 'compareRouterId',
  'bgp bestpath as-path multipath-relax': 'multipathRelax',
  'bgp bestpath as-path ignore': 'ignoreAsPath',
  'bgp default ipv4-unicast': 'defaultIpv4',
  'bgp default ipv6-unicast': 'defaultIpv6',
  'bgp enforce-first-as': 'enforcesFirstAs',
}

/** Changes when routes arrive, or what is logged and shown, but not which routes there are in the end. */
const timing =
  /^(no )?(bgp (log-neighbor-changes|fast-external-failover|fast-convergence|graceful-restart\b.*|graceful-shutdown-timer\b.*|default show-hostname|default show-nexthop-hostname|default-originate timer \d+|default subgroup-pkt-queue-max \d+|update-delay .*|route-map delay-timer \d+|suppress-duplicates|suppress-fib-pending|minimum-holdtime \d+|session-dscp .*|tcp-keepalive .*|hard-administrative-reset|client-to-client reflection|labeled-unicast .*)|coalesce-time \d+|update-delay .*|read-quanta \d+|write-quanta \d+)$/

/** A statement of `router bgp` itself. */
export function readBgpLine(config: RawConfig, statement: Statement): Outcome {
  const { words, text } = statement
  const isNo = words[0] === 'no'
  const positive = isNo ? text.slice(3) : text
  if (Object.hasOwn(switches, positive)) {
    config.options.set(switches[positive]!, !isNo)
    return 'taken'
  }
  // Off by default, and dangerous to get wrong when on.
  if (timing.test(text) && text !== 'no bgp client-to-client reflection') {
    noteRestart(config, statement)
    return 'taken'
  }
  if (words[0] === 'bgp') return readOption(config, words)
  if (words[0] === 'timers' && words[1] === 'bgp') return readTimers(config, words)
  if (words[0] === 'address-family') return readAddressFamily(words)
  if (words[0] === 'neighbor' || (isNo && words[1] === 'neighbor')) {
    const outcome = readSession(config, statement)
    if (outcome !== 'unknown') return outcome
  }
  // Before there were address families, IPv4 stood here; FRR still takes it so.
  return readFamilyLine(config, statement, 'ipv4')
}

/** Graceful restart changes no table, but its times can defeat one another from router to router. */
function noteRestart(config: RawConfig, { text, line }: Statement): void {
  if (text === 'bgp graceful-restart') config.options.set('gracefulRestart', true)
  const found =
    /^bgp graceful-restart (?<timer>restart-time|stalepath-time|select-defer-time) (?<seconds>\d{1,5})$/.exec(
      text,
    )
  if (found === null) return
  const { timer, seconds } = found.groups as { timer: string; seconds: string }
  config.options.set(`graceful-restart ${timer}`, Number(seconds))
  config.lines.set(`graceful-restart ${timer}`, line)
}

function readOption(config: RawConfig, words: readonly string[]): Outcome {
  const [, name, value, third] = words
  if (name === 'router-id' && parseAddress(value ?? '')?.family === 4) {
    config.routerId = value!
    return 'taken'
  }
  if (name === 'cluster-id' && value !== undefined) {
    config.options.set('clusterId', value)
    return 'taken'
  }
  if (name === 'default' && value === 'local-preference') {
    const preference = readNumber(third, 0, highest)
    if (preference === null) return 'unknown'
    config.options.set('localPreference', preference)
    return 'taken'
  }
  if (name === 'bestpath' && value === 'bandwidth') {
    const modes: Record<string, string> = {
      ignore: 'ignore',
      'skip-missing': 'skip-missing',
      'default-weight-for-missing': 'default-weight',
    }
    if (third === undefined || !Object.hasOwn(modes, third)) return 'unknown'
    config.options.set('bandwidth', modes[third]!)
    return 'taken'
  }
  return 'unknown'
}

function readTimers(config: RawConfig, words: readonly string[]): Outcome {
  const [keepalive, hold] = [readNumber(words[2], 0, 65_535), readNumber(words[3], 0, 65_535)]
  if (keepalive === null || hold === null) return 'unknown'
  config.options.set('keepaliveSeconds', keepalive).set('holdSeconds', hold)
  return 'taken'
}

function readAddressFamily(words: readonly string[]): Outcome {
  const [, family, safi = 'unicast'] = words
  if ((family === 'ipv4' || family === 'ipv6') && safi === 'unicast' && words.length <= 3)
    return { enter: { kind: 'family', family } }
  return 'unknown'
}

/** Settings of a neighbour or peer group that hold for the whole session. */
function readSession(config: RawConfig, { words, line }: Statement): Outcome {
  const isNo = words[0] === 'no'
  const [, id, ...rest] = isNo ? words.slice(1) : words
  if (id === undefined || rest.length === 0) return 'unknown'
  const [what, a, b, c] = rest
  if (isNo) {
    const target = find(config, id)
    if (target === undefined) return 'unknown'
    if (what === 'enforce-first-as') target.enforcesFirstAs = false
    else if (what === 'shutdown') target.isShutdown = false
    else if (what === 'capability' && a === 'extended-nexthop') return 'taken'
    else return 'unknown'
    return 'taken'
  }
  if (what === 'peer-group' && a === undefined) {
    if (!config.groups.has(id)) config.groups.set(id, newNeighbor(id, false))
    return 'taken'
  }
  if (what === 'interface') {
    const neighbor = ensure(config, id, true, line)
    const words = a === 'v6only' ? rest.slice(2) : rest.slice(1)
    if (words.length === 0) return 'taken'
    return assign(neighbor, words)
  }
  const known = find(config, id)
  if (known === undefined) {
    // A neighbour comes to be by its AS number or its group; anything else FRR refuses before.
    if (parseAddress(id) === null || (what !== 'remote-as' && what !== 'peer-group'))
      return { unsupported: `neighbor ${id} does not exist at this line: FRR refuses it` }
    return assign(ensure(config, id, false, line), rest)
  }
  switch (what) {
    case 'remote-as':
    case 'peer-group':
      return assign(known, rest)
    case 'description':
      known.description = rest.slice(1).join(' ')
      return 'taken'
    case 'shutdown':
      known.isShutdown = true
      return 'taken'
    case 'passive':
      known.isPassive = true
      return 'taken'
    case 'password':
      known.password = a ?? ''
      return 'taken'
    case 'enforce-first-as':
      known.enforcesFirstAs = true
      return 'taken'
    case 'ttl-security': {
      const hops = readNumber(b, 1, 254)
      if (a !== 'hops' || hops === null) return 'unknown'
      known.ttlSecurityHops = hops
      return 'taken'
    }
    case 'ebgp-multihop':
      known.multihop = readNumber(a, 1, 255) ?? 255
      return 'taken'
    case 'bfd':
      if (a === 'profile' && b !== undefined) known.bfd = b
      else known.bfd ??= 'default'
      return a === undefined ||
        a === 'profile' ||
        a === 'check-control-plane-failure' ||
        readNumber(c, 1, highest)
        ? 'taken'
        : 'unknown'
    case 'timers': {
      if (a === 'connect' || a === 'delayopen') return 'taken'
      const [keepalive, hold] = [readNumber(a, 0, 65_535), readNumber(b, 0, 65_535)]
      if (keepalive === null || hold === null) return 'unknown'
      known.keepaliveSeconds = keepalive
      known.holdSeconds = hold
      return 'taken'
    }
    case 'capability':
      return a === 'extended-nexthop' || a === 'dynamic' ? 'taken' : 'unknown'
    case 'advertisement-interval':
    case 'graceful-restart':
    case 'graceful-restart-helper':
    case 'graceful-restart-disable':
    case 'disable-connected-check':
    case 'sender-as-path-loop-detection':
    case 'update-source':
      return 'taken'
    default:
      return 'unknown'
  }
}

function assign(neighbor: RawNeighbor, words: readonly string[]): Outcome {
  const [what, value] = words
  if (what === 'peer-group' && value !== undefined && words.length === 2) neighbor.group = value
  else if (what === 'remote-as') {
    if (value === 'internal' || value === 'external') neighbor.remoteAs = value
    else {
      const asn = readAsn(value)
      if (asn === null) return 'unknown'
      neighbor.remoteAs = asn
    }
  } else return 'unknown'
  return 'taken'
}

/** An AS number, plain or with a dot. */
export function readAsn(text: string | undefined): number | null {
  const [high, low, ...more] = (text ?? '').split('.')
  if (low === undefined) return readNumber(high, 1, highest)
  const [x, y] = [readNumber(high, 0, 65_535), readNumber(low, 0, 65_535)]
  return x === null || y === null || more.length > 0 ? null : x * 65_536 + y
}

function find(config: RawConfig, id: string): RawNeighbor | undefined {
  return config.neighbors.get(id) ?? config.groups.get(id)
}

function ensure(config: RawConfig, id: string, isInterface: boolean, line: number): RawNeighbor {
  let neighbor = config.neighbors.get(id)
  if (neighbor === undefined) {
    neighbor = newNeighbor(id, isInterface)
    config.neighbors.set(id, neighbor)
    config.lines.set(`neighbor ${id}`, line)
  }
  return neighbor
}

function newNeighbor(id: string, isInterface: boolean): RawNeighbor {
  return { id, isInterface, group: null, families: { ipv4: {}, ipv6: {} } }
}

/** A statement of an address family. */
export function readFamilyLine(config: RawConfig, { words, line }: Statement, family: Family): Outcome {
  const [first, second] = words
  const target = config.families[family]
  if (first === 'neighbor') return readNeighborFamily(config, words.slice(1), family, line)
  if (first === 'no' && second === 'neighbor') return readNoNeighborFamily(config, words.slice(2), family)
  if (first === 'maximum-paths') {
    const isIbgp = second === 'ibgp'
    const limit = readNumber(words[isIbgp ? 2 : 1], 1, 256)
    if (limit === null || words.length > (isIbgp ? 3 : 2)) return 'unknown'
    if (isIbgp) target.maximumPathsIbgp = limit
    else target.maximumPaths = limit
    target.hasLimit[isIbgp ? 'ibgp' : 'ebgp'] = true
    return 'taken'
  }
  const routeMap = readRouteMapWord(words)
  if (first === 'network' || first === 'aggregate-address') {
    const prefix = readNetwork(second ?? '', family)
    if (prefix === null) return { unsupported: `"${second}" is no ${family} prefix` }
    const text = formatPrefix(prefix)
    const more = routeMap.rest.slice(2)
    config.lines.set(`${first} ${text}`, line)
    if (first === 'network') {
      if (more.length > 0) return 'unknown'
      replace(target.networks, { prefix: text, routeMap: routeMap.name })
      return 'taken'
    }
    replace(target.aggregates, {
      prefix: text,
      summaryOnly: more.includes('summary-only'),
      routeMap: routeMap.name,
    })
    return more.every((word) => word === 'summary-only') ? 'taken' : 'unknown'
  }
  if (first === 'redistribute') {
    if (!isSource(second) || routeMap.rest.length > 2) return 'unknown'
    const { redistribute } = target
    const old = redistribute.findIndex(({ source }) => source === second)
    redistribute.splice(old === -1 ? redistribute.length : old, 1, {
      source: second,
      routeMap: routeMap.name,
    })
    return 'taken'
  }
  return 'unknown'
}

function isSource(word: string | undefined): word is RedistributedSource {
  return word === 'connected' || word === 'kernel' || word === 'static'
}

function replace<E extends { prefix: string }>(list: E[], entry: E): void {
  const old = list.findIndex(({ prefix }) => prefix === entry.prefix)
  list.splice(old === -1 ? list.length : old, 1, entry)
}

function readRouteMapWord(words: readonly string[]): { name: string | null; rest: string[] } {
  const place = words.indexOf('route-map')
  if (place === -1) return { name: null, rest: [...words] }
  return { name: words[place + 1] ?? null, rest: [...words.slice(0, place), ...words.slice(place + 2)] }
}

function readNeighborFamily(
  config: RawConfig,
  words: readonly string[],
  family: Family,
  line: number,
): Outcome {
  const [id = '', what, a, b] = words
  const target = find(config, id)
  if (target === undefined)
    return { unsupported: `neighbor ${id} does not exist at this line: FRR refuses it` }
  const settings = target.families[family]
  const isIn = b === 'in'
  const hasDirection = isIn || b === 'out'
  const set = (changes: RawFamily): Outcome => {
    Object.assign(settings, changes)
    return 'taken'
  }
  switch (what) {
    case 'activate':
      return set({ isActive: true })
    case 'route-map':
      if (a === undefined || !hasDirection) return 'unknown'
      config.lines.set(`neighbor ${id} route-map ${b}`, line)
      return set(isIn ? { routeMapIn: a } : { routeMapOut: a })
    case 'prefix-list':
      if (a === undefined || !hasDirection) return 'unknown'
      return set(isIn ? { prefixListIn: a } : { prefixListOut: a })
    case 'filter-list':
      if (a === undefined || !hasDirection) return 'unknown'
      return set(isIn ? { filterListIn: a } : { filterListOut: a })
    case 'route-reflector-client':
      return set({ routeReflectorClient: true })
    case 'next-hop-self':
      return set({ nextHopSelf: a === 'force' ? 'force' : 'yes' })
    case 'remove-private-AS': {
      const isReplace = words.includes('replace-AS')
      if (isReplace && a !== 'all') return 'unknown'
      return set({ removePrivateAs: isReplace ? 'replace' : a === 'all' ? 'all' : 'only-private' })
    }
    case 'default-originate':
      if (a !== undefined && (a !== 'route-map' || b === undefined)) return 'unknown'
      return set({ defaultOriginate: { routeMap: a === undefined ? null : b! } })
    case 'maximum-prefix': {
      const limit = readNumber(a, 1, highest)
      if (limit === null || words.includes('warning-only') || words.includes('force'))
        return words.includes('warning-only') ? 'taken' : 'unknown'
      return set({ maximumPrefixes: limit })
    }
    case 'allowas-in': {
      if (a === 'origin') return 'unknown'
      return set({ allowAsIn: readNumber(a, 1, 10) ?? 3 })
    }
    case 'as-override':
      return set({ asOverride: true })
    case 'weight': {
      const weight = readNumber(a, 0, 65_535)
      return weight === null ? 'unknown' : set({ weight })
    }
    case 'send-community': {
      const kind = a ?? 'standard'
      const sends = { ...(settings.sendsCommunities ?? { standard: true, extended: true, large: true }) }
      for (const name of communityKinds(kind)) sends[name] = true
      return set({ sendsCommunities: sends })
    }
    case 'soft-reconfiguration':
      return 'taken'
    default:
      return 'unknown'
  }
}

function readNoNeighborFamily(config: RawConfig, words: readonly string[], family: Family): Outcome {
  const [id = '', what, a] = words
  const settings = find(config, id)?.families[family]
  if (settings === undefined) return 'unknown'
  if (what === 'activate') settings.isActive = false
  else if (what === 'send-community') {
    const sends = { ...(settings.sendsCommunities ?? { standard: true, extended: true, large: true }) }
    for (const name of communityKinds(a ?? 'standard')) sends[name] = false
    settings.sendsCommunities = sends
  } else return 'unknown'
  return 'taken'
}

function communityKinds(word: string): ('standard' | 'extended' | 'large')[] {
  if (word === 'all') return ['standard', 'extended', 'large']
  if (word === 'both') return ['standard', 'extended']
  return word === 'standard' || word === 'extended' || word === 'large' ? [word] : []
}
