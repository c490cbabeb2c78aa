import type { NodeView, ServiceView } from '../../kube/views.ts'
import type { AgentConfig } from '../config.ts'
import { type Claim, claimsOf } from './claims.ts'
import { type DecisionContext, decideAddress, findPool } from './decide.ts'
import type { Decision, Verdict } from './decision.ts'
import type { SliceFacts } from './endpoints.ts'

/**
 * The same answers as `desiredRoutes` for every address that can matter, kept up to date: each change of an object decides anew only about the addresses
 * it can touch, so that the cost of an event does not grow with the number of Services.
 */
export class DesiredIndex {
  readonly #config: AgentConfig
  readonly #verdicts = new Map<string, Verdict>()
  /** Lists, not maps: nearly every address has one claim and every Service one slice, and a map is ten times a list; made by concat, which leaves no room for more. */
  readonly #claims = new Map<string, readonly Claim[]>()
  readonly #addressesOf = new Map<string, readonly string[]>()
  readonly #slices = new Map<string, SliceFacts>()
  readonly #slicesOf = new Map<string, readonly SliceFacts[]>()
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
    for (const address of touched) {
      const others = (this.#claims.get(address) ?? []).filter((claim) => claim.service.key !== key)
      this.#claims.set(address, others)
    }
    this.#addressesOf.delete(key)
    if (service !== undefined) {
      const claims = claimsOf(service).filter((claim) => !this.#isIdle(claim))
      for (const claim of claims) {
        this.#claims.set(claim.address, (this.#claims.get(claim.address) ?? []).concat(claim))
        touched.add(claim.address)
      }
      if (claims.length > 0) this.#addressesOf.set(key, [...new Set(claims.map(({ address }) => address))])
    }
    return this.#decide(touched)
  }

  /** Takes a slice's new state, or its end, and returns the addresses decided anew. */
  setSlice(key: string, slice: SliceFacts | undefined): string[] {
    const before = this.#slices.get(key)
    if (before !== undefined) {
      const others = (this.#slicesOf.get(before.service) ?? []).filter((each) => each !== before)
      if (others.length > 0) this.#slicesOf.set(before.service, others)
      else this.#slicesOf.delete(before.service)
      this.#slices.delete(key)
    }
    if (slice !== undefined) {
      this.#slices.set(key, slice)
      this.#slicesOf.set(slice.service, (this.#slicesOf.get(slice.service) ?? []).concat(slice))
    }
    const services = new Set([before?.service, slice?.service].filter((service) => service !== undefined))
    return this.#decide(new Set([...services].flatMap((service) => this.#addressesOf.get(service) ?? [])))
  }

  /** Takes this node's new state and returns the addresses decided anew: all, when it matters to announcing. */
  setNode(node: NodeView | undefined): string[] {
    const didMatter = relevantPart(this.#node)
    this.#node = node
    return relevantPart(node) === didMatter ? [] : this.#decide(this.#claims.keys())
  }

  /** What would be said of an address that is not kept, were it asked for. */
  explain(address: string, services: Iterable<ServiceView>): Decision | undefined {
    const claims = [...services].flatMap(claimsOf).filter((claim) => claim.address === address)
    return claims.length === 0 ? undefined : decideAddress(claims, this.#context).decision
  }

  /**
   * Every Service has a ClusterIP, and one outside the pools can never be announced: half of all addresses, of which
   * nobody wants to hear until he asks.
   */
  #isIdle({ source, parsed }: Claim): boolean {
    return source === 'cluster-ip' && (parsed === null || findPool(this.#config, parsed) === undefined)
  }

  get #context(): DecisionContext {
    return {
      config: this.#config,
      node: this.#node,
      slicesOf: (service: string) => this.#slicesOf.get(service) ?? [],
    }
  }

  #decide(addresses: Iterable<string>): string[] {
    const context = this.#context
    const touched = [...addresses]
    for (const address of touched) {
      const claims = this.#claims.get(address) ?? []
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
