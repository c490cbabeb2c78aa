import type { Expectation } from '../intent/model.ts'
import { contains, parsePrefix } from '../net/prefix.ts'
import type { Plan } from '../plan/model.ts'
import { type Destination, destinationsOf, isEndpoint, sourcesOf } from '../verify/expect/endpoints.ts'
import { type ExpectedTables, expectedRoutes } from '../verify/simulate/expected-routes.ts'
import { listPaths, plannedForwarding } from './trace-forwarding.ts'

/** Packets from one device to one address, and what is to become of them. */
export interface MeshPair {
  from: string
  address: string
  /** Devices at which they have arrived. */
  owners: readonly string[]
  wanted: 'arrives' | 'stays away' | 'whatever'
}

/** A part of the matrix that was asked for together. */
export interface MeshStatement {
  text: string
  /** Place in weft.yaml, such as `expect[2]`; null for what the plan says as a whole. */
  path: string | null
  pairs: MeshPair[]
  /** Why something of it was not tried; null when all of it was. */
  untried: string | null
}

/** Service address → nodes that announce it now. */
export type LiveServices = ReadonlyMap<string, readonly string[]>

type Pairwise = Extract<Expectation, { from: string }>

/** The pairs that the intent's `reach` and `isolate` statements speak of. */
export function pairsOfIntent(plan: Plan, live: LiveServices, options: { pods: boolean }): MeshStatement[] {
  return plan.expect
    .filter((entry): entry is Pairwise => entry.kind !== 'survive')
    .map((entry) => {
      const unknown = [entry.from, ...entry.to].filter((name) => !isEndpoint(plan, name))
      const destinations = entry.to
        .filter((name) => isEndpoint(plan, name) && (options.pods || !isPods(name)))
        .flatMap((name) => concrete(destinationsOf(plan, name), live))
      const hasServices = entry.to.some((name) => name === 'services' || name.endsWith('.services'))
      const untried = [
        ...(unknown.length === 0 ? [] : [`the plan has no ${unknown.join(', ')}`]),
        ...(entry.to.some(isPods) && !options.pods ? ['the lab runs without pods'] : []),
        ...(hasServices && !destinations.some(({ isService }) => isService)
          ? ['no service address is announced now']
          : []),
      ]
      return {
        text: `${entry.kind} ${entry.from} → ${entry.to.join(', ')}`,
        path: entry.path,
        pairs: sourcesOf(plan, entry.from).flatMap(({ name }) =>
          destinations
            .filter(({ owners }) => !owners.includes(name))
            .map(({ address, owners }): MeshPair => {
              return {
                from: name,
                address,
                owners,
                wanted: entry.kind === 'reach' ? 'arrives' : 'stays away',
              }
            }),
        ),
        untried: untried.length === 0 ? null : untried.join('; '),
      }
    })
}

/** From every node to every other node, its pods and every announced service: what the plan says is to hold. */
export function pairsOfPlan(plan: Plan, live: LiveServices, options: { pods: boolean }): MeshStatement[] {
  const tables = expectedRoutes(plan, options)
  const nodes = plan.devices.filter(({ role }) => role === 'node')
  const statement = (text: string, destinations: readonly Target[], isPlanned: boolean): MeshStatement => ({
    text,
    path: null,
    pairs: nodes.flatMap(({ name }) =>
      destinations
        .filter(({ owners }) => !owners.includes(name))
        .map(({ address, owners }): MeshPair => {
          return {
            from: name,
            address,
            owners,
            wanted: isPlanned ? wantedBy(tables, name, address) : 'whatever',
          }
        }),
    ),
    untried: destinations.length === 0 ? 'there is none' : null,
  })
  const ofNodes = (part: string) =>
    plan.sites.flatMap(({ name }) => concrete(destinationsOf(plan, `${name}.${part}`), live))
  return [
    statement('nodes → nodes', ofNodes('nodes'), true),
    ...(options.pods ? [statement('nodes → pods', ofNodes('pods'), true)] : []),
    statement(
      'nodes → announced services',
      [...live].map(([address, owners]) => ({ address, owners, isService: true })),
      false,
    ),
  ]
}

function isPods(name: string): boolean {
  return name.endsWith('.pods')
}

function wantedBy(tables: ExpectedTables, from: string, address: string): MeshPair['wanted'] {
  const paths = listPaths(plannedForwarding(tables, from, address), from)
  return paths.every(({ isDelivered }) => isDelivered) ? 'arrives' : 'stays away'
}

interface Target {
  address: string
  owners: readonly string[]
  isService: boolean
}

/** Addresses that packets can be sent to now: of a service pool those that are announced. */
function concrete(destinations: readonly Destination[], live: LiveServices): Target[] {
  const targets = new Map<string, Target>()
  for (const { address, owners, origins, prefix } of destinations) {
    if (origins === null) {
      const host = address.split('/')[0] as string
      targets.set(host, { address: host, owners: [...owners], isService: false })
      continue
    }
    const pool = parsePrefix(prefix)
    for (const [service, announcers] of live)
      if (contains(pool, parsePrefix(`${service}/${service.includes(':') ? 128 : 32}`)))
        targets.set(service, { address: service, owners: announcers, isService: true })
  }
  return [...targets.values()]
}
