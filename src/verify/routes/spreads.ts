/**
 * Carries one prefix of every kind through the plan: what the route checks look at.
 *
 * In a plan of up to 300 devices (see checks/context.ts) that is every prefix. In a larger one prefixes that come from devices
 * with the same role and the same configuration, seen one session far, and that lie in the same prefix sets, travel
 * alike, and one stands for all of them: the cost then follows the number of kinds, not of nodes. Service addresses are
 * in no plan; one of each scope is tried from one node of each kind.
 */
import type { Scope } from '../../intent/model.ts'
import { addressAt, contains, formatPrefix, hostPrefix, type Prefix, parsePrefix } from '../../net/prefix.ts'
import { scopes } from '../../plan/communities.ts'
import type { Device, Origination, Plan, ServicePool } from '../../plan/model.ts'
import { bareRoute, evaluatorOf, type RouteAttributes } from '../simulate/policy.ts'
import { type Adjacency, type Network, propagate, type Selection } from '../simulate/propagate.ts'
import { kindsOfDevices } from './kinds.ts'
import { type Offer, refusedOffers } from './offers.ts'
import { setsHolding } from './prefix-sets.ts'
import type { RouteKind, Spread } from './spread.ts'

export interface Coverage {
  /** Prefixes of the plan that were carried through it. */
  carried: number
  /** Prefixes of the plan, all of which they stand for. */
  prefixes: number
  /** Service addresses that were tried, one of each scope from each kind of node. */
  services: number
}

interface Sample {
  prefix: string
  kind: RouteKind
  scope: Scope | null
  origin: Device
  origins: Map<string, RouteAttributes>
}

/** Hands every sampled route to `visit`, specific prefixes before aggregates and defaults, which depend on them. */
export function visitSpreads(network: Network, isExact: boolean, visit: (spread: Spread) => void): Coverage {
  const { plan } = network
  const originations = collect(plan)
  const sampled = sample(plan, originations, isExact)
  const holders = new AggregateWatch(originations.aggregates.keys())
  const defaults = new DefaultWatch(network)
  const carry = (entry: Sample, injected: readonly Adjacency[] = []) => {
    const selections = propagate(network, entry.prefix, entry.origins, injected)
    holders.see(entry.prefix, selections)
    defaults.see(entry.prefix, selections)
    let refused: Offer[] | null = null
    visit({
      ...entry,
      selections,
      refused: () => (refused ??= refusedOffers(network, entry.prefix, selections)),
    })
  }

  for (const entry of sampled) carry(entry)
  for (const [prefix, origins] of originations.aggregates) {
    const active = new Map([...origins].filter(([device]) => holders.hasContributor(prefix, device)))
    const [name] = active.keys()
    if (name === undefined) continue
    carry({ prefix, kind: 'aggregate', scope: null, origin: deviceNamed(plan, name), origins: active })
  }
  for (const prefix of ['0.0.0.0/0', '::/0']) {
    const origins = originations.defaults.get(prefix) ?? new Map<string, RouteAttributes>()
    const injected = defaults.senders(prefix)
    const name = origins.keys().next().value ?? injected[0]?.local.device
    if (name === undefined) continue
    carry({ prefix, kind: 'external', scope: null, origin: deviceNamed(plan, name), origins }, injected)
  }
  const { specific, aggregates, defaults: defaultRoutes } = originations
  const inPlan = sampled.filter(({ prefix }) => specific.has(prefix)).length
  const always = aggregates.size + defaultRoutes.size
  return {
    carried: inPlan + always,
    prefixes: specific.size + always,
    services: sampled.length - inPlan,
  }
}

interface Originations {
  specific: Map<string, { origins: Map<string, RouteAttributes>; first: Device; via: Origination['via'] }>
  aggregates: Map<string, Map<string, RouteAttributes>>
  defaults: Map<string, Map<string, RouteAttributes>>
}

const originationsOf = new WeakMap<Plan, Originations>()

function collect(plan: Plan): Originations {
  const known = originationsOf.get(plan)
  if (known !== undefined) return known
  const found: Originations = { specific: new Map(), aggregates: new Map(), defaults: new Map() }
  for (const device of plan.devices) {
    for (const { prefix, via, policy } of device.originates) {
      const attributes = policy === null ? bareRoute : evaluatorOf(plan, prefix).apply(policy, bareRoute)
      if (attributes === null) continue
      if (via !== 'aggregate' && !isDefault(prefix)) {
        const known = found.specific.get(prefix)
        if (known !== undefined) known.origins.set(device.name, attributes)
        else found.specific.set(prefix, { origins: new Map([[device.name, attributes]]), first: device, via })
        continue
      }
      const target = via === 'aggregate' ? found.aggregates : found.defaults
      target.set(prefix, (target.get(prefix) ?? new Map()).set(device.name, attributes))
    }
  }
  originationsOf.set(plan, found)
  return found
}

/** Who originates a prefix that is no aggregate and no default, and with what attributes. */
export function originsOf(plan: Plan, prefix: string): ReadonlyMap<string, RouteAttributes> {
  return collect(plan).specific.get(prefix)?.origins ?? new Map()
}

function sample(plan: Plan, { specific }: Originations, isExact: boolean): Sample[] {
  const kinds = kindsOfDevices(plan)
  const seen = new Set<string>()
  const samples: Sample[] = []
  for (const [prefix, { origins, first, via }] of specific) {
    const kind = kindOf(first, prefix, via)
    if (!isExact) {
      const key = `${kind} ${kinds.get(first.name)} ${origins.size} ${prefix.includes(':')} ${setsHolding(plan, first.site, prefix)}`
      if (seen.has(key)) continue
      seen.add(key)
    }
    samples.push({
      prefix,
      kind,
      scope: kind === 'service' ? poolScope(plan, first, prefix) : null,
      origin: first,
      origins,
    })
  }
  return [...samples, ...serviceSamples(plan, kinds)]
}

function kindOf(device: Device, prefix: string, via: Origination['via']): RouteKind {
  if (device.role === 'external') return 'external'
  if (device.role !== 'node') return 'switch'
  if (via === 'kernel') return 'pod'
  return device.loopbacks.includes(prefix) ? 'node' : 'service'
}

function poolScope(plan: Plan, device: Device, prefix: string): Scope | null {
  const inner = parsePrefix(prefix)
  return poolsOf(plan, device).find((pool) => contains(parsePrefix(pool.prefix), inner))?.scope ?? null
}

/** Pools that nodes of the device's site announce from. */
export function poolsOf(plan: Plan, device: Device): ServicePool[] {
  const site = plan.sites.find((candidate) => candidate.name === device.site)
  return [...(site?.services ?? []), ...plan.globalServices]
}

function serviceSamples(plan: Plan, kinds: ReadonlyMap<string, string>): Sample[] {
  const seen = new Set<string>()
  const taken = new Set(plan.devices.flatMap((device) => device.vips))
  return plan.devices.flatMap((device) => {
    const kind = kinds.get(device.name)!
    if (device.role !== 'node' || seen.has(kind)) return []
    seen.add(kind)
    return poolsOf(plan, device).flatMap((pool) =>
      scopes.flatMap((scope): Sample[] => {
        const prefix = sampleAddress(parsePrefix(pool.prefix), taken)
        const attributes = announced(plan, device, prefix, scope)
        if (attributes === null) return []
        return [
          { prefix, kind: 'service', scope, origin: device, origins: new Map([[device.name, attributes]]) },
        ]
      }),
    )
  })
}

/** The attributes with which the agent of a node announces a service address. */
export function announced(plan: Plan, device: Device, prefix: string, scope: Scope): RouteAttributes | null {
  const policy = `${device.site}.VIP-${scope}`
  if (!Object.hasOwn(plan.policies, policy)) return null
  return evaluatorOf(plan, prefix).apply(policy, bareRoute)
}

/** An address of the pool that nobody announces by configuration. */
export function sampleAddress(pool: Prefix, taken: ReadonlySet<string>): string {
  for (let index = 1; index < 64; index++) {
    const address = addressAt(pool, index)
    const prefix = formatPrefix(hostPrefix(address))
    if (!contains(pool, address)) break
    if (!taken.has(prefix)) return prefix
  }
  return formatPrefix(hostPrefix(addressAt(pool, 0)))
}

function isDefault(prefix: string): boolean {
  return prefix.endsWith('/0')
}

function deviceNamed(plan: Plan, name: string): Device {
  return plan.devices.find((device) => device.name === name)!
}

/** Who holds something more specific than an aggregate, and so announces it. */
class AggregateWatch {
  readonly #holders: Map<string, { outer: Prefix; devices: Set<string> }>

  constructor(aggregates: Iterable<string>) {
    this.#holders = new Map(
      [...aggregates].map((prefix) => [prefix, { outer: parsePrefix(prefix), devices: new Set() }]),
    )
  }

  see(prefix: string, selections: ReadonlyMap<string, Selection>): void {
    const inner = parsePrefix(prefix)
    for (const [aggregate, { outer, devices }] of this.#holders) {
      if (aggregate === prefix || !contains(outer, inner)) continue
      for (const device of selections.keys()) devices.add(device)
    }
  }

  hasContributor(aggregate: string, device: string): boolean {
    return this.#holders.get(aggregate)!.devices.has(device)
  }
}

/** Which sessions send a default route because their device has a route that their condition asks for. */
class DefaultWatch {
  readonly #waiting: Set<Adjacency>
  readonly #sending: Adjacency[] = []
  readonly #network: Network

  constructor(network: Network) {
    this.#network = network
    this.#waiting = new Set(
      [...network.adjacencies.values()].flat().filter(({ local }) => local.defaultOriginate !== null),
    )
  }

  see(prefix: string, selections: ReadonlyMap<string, Selection>): void {
    if (this.#waiting.size === 0) return
    const evaluator = evaluatorOf(this.#network.plan, prefix)
    for (const adjacency of this.#waiting) {
      const selection = selections.get(adjacency.local.device)
      if (selection === undefined) continue
      if (evaluator.apply(adjacency.local.defaultOriginate!, selection.attributes) === null) continue
      this.#waiting.delete(adjacency)
      this.#sending.push(adjacency)
    }
  }

  senders(prefix: string): Adjacency[] {
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
    return this.#sending.filter(({ session }) => session.families.includes(family))
  }
}
