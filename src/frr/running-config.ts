import { type DefaultsProfile, isAddedByFrr, isOmittedDefault } from './config-defaults.ts'
import { type ConfigBlock, parseConfig } from './config-tree.ts'

/*
 * Is what a daemon runs what it was given?
 *
 * FRR accepts a file with exit code 0 whatever it made of it: lines it did not know are lost without a word. The only
 * check is to read the running configuration back. It never comes back as it was written: blocks and lines are
 * reordered, list entries get sequence numbers, defaults disappear, community sets are sorted. All that is taken out
 * here, and the rest is compared line by line, each with the block it stands in.
 */

export interface ConfigDifference {
  /** Lines that were given and are not running, such as `router bgp 65001 / neighbor F bfd profile P`. */
  missing: string[]
  /** Lines that are running and were not given. */
  unexpected: string[]
}

/** Compares a configuration that was loaded with the one a daemon has; both empty means they mean the same. */
export function compareConfig(expected: string, actual: string): ConfigDifference {
  const expectedTree = parseConfig(expected)
  const profile = profileOf(expectedTree) ?? profileOf(parseConfig(actual)) ?? 'traditional'
  const wanted = flatten(expectedTree)
  const running = flatten(parseConfig(actual))
  const wantedKeys = new Set(wanted.map((entry) => entry.key))
  const runningKeys = new Set(running.map((entry) => entry.key))
  return {
    missing: wanted
      .filter((entry) => !runningKeys.has(entry.key) && !isOmitted(entry, profile))
      .map((entry) => entry.text),
    unexpected: running
      .filter((entry) => !wantedKeys.has(entry.key) && !isAddedByFrr(entry.line) && !isEmptyHeader(entry))
      .map((entry) => entry.text),
  }
}

interface Entry {
  /** What is compared: normalised, with the normalised headers in front. */
  key: string
  /** What is shown: as it was written. */
  text: string
  line: string
  hasChildren: boolean
  /** The blocks the line stands in, outermost first. */
  parents: readonly ConfigBlock[]
}

function isOmitted(entry: Entry, profile: DefaultsProfile): boolean {
  // The running release is not the file's business, and bfdd prints neither host name nor profile of the file.
  if (/^(frr version|frr defaults) /.test(entry.line)) return true
  return isOmittedDefault(entry.line, profile) || isEmptyHeader(entry) || isActivatedByDefault(entry)
}

/** Unless the instance says `no bgp default ipv4-unicast`, every neighbor speaks IPv4 without being told. */
function isActivatedByDefault(entry: Entry): boolean {
  return (
    /^neighbor \S+ activate$/.test(entry.line) &&
    entry.parents.at(-1)?.line === 'address-family ipv4 unicast' &&
    !entry.parents.at(-2)?.children.some((sibling) => sibling.line === 'no bgp default ipv4-unicast')
  )
}

/** An address family nobody says anything about is not printed. */
function isEmptyHeader(entry: Entry): boolean {
  return !entry.hasChildren && /^(address-family |interface |bfd$)/.test(entry.line)
}

function profileOf(tree: readonly ConfigBlock[]): DefaultsProfile | undefined {
  const found = tree
    .map((block) => /^frr defaults (datacenter|traditional)$/.exec(block.line)?.[1])
    .find(Boolean)
  return found as DefaultsProfile | undefined
}

function flatten(
  blocks: readonly ConfigBlock[],
  parents: readonly ConfigBlock[] = [],
  parentKey = '',
  parentText = '',
): Entry[] {
  const positions = new ListPositions(blocks)
  return blocks.flatMap((block) => {
    const key = `${parentKey}\n${positions.place(block.line) ?? normalizeLine(block.line)}`
    const text = `${parentText}${block.line}`
    const hasChildren = block.children.length > 0
    return [
      { key, text, line: block.line, hasChildren, parents },
      ...flatten(block.children, [...parents, block], key, `${text} / `),
    ]
  })
}

const listEntry =
  /^(?<list>(?:ip prefix-list|ipv6 prefix-list|bgp as-path access-list|bgp (?:large-|ext)?community-list(?: standard| expanded)?|access-list|ipv6 access-list) \S+)(?: seq (?<seq>\d+))? (?<rule>(?:permit|deny) .*)$/

/**
 * Entries of ordered lists, compared by place instead of by number: FRR numbers what has none, and what counts is
 * which rule comes before which.
 */
class ListPositions {
  readonly #places = new Map<string, string>()

  constructor(blocks: readonly ConfigBlock[]) {
    const lists = new Map<string, { line: string; seq: number; rule: string }[]>()
    for (const { line } of blocks) {
      const groups = listEntry.exec(line)?.groups
      if (groups?.list === undefined || groups.rule === undefined) continue
      const entries = lists.get(groups.list) ?? []
      const seq = Number(groups.seq ?? (entries.at(-1)?.seq ?? 0) + 5)
      entries.push({ line, seq, rule: normalizeLine(groups.rule) })
      lists.set(groups.list, entries)
    }
    for (const [list, entries] of lists) {
      entries.sort((a, b) => a.seq - b.seq)
      for (const [index, entry] of entries.entries())
        this.#places.set(entry.line, `${list} #${index + 1} ${entry.rule}`)
    }
  }

  place(line: string): string | undefined {
    return this.#places.get(line)
  }
}

/** Brings one line into the form FRR prints, where that differs from how people write it. */
function normalizeLine(line: string): string {
  return sortOptions(line)
    .replace(/^(router bgp \d+) vrf default$/, '$1')
    .replace(/^address-family (ipv4|ipv6)$/, 'address-family $1 unicast')
    .replace(/ le (\d+) ge (\d+)$/, ' ge $2 le $1')
    .replace(/^(neighbor \S+ interface) v6only\b/, '$1')
}

/** Communities and the options of an aggregate are sets, which FRR prints in an order of its own. */
function sortOptions(line: string): string {
  if (/^set (?:large-|ext)?community /.test(line)) {
    const [set, kind, ...values] = line.split(' ')
    return [set, kind, ...values.sort()].join(' ')
  }
  if (line.startsWith('aggregate-address ')) {
    const [command, prefix, ...rest] = line.split(' ')
    const options = rest.join(' ').match(/(?:route-map|origin|suppress-map) \S+|\S+/g) ?? []
    return [command, prefix, ...options.sort()].join(' ')
  }
  return line
}
