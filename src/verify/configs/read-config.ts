/*
 * Reads one FRR configuration file, rendered here or written anywhere, as FRR's own reader does: indentation carries
 * no meaning, a line is tried in the section it stands in, then in those around it, and `exit` leaves a section.
 *
 * Whatever is not understood is listed with its line and never guessed at: a verdict over such a file is open. What
 * only changes when something happens, or what is logged, is passed over by name (the lists below).
 */
import { formatPrefix } from '../../net/prefix.ts'
import { subnetOf } from '../simulate/sessions.ts'
import { readAsn, readBgpLine, readFamilyLine } from './bgp-lines.ts'
import { readNetwork, readPolicyLine, readRouteMapLine } from './policy-lines.ts'
import { type Context, emptyConfig, type Outcome, type RawConfig, readNumber } from './raw-config.ts'
import { type Statement, splitStatements } from './statements.ts'

/** Logging, access to the daemons, and how fast things happen: no route depends on it. */
const harmless =
  /^(no )?(log\b|service |password |enable |banner |debug |username |line vty|agentx|zebra |ip forwarding|ipv6 forwarding|ip nht |ipv6 nht |bgp route-map delay-timer |domainname |hostname |fpm |end$|configure|building configuration|current configuration|allow-reserved-ranges)/i

const harmlessInterface =
  /^(no )?(description |ipv6 nd |bandwidth |link-detect|multicast|mpls |evpn |ip igmp|ip pim|ipv6 mld|link-params|bfd\b)/

/** Reads a file. Never throws: a file that cannot be read at all comes back as one unsupported line. */
export function readConfig(file: string, text: string): RawConfig {
  const config = emptyConfig(file)
  const statements = splitStatements(text)
  if (!Array.isArray(statements)) {
    config.unsupported.push({ file, line: 1, text: '', why: statements.problem })
    return config
  }
  config.statements = statements.length
  const sections: Context[] = [{ kind: 'top' }]
  for (const statement of statements) readStatement(config, statement, sections)
  return config
}

function readStatement(config: RawConfig, statement: Statement, sections: Context[]): void {
  const { text, line } = statement
  if (text === 'end') {
    sections.length = 1
    return
  }
  if (/^(exit|exit-address-family|exit-vrf|quit)$/.test(text)) {
    if (sections.length > 1) sections.pop()
    return
  }
  for (let depth = sections.length - 1; depth >= 0; depth--) {
    const context = sections[depth]!
    const outcome = readIn(config, statement, context)
    if (outcome === 'unknown') continue
    if (outcome === 'taken') {
      // Taken further out: that is where the following lines stand, too.
      sections.length = depth + 1
    } else if ('enter' in outcome) {
      sections.length = depth + 1
      sections.push(outcome.enter)
      if (outcome.enter.kind === 'foreign')
        config.unsupported.push({ file: config.file, line, text, why: 'this section is not modelled' })
    } else config.unsupported.push({ file: config.file, line, text, why: outcome.unsupported })
    return
  }
  // Inside a section that was listed as a whole there is nothing more to say.
  if (sections.at(-1)!.kind !== 'foreign')
    config.unsupported.push({ file: config.file, line, text, why: 'this statement is not modelled' })
}

function readIn(config: RawConfig, statement: Statement, context: Context): Outcome {
  switch (context.kind) {
    case 'top':
      return readTop(config, statement)
    case 'interface':
      return readInterfaceLine(config, statement, context.interface)
    case 'bgp':
      return readBgpLine(config, statement)
    case 'family':
      return readFamilyLine(config, statement, context.family)
    case 'route-map':
      return readRouteMapLine(statement, context.entry)
    case 'bfd':
      return readBfdLine(statement)
    case 'foreign':
      return 'unknown'
  }
}

function readTop(config: RawConfig, statement: Statement): Outcome {
  const { words, text, line } = statement
  const [first, second, third] = words
  if (first === 'frr' && second === 'version') return readVersion(config, third)
  if (first === 'frr' && second === 'defaults') {
    if (third !== 'datacenter' && third !== 'traditional')
      return { unsupported: `"${third}" is no profile: expected datacenter or traditional` }
    config.profile = third
    return 'taken'
  }
  if (first === 'hostname' && second !== undefined) {
    config.hostname = second
    return 'taken'
  }
  if (first === 'interface' && second !== undefined) {
    if (words.length > 2) return { enter: { kind: 'foreign' } }
    let found = config.interfaces.find(({ name }) => name === second)
    if (found === undefined) {
      found = { name: second, addresses: [] }
      config.interfaces.push(found)
      config.lines.set(`interface ${second}`, line)
    }
    return { enter: { kind: 'interface', interface: found } }
  }
  if (first === 'router' && second === 'bgp') return readRouterBgp(config, words, line)
  if (
    first === 'router' ||
    first === 'vrf' ||
    first === 'key' ||
    first === 'rpki' ||
    first === 'segment-routing'
  )
    return { enter: { kind: 'foreign' } }
  if (text === 'bfd') return { enter: { kind: 'bfd' } }
  if (first === 'ip' || first === 'ipv6') {
    if (second === 'route') return readStaticRoute(config, words, first === 'ip' ? 'ipv4' : 'ipv6')
    if (second === 'router-id' && third !== undefined) {
      config.options.set('zebraRouterId', third)
      return 'taken'
    }
  }
  const policy = readPolicyLine(config, statement, { kind: 'top' })
  if (policy !== 'unknown') return policy
  return harmless.test(text) ? 'taken' : 'unknown'
}

function readVersion(config: RawConfig, text: string | undefined): Outcome {
  const found = /^(\d{1,3})\.(\d{1,3})/.exec(text ?? '')
  if (found === null) return { unsupported: `"${text}" is no FRR version` }
  config.release = { major: Number(found[1]), minor: Number(found[2]) }
  return 'taken'
}

function readRouterBgp(config: RawConfig, words: readonly string[], line: number): Outcome {
  const asn = readAsn(words[2])
  if (words.length !== 3 || asn === null) return { enter: { kind: 'foreign' } }
  if (config.asn !== 0 && config.asn !== asn) return { enter: { kind: 'foreign' } }
  config.asn = asn
  config.lines.set('router bgp', line)
  return { enter: { kind: 'bgp' } }
}

function readInterfaceLine(
  config: RawConfig,
  { words, text }: Statement,
  found: RawConfig['interfaces'][number],
): Outcome {
  const [first, second, third] = words
  if (first === 'description') {
    config.descriptions.set(found.name, words.slice(1).join(' '))
    return 'taken'
  }
  if ((first === 'ip' || first === 'ipv6') && second === 'address') {
    const subnet = subnetOf(third ?? '')
    if (subnet === null || (subnet.family === 4) !== (first === 'ip') || words.length > 3)
      return { unsupported: `"${words.slice(2).join(' ')}" is no address with a prefix length` }
    if (!found.addresses.includes(third!)) found.addresses.push(third!)
    return 'taken'
  }
  if (text === 'shutdown') {
    config.shut.add(found.name)
    return 'taken'
  }
  if (text === 'no shutdown') {
    config.shut.delete(found.name)
    return 'taken'
  }
  return harmlessInterface.test(text) ? 'taken' : 'unknown'
}

function readBfdLine({ words }: Statement): Outcome {
  const [first] = words
  if (first === 'profile' || first === 'peer') return { enter: { kind: 'bfd' } }
  const known =
    /^(no |)(detect-multiplier|transmit-interval|receive-interval|echo-mode|echo|passive-mode|minimum-ttl|label|shutdown)\b/
  return known.test(words.join(' ')) ? 'taken' : 'unknown'
}

function readStaticRoute(config: RawConfig, words: readonly string[], family: 'ipv4' | 'ipv6'): Outcome {
  const prefix = readNetwork(words[2] ?? '', family)
  const via = words[3]
  if (prefix === null || via === undefined || words.length > 5) return 'unknown'
  if (words.length === 5 && readNumber(words[4], 1, 255) === null) return 'unknown'
  const isDiscard = /^(blackhole|reject|Null0)$/i.test(via)
  config.staticRoutes.push({ prefix: formatPrefix(prefix), via: isDiscard ? 'blackhole' : via })
  return 'taken'
}
