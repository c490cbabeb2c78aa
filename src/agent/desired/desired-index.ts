import type { NodeView, ServiceView } from '../../kube/views.ts'
import type { AgentConfig } from '../config.ts'
import { type Claim, claimsOf } from './claims.ts'
import { decideAddress } from './decide.ts'
import type { Verdict } from './decision.ts'
import type { SliceFacts } from './endpoints.ts'

/**
 * The same answers as `desiredRoutes`, kept up to date: each change of an object decides anew only about the addresses
 * it can touch, so that the cost of an event does not grow with the number of Services.
 */
export class DesiredIndex {
  readonly #config: AgentConfig
  readonly #verdicts = new Map<string, Verdict>()
  readonly #claims = new Map<string, Map<string, Claim[]>>()
  readonly #addressesOf = new Map<string, string[]>()
  readonly #slicesOf = new Map<string, Map<string, SliceFacts>>()
  readonly #serviceOfSlice = new Map<string, string>()
  #node: NodeView | undefined

  constructor(config: AgentConfig) {
    this.#config = config
  }

  /** What is to be said of each address, by its canonical text. */
  get verdicts(): ReadonlyMap<string, Verdict> {
    return this.#verdicts
  }

  /** Takes a Service's new state, or its end, and returns the addresses decided anew. */
  setService(key: string, service: ServiceView | undefined): string[] {
    const touched = new Set(this.#addressesOf.get(key))
    for (const address of touched) this.#claims.get(address)?.delete(key)
    this.#addressesOf.delete(key)
    if (service !== undefined) {
      const claims = Map.groupBy(claimsOf(service), (claim) => claim.address)
      for (const [address, list] of claims) {
        const others = this.#claims.get(address) ?? new Map<string, Claim[]>()
        this.#claims.set(address, others.set(key, list))
        touched.add(address)
      }
      this.#addressesOf.set(key, [...claims.keys()])
    }
    return this.#decide(touched)
  }

  /** Takes a slice's new state, or its end, and returns the addresses decided anew. */
  setSlice(key: string, slice: SliceFacts | undefined): string[] {
    const before = this.#serviceOfSlice.get(key)
    const now = slice?.service
    if (before !== undefined) {
      const slices = this.#slicesOf.get(before)
      slices?.delete(key)
      if (slices?.size === 0) this.#slicesOf.delete(before)
      this.#serviceOfSlice.delete(key)
    }
    if (slice !== undefined && now !== undefined) {
      const slices = this.#slicesOf.get(now) ?? new Map<string, SliceFacts>()
      this.#slicesOf.set(now, slices.set(key, slice))
      this.#serviceOfSlice.set(key, now)
    }
    const services = new Set([before, now].filter((service) => service !== undefined))
    return this.#decide(new Set([...services].flatMap((service) => this.#addressesOf.get(service) ?? [])))
  }

  /** Takes this node's new state and returns the addresses decided anew: all, when it matters to announcing. */
  setNode(node: NodeView | undefined): string[] {
    const didMatter = relevantPart(this.#node)
    this.#node = node
    return relevantPart(node) === didMatter ? [] : this.#decide(this.#claims.keys())
  }

  #decide(addresses: Iterable<string>): string[] {
    const context = {
      config: this.#config,
      node: this.#node,
      slicesOf: (service: string) => this.#slicesOf.get(service)?.values() ?? [],
    }
    const touched = [...addresses]
    for (const address of touched) {
      const claims = [...(this.#claims.get(address)?.values() ?? [])].flat()
      if (claims.length > 0) {
        this.#verdicts.set(address, decideAddress(claims, context))
        continue
      }
      this.#claims.delete(address)
      this.#verdicts.delete(address)
    }
    return touched
  }
}

/** Heartbeats and images change a Node all the time, and decide nothing. */
function relevantPart(node: NodeView | undefined): string {
  return JSON.stringify([node?.labels, node?.addresses, node?.isNotReady, node?.isNetworkUnavailable])
}
