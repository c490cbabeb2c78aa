/**
 * Proves that exchanging some devices leaves the whole plan as it is, up to names, addresses and AS numbers.
 *
 * The exchange of devices determines everything else: each prefix goes to the one in the same place of the partner's
 * originations, each AS number to the partner's. Then every session, policy reference, setting, exact filter, AS-path
 * expression, prefix set membership, origination and aggregate relation that involves an exchanged device is compared
 * with its image, and what is not exchanged must not depend on what is. Cost: what the exchange touches; exchanges that
 * rename policies (two sites) compare all policies too.
 *
 * Nothing here knows how the exchange was found. What it does not know about, it does not compare: hash seeds, host
 * names, positions and interface names, which decide no route.
 */
import type { PolicyTerm } from '../../plan/model.ts'
import { acceptsAll, acceptsExactOnly, type CompactNetwork, isExact, receiverOf } from './compact-network.ts'
import type { PrefixUniverse } from './prefix-universe.ts'
import type { Swap } from './swaps.ts'

export class SwapProver {
  readonly #network: CompactNetwork
  readonly #universe: PrefixUniverse
  /** Prefixes that each device originates, in the plan's order. */
  readonly #prefixesOf: readonly (readonly number[])[]
  readonly #covered: Int32Array
  readonly #devicesPerAsn: Int32Array
  readonly #policyUses: Int32Array
  readonly #image: Int32Array
  readonly #rangeUses: Int32Array
  readonly #prefixIds: ReadonlyMap<string, number>

  constructor(network: CompactNetwork, universe: PrefixUniverse) {
    this.#network = network
    this.#universe = universe
    this.#image = Int32Array.from(network.devices.keys())
    this.#prefixesOf = universe.ofDevice
    this.#covered = new Int32Array(universe.texts.length)
    for (const cover of universe.cover) if (cover >= 0) this.#covered[cover]!++
    this.#devicesPerAsn = new Int32Array(network.asns.length)
    for (const asn of network.asnOf) this.#devicesPerAsn[asn]!++
    this.#policyUses = new Int32Array(network.policies.length)
    for (const edge of network.from.keys())
      for (const policy of policiesOn(network, edge)) this.#policyUses[policy]!++
    for (const origins of universe.origins) {
      for (const { policy } of origins) if (policy >= 0) this.#policyUses[policy]!++
    }
    this.#rangeUses = new Int32Array(network.acceptRanges.length)
    for (const range of network.accept) if (range >= 0) this.#rangeUses[range]!++
    this.#prefixIds = new Map(universe.texts.map((text, id) => [text, id]))
  }

  /** Prefixes that change places under a swap, pair by pair; what symmetry.ts joins. */
  prefixPairs(swap: Swap): number[] {
    const pairs: number[] = []
    for (let at = 0; at < swap.pairs.length; at += 2) {
      const [x, y] = [this.#prefixesOf[swap.pairs[at]!]!, this.#prefixesOf[swap.pairs[at + 1]!]!]
      for (const [index, prefix] of x.entries()) if (prefix !== y[index]) pairs.push(prefix, y[index]!)
    }
    return pairs
  }

  /** Sessions that change places under a proved swap, pair by pair. */
  sessionPairs(swap: Swap): number[] {
    const { inStart, inEdges, from } = this.#network
    for (const [at, device] of swap.pairs.entries()) this.#image[device] = swap.pairs[at ^ 1]!
    const pairs: number[] = []
    for (const device of swap.pairs) {
      let repeat = 0
      for (let index = inStart[device]!; index < inStart[device + 1]!; index++) {
        const edge = inEdges[index]!
        repeat = index > inStart[device]! && from[inEdges[index - 1]!] === from[edge] ? repeat + 1 : 0
        const other = this.#edgeBetween(this.#image[from[edge]!]!, this.#image[device]!, repeat)
        if (edge >> 1 !== other >> 1) pairs.push(edge >> 1, other >> 1)
      }
    }
    for (const device of swap.pairs) this.#image[device] = device
    return pairs
  }

  /** Is the swap a symmetry of the plan? */
  prove(swap: Swap): boolean {
    for (const [at, device] of swap.pairs.entries()) this.#image[device] = swap.pairs[at ^ 1]!
    const isProved = new Set(swap.pairs).size === swap.pairs.length && this.#holds(swap)
    for (const device of swap.pairs) this.#image[device] = device
    return isProved
  }

  #holds({ pairs }: Swap): boolean {
    const renaming = new Renaming()
    return (
      this.#mapsDevices(pairs, renaming) &&
      this.#mapsPrefixes(pairs, renaming) &&
      this.#mapsSessions(pairs, renaming) &&
      this.#mapsPolicies(renaming)
    )
  }

  #mapsDevices(pairs: Int32Array, { asns }: Renaming): boolean {
    const { devices, asnOf } = this.#network
    for (const [at, device] of pairs.entries()) {
      const partner = pairs[at ^ 1]!
      const [one, other] = [devices[device]!, devices[partner]!]
      if (one.role !== other.role || one.maximumPaths !== other.maximumPaths) return false
      if (this.#prefixesOf[device]!.length !== this.#prefixesOf[partner]!.length) return false
      if (!asns.map(asnOf[device]!, asnOf[partner]!)) return false
    }
    // A number that changes must do so for everybody who has it.
    return asns.everyMoved((asn, uses) => uses === this.#devicesPerAsn[asn])
  }

  #mapsPrefixes(pairs: Int32Array, { prefixes, policies }: Renaming): boolean {
    const { origins, isIpv6, stageOf, cover } = this.#universe
    for (const [at, device] of pairs.entries()) {
      const other = this.#prefixesOf[pairs[at ^ 1]!]!
      for (const [index, prefix] of this.#prefixesOf[device]!.entries()) {
        if (!prefixes.map(prefix, other[index]!)) return false
      }
    }
    const coveredMoves = new Map<number, number>()
    for (const [prefix, to] of prefixes.entries()) {
      if (isIpv6[prefix] !== isIpv6[to] || stageOf[prefix] !== stageOf[to]) return false
      const [here, there] = [origins[prefix]!, origins[to]!]
      if (here.length !== there.length) return false
      for (const { device, policy } of here) {
        const match = there.find((origin) => origin.device === this.#image[device])
        if (match === undefined || policy < 0 !== match.policy < 0) return false
        if (policy >= 0 && !policies.map(policy, match.policy)) return false
      }
      const around = cover[prefix]!
      if (prefixes.of(around) !== cover[to]) return false
      if (around >= 0) coveredMoves.set(around, (coveredMoves.get(around) ?? 0) + 1)
    }
    // What lies inside a prefix that moves has to move with it.
    return prefixes.everyMoved((prefix) => (coveredMoves.get(prefix) ?? 0) === this.#covered[prefix])
  }

  #mapsSessions(pairs: Int32Array, renaming: Renaming): boolean {
    const { inStart, inEdges, from } = this.#network
    const image = this.#image
    for (const [at, device] of pairs.entries()) {
      const partner = pairs[at ^ 1]!
      const count = inStart[device + 1]! - inStart[device]!
      if (count !== inStart[partner + 1]! - inStart[partner]!) return false
      let repeat = 0
      for (let index = inStart[device]!; index < inStart[device + 1]!; index++) {
        const edge = inEdges[index]!
        // Parallel sessions between the same two devices keep their order.
        repeat = index > inStart[device]! && from[inEdges[index - 1]!] === from[edge] ? repeat + 1 : 0
        const other = this.#edgeBetween(image[from[edge]!]!, partner, repeat)
        if (other < 0 || !this.#mapsEdge(edge, other, renaming, true)) return false
        // Seen from the neighbour; where it moves too, its own turn counts this edge.
        if (!this.#mapsEdge(edge ^ 1, other ^ 1, renaming, image[from[edge]!] === from[edge])) return false
      }
    }
    return true
  }

  #mapsEdge(edge: number, other: number, renaming: Renaming, counts: boolean): boolean {
    const network = this.#network
    if (network.settings[edge] !== network.settings[other] || network.flags[edge] !== network.flags[other])
      return false
    const [here, there] = [policiesOn(network, edge), policiesOn(network, other)]
    if (here.length !== there.length) return false
    for (const [index, policy] of here.entries()) {
      if (!renaming.policies.map(policy, there[index]!, counts)) return false
    }
    return this.#mapsFilter(edge, other, renaming, counts)
  }

  #mapsFilter(edge: number, other: number, renaming: Renaming, counts: boolean): boolean {
    const { asns, prefixes, ranges } = renaming
    const network = this.#network
    if (asns.of(network.expressionAsn[edge]!) !== network.expressionAsn[other]) return false
    const [range, otherRange] = [network.accept[edge]!, network.accept[other]!]
    if (range === acceptsAll || otherRange === acceptsAll) return range === otherRange
    if (range === acceptsExactOnly || otherRange === acceptsExactOnly) {
      if (range !== otherRange) return false
    } else if (!ranges.map(range, otherRange, counts)) return false
    const [one, two] = [receiverOf(network, edge).accept!, receiverOf(network, other).accept!]
    // The planner writes them in one order; what differs in order only is not worth a symmetry.
    return (
      one.length === two.length &&
      one.every((entry, index) => {
        const partner = two[index]!
        if (!isExact(entry) || !isExact(partner)) return isExact(entry) === isExact(partner)
        const id = this.#prefixIds.get(entry.prefix)
        return partner.prefix === (id === undefined ? entry.prefix : this.#universe.texts[prefixes.of(id)])
      })
    )
  }

  #mapsPolicies({ policies, prefixes, ranges }: Renaming): boolean {
    const { kindOf, kinds, sets } = this.#universe
    if (!policies.moves && !ranges.moves) {
      return prefixes.every((prefix, to) => kindOf[prefix] === kindOf[to])
    }
    // A policy that is renamed must be renamed wherever it is used.
    if (!policies.everyMoved((policy, uses) => uses === this.#policyUses[policy])) return false
    if (!ranges.everyMoved((range, uses) => uses === this.#rangeUses[range])) return false
    const content = new PolicyComparison(this.#network.plan, sets)
    const names = this.#network.policies
    for (const [policy, name] of names.entries()) {
      if (this.#policyUses[policy] === 0) continue
      if (!content.pair(name, names[policies.of(policy)]!)) return false
    }
    if (!content.holds()) return false
    const image = (set: number) =>
      set < sets.length ? content.imageOfSet(set) : sets.length + ranges.of(set - sets.length)
    const isComparable = (set: number) => set >= sets.length || content.isUsed(set)
    const seen = new Set<number>()
    for (const [prefix, kind] of kindOf.entries()) {
      const to = kindOf[prefixes.of(prefix)]!
      const key = kind * kinds.length + to
      if (seen.has(key)) continue
      seen.add(key)
      const expected = kinds[kind]!.filter(isComparable).map(image)
      const found = new Set(kinds[to]!.filter(isComparable))
      if (expected.length !== found.size || !expected.every((set) => found.has(set))) return false
    }
    return true
  }

  #edgeBetween(sender: number, receiver: number, repeat: number): number {
    const { inStart, inEdges, from } = this.#network
    let low = inStart[receiver]!
    let high = inStart[receiver + 1]!
    while (low < high) {
      const middle = (low + high) >> 1
      if (from[inEdges[middle]!]! < sender) low = middle + 1
      else high = middle
    }
    const edge = low + repeat < inStart[receiver + 1]! ? inEdges[low + repeat]! : -1
    return edge >= 0 && from[edge] === sender ? edge : -1
  }
}

function policiesOn(network: CompactNetwork, edge: number): number[] {
  const both = [network.exportPolicy[edge]!, network.importPolicy[edge]!]
  return network.condition[edge]! < 0 ? both : [...both, network.condition[edge]!]
}

/** A bijection that is told pair by pair; what it was not told stays. */
class Permutation {
  readonly #to = new Map<number, { to: number; uses: number }>()
  #inverse = new Map<number, number>()
  moves = false

  /** Notes that `from` goes to `to`; false when it went elsewhere, or something else went there. */
  map(from: number, to: number, counts = true): boolean {
    const known = this.#to.get(from)
    if (known !== undefined) {
      if (counts) known.uses++
      return known.to === to
    }
    if (this.#inverse.has(to)) return false
    this.#inverse.set(to, from)
    this.#to.set(from, { to, uses: counts ? 1 : 0 })
    if (from !== to) this.moves = true
    return true
  }

  of(from: number): number {
    return this.#to.get(from)?.to ?? from
  }

  *entries(): IterableIterator<[number, number]> {
    for (const [from, { to }] of this.#to) yield [from, to]
  }

  every(test: (from: number, to: number) => boolean): boolean {
    for (const [from, { to }] of this.#to) if (!test(from, to)) return false
    return true
  }

  everyMoved(test: (from: number, uses: number) => boolean): boolean {
    for (const [from, { to, uses }] of this.#to) if (from !== to && !test(from, uses)) return false
    return true
  }
}

class Renaming {
  readonly asns = new Permutation()
  readonly prefixes = new Permutation()
  readonly policies = new Permutation()
  readonly ranges = new Permutation()
}

/** Compares policies term by term, and gathers what sets and communities have to be renamed to for that. */
class PolicyComparison {
  readonly #plan: CompactNetwork['plan']
  readonly #setIndex: ReadonlyMap<string, number>
  readonly #sets = new Permutation()
  readonly #used = new Set<number>()
  readonly #communities = new Map<string, string>()
  readonly #lists: [readonly string[], readonly string[]][] = []

  constructor(plan: CompactNetwork['plan'], sets: readonly string[]) {
    this.#plan = plan
    this.#setIndex = new Map(sets.map((name, index) => [name, index]))
  }

  pair(name: string, other: string): boolean {
    const [one, two] = [this.#plan.policies[name]!.terms, this.#plan.policies[other]!.terms]
    return one.length === two.length && one.every((term, index) => this.#pairTerms(term, two[index]!))
  }

  imageOfSet(set: number): number {
    return this.#sets.of(set)
  }

  isUsed(set: number): boolean {
    return this.#used.has(set)
  }

  /** Are all lists of communities equal once renamed, whatever their order? */
  holds(): boolean {
    if (new Set(this.#communities.values()).size !== this.#communities.size) return false
    return this.#lists.every(([one, two]) => {
      const renamed = new Set(one.map((name) => this.#communities.get(name) ?? name))
      return renamed.size === new Set(two).size && two.every((name) => renamed.has(name))
    })
  }

  #pairTerms(one: PolicyTerm, two: PolicyTerm): boolean {
    const sameText =
      one.action === two.action &&
      one.match.local === two.match.local &&
      one.match.gracefulShutdown === two.match.gracefulShutdown &&
      one.match.localPreference === two.match.localPreference &&
      one.set.localPreference === two.set.localPreference &&
      one.set.gracefulShutdown === two.set.gracefulShutdown &&
      one.set.prepend === two.set.prepend
    return (
      sameText &&
      this.#pairSets(one.match.prefixSet, two.match.prefixSet) &&
      this.#pairLists(one.match.anyCommunity, two.match.anyCommunity, false) &&
      this.#pairLists(one.set.addCommunities, two.set.addCommunities, true) &&
      this.#pairLists(one.set.replaceCommunities, two.set.replaceCommunities, true)
    )
  }

  #pairSets(one: string | undefined, two: string | undefined): boolean {
    if (one === undefined || two === undefined) return one === two
    const [from, to] = [this.#setIndex.get(one)!, this.#setIndex.get(two)!]
    this.#used.add(from)
    this.#used.add(to)
    return this.#sets.map(from, to)
  }

  #pairLists(
    one: readonly string[] | undefined,
    two: readonly string[] | undefined,
    isOrdered: boolean,
  ): boolean {
    if (one === undefined || two === undefined) return one === two
    this.#lists.push([one, two])
    // Where the planner writes a list in a fixed order, or it has one element, its places name the partner.
    if (!isOrdered && one.length > 1) return one.length === two.length
    for (const [index, name] of one.entries()) {
      const partner = two[index]
      if (partner === undefined) return false
      const known = this.#communities.get(name)
      if (known === undefined) this.#communities.set(name, partner)
      else if (known !== partner) return false
    }
    return one.length === two.length
  }
}
