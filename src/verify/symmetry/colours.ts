/**
 * Colour refinement: devices that cannot be told apart by what they are and whom they neighbour get one colour.
 *
 * It only proposes which devices might be exchangeable; what rests on a colour is proved by proof.ts, so a collision of
 * hashes costs time and never an answer.
 */
import type { PolicyTerm } from '../../plan/model.ts'
import { type CompactNetwork, Interner } from './compact-network.ts'
import type { PrefixUniverse } from './prefix-universe.ts'

export interface Colours {
  /** By device, dense. */
  ofDevice: Int32Array
  count: number
  /** By edge: equal for edges that might be exchangeable as far as their own settings go. */
  ofEdge: Int32Array
}

/** Refines until no colour splits any more; each round is linear in the sessions. */
export function refineColours(network: CompactNetwork, universe: PrefixUniverse): Colours {
  const shapes = policyShapes(network)
  const ofEdge = edgeColours(network, shapes)
  let ofDevice = deviceColours(network, universe, shapes)
  let count = new Set(ofDevice).size
  for (;;) {
    const refined = refineOnce(network, ofDevice, ofEdge)
    const distinct = new Set(refined).size
    if (distinct === count) return { ofDevice, count, ofEdge }
    ofDevice = refined
    count = distinct
  }
}

function refineOnce(network: CompactNetwork, ofDevice: Int32Array, ofEdge: Int32Array): Int32Array {
  const { inStart, inEdges, from } = network
  const ids = new Interner<number>()
  return Int32Array.from(ofDevice, (own, device) => {
    let low = mix(own + 1)
    let high = mix(own ^ 0x5bd1e995)
    for (let at = inStart[device]!; at < inStart[device + 1]!; at++) {
      const edge = inEdges[at]!
      // Sums do not depend on the order of neighbours.
      const seen = mix(Math.imul(ofEdge[edge]! + 1, 0x9e3779b1) ^ mix(ofDevice[from[edge]!]! + 0x7f4a7c15))
      low = (low + seen) | 0
      high = (high + mix(seen ^ 0x2545f491)) | 0
    }
    return ids.idOf((low >>> 0) * 0x100000 + (high & 0xfffff))
  })
}

function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function deviceColours(
  network: CompactNetwork,
  universe: PrefixUniverse,
  shapes: readonly number[],
): Int32Array {
  const policyIndex = new Map(network.policies.map((name, index) => [name, index]))
  const ids = new Interner<string>()
  const originates = universe.ofDevice.map((prefixes) =>
    prefixes.map((prefix) => {
      const kind = universe.kinds[universe.kindOf[prefix]!]!
      return `${universe.stageOf[prefix]},${kind.length},${universe.origins[prefix]!.length}`
    }),
  )
  return Int32Array.from(network.devices, (device, index) =>
    ids.idOf(
      [
        device.role,
        device.attachment,
        device.maximumPaths,
        device.originates
          .map(({ via, policy }) => `${via}${policy === null ? '' : shapes[policyIndex.get(policy)!]}`)
          .join(),
        originates[index]!.join(' '),
      ].join('|'),
    ),
  )
}

function edgeColours(network: CompactNetwork, shapes: readonly number[]): Int32Array {
  const ids = new Interner<string>()
  return Int32Array.from(network.from, (_, edge) => {
    const condition = network.condition[edge]!
    return ids.idOf(
      `${network.settings[edge]},${network.flags[edge]},${shapes[network.exportPolicy[edge]!]},${shapes[network.importPolicy[edge]!]},${condition < 0 ? '' : shapes[condition]},${network.accept[edge]! < 0 ? network.accept[edge] : 'range'}`,
    )
  })
}

/** What a policy does without the names of sets and communities: policies of two sites may have one shape. */
function policyShapes(network: CompactNetwork): number[] {
  const ids = new Interner<string>()
  return network.policies.map((name) =>
    ids.idOf(network.plan.policies[name]!.terms.map((term) => termShape(network, term)).join(';')),
  )
}

function termShape({ plan }: CompactNetwork, { action, match, set }: PolicyTerm): string {
  const entries = match.prefixSet === undefined ? null : plan.prefixSets[match.prefixSet]!.entries
  return [
    action,
    entries?.map(({ prefix, ge, le }) => `${prefix.includes(':')}${ge}${le}`).join(),
    match.anyCommunity?.length,
    match.local,
    match.gracefulShutdown,
    match.localPreference,
    set.addCommunities?.length,
    set.replaceCommunities?.length,
    set.localPreference,
    set.gracefulShutdown,
    set.prepend,
  ].join('|')
}
