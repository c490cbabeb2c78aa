/** What every routing table should hold when the whole plan is up: the yardstick of `weft lab status`. */
import { contains } from '../../net/prefix.ts'
import type { Origination, Plan } from '../../plan/model.ts'
import { bareRoute, evaluatorOf, type RouteAttributes } from './policy.ts'
import {
  type Adjacency,
  buildNetwork,
  type Failed,
  type Network,
  propagate,
  type Selection,
} from './propagate.ts'

export interface ExpectedRoute {
  /** Originated by the device itself. */
  local: boolean
  /** Local aggregates discard what no more specific route takes. */
  discard: boolean
  /** Equal-cost next hops in order of the neighbour's name; empty for local routes. */
  nextHops: { interface: string; device: string }[]
  /** AS path of the route that is announced further. */
  asPath: number[]
  /** Names of the plan's communities on that route. */
  communities: string[]
}

/** Device → prefix → route, for everything the plan originates. */
export type ExpectedTables = Map<string, Map<string, ExpectedRoute>>

const defaultPrefixes = ['0.0.0.0/0', '::/0']

/**
 * Expected tables of the whole plan. Service addresses that agents announce are not in the plan, so not in here.
 *
 * @param options.pods false when no node has its pod prefix in the kernel (a lab without Kubernetes)
 * @param options.without what is out of service; a dead device has an empty table
 */
export function expectedRoutes(
  plan: Plan,
  options: { pods?: boolean; without?: Failed } = {},
): ExpectedTables {
  const network = buildNetwork(plan, { without: options.without })
  const tables: ExpectedTables = new Map(plan.devices.map((device) => [device.name, new Map()]))
  const originsOf = collectOrigins(
    plan,
    (origination) => origination.via !== 'kernel' || options.pods !== false,
  )
  const record = (prefix: string, selections: Map<string, Selection>, isAggregate: boolean) => {
    for (const [device, selection] of selections)
      tables.get(device)!.set(prefix, toExpected(selection, isAggregate))
  }

  for (const [prefix, origins] of originsOf.specific)
    record(prefix, propagate(network, prefix, origins), false)
  for (const [prefix, origins] of originsOf.aggregates) {
    const active = new Map(
      [...origins].filter(([device]) => hasContributor(plan, tables.get(device)!, prefix)),
    )
    record(prefix, propagate(network, prefix, active), true)
  }
  for (const prefix of defaultPrefixes) {
    const injected = defaultOriginators(plan, network, tables, prefix)
    const selections = propagate(network, prefix, originsOf.defaults.get(prefix) ?? new Map(), injected)
    if (selections.size > 0) record(prefix, selections, false)
  }
  return tables
}

type Origins = Map<string, Map<string, RouteAttributes>>

function collectOrigins(plan: Plan, includes: (origination: Origination) => boolean) {
  const specific: Origins = new Map()
  const aggregates: Origins = new Map()
  const defaults: Origins = new Map()
  for (const device of plan.devices) {
    for (const origination of device.originates.filter(includes)) {
      const { prefix, policy, via } = origination
      const attributes = policy === null ? bareRoute : evaluatorOf(plan, prefix).apply(policy, bareRoute)
      if (attributes === null) continue
      const target = via === 'aggregate' ? aggregates : defaultPrefixes.includes(prefix) ? defaults : specific
      const origins = target.get(prefix) ?? new Map<string, RouteAttributes>()
      target.set(prefix, origins.set(device.name, attributes))
    }
  }
  return { specific, aggregates, defaults }
}

function hasContributor(plan: Plan, table: ReadonlyMap<string, ExpectedRoute>, aggregate: string): boolean {
  const outer = evaluatorOf(plan, aggregate).prefix
  for (const prefix of table.keys())
    if (prefix !== aggregate && contains(outer, evaluatorOf(plan, prefix).prefix)) return true
  return false
}

/** Session ends that send a default route because their device has a route that their condition asks for. */
function defaultOriginators(
  plan: Plan,
  network: Network,
  tables: ExpectedTables,
  prefix: string,
): Adjacency[] {
  const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
  return [...network.adjacencies.values()].flat().filter(({ local, session }) => {
    if (local.defaultOriginate === null || !session.families.includes(family)) return false
    const condition = local.defaultOriginate
    return [...tables.get(local.device)!].some(
      ([known, route]) =>
        evaluatorOf(plan, known).apply(condition, {
          ...bareRoute,
          asPath: route.asPath,
          communities: new Set(route.communities),
        }) !== null,
    )
  })
}

function toExpected(selection: Selection, isAggregate: boolean): ExpectedRoute {
  return {
    local: selection.local,
    discard: selection.local && isAggregate,
    nextHops: selection.paths.map(({ via }) => ({
      interface: via.local.interface,
      device: via.remote.device,
    })),
    asPath: [...selection.attributes.asPath],
    communities: [...selection.attributes.communities].sort(),
  }
}
