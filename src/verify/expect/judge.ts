/**
 * Says of each expectation whether it holds.
 *
 * Every source counts. Destinations are all tried in plans of up to 300 devices, and one of each kind in larger ones
 * (routes/spreads.ts says what a kind is). Judged are routes: a peer that sends packets without having a route is not
 * stopped by routing, and not by this.
 */
import type { SourcePosition } from '../../diagnostics/diagnostic.ts'
import type { Expectation } from '../../intent/model.ts'
import type { Device } from '../../plan/model.ts'
import { plural, type VerifyContext } from '../checks/context.ts'
import { kindsOfDevices } from '../routes/kinds.ts'
import { setsHolding } from '../routes/prefix-sets.ts'
import { originsOf } from '../routes/spreads.ts'
import { propagate } from '../simulate/propagate.ts'
import { type Destination, destinationsOf, sourcesOf } from './endpoints.ts'
import { type Covering, Forwarding } from './forwarding.ts'

export type JudgementVerdict = 'ok' | 'violated' | 'undecided'

export interface Judgement {
  expectation: Expectation
  /** In words: `dc1.nodes reaches dc2.nodes, over 2 paths or more`. */
  statement: string
  verdict: JudgementVerdict
  /** The counter-example; or what was looked at; or why there is no answer. */
  message: string
  /** Packets along it; empty where there is none to draw. */
  trace: string[]
  devices: string[]
  /** How many more pairs fail like it. */
  others: number
  path: string
  at: SourcePosition | null
  mend: string | null
}

export interface SurviveAnswer {
  verdict: JudgementVerdict
  message: string
  trace?: string[]
  devices?: string[]
  others?: number
  mend?: string
}

export type SurviveJudge = (
  context: VerifyContext,
  expectation: Extract<Expectation, { kind: 'survive' }>,
) => SurviveAnswer

/** Judges all expectations of the plan. `shared` are routes that hold many addresses: aggregates and what peers announce. */
export function judgeExpectations(
  context: VerifyContext,
  shared: readonly Covering[],
  judgeSurvive: SurviveJudge,
): Judgement[] {
  const pick = samplerOf(context)
  return context.plan.expect.map((expectation) => {
    const answer =
      expectation.kind === 'survive'
        ? judgeSurvive(context, expectation)
        : judgePairs(context, expectation, shared, pick)
    return {
      expectation,
      statement: describeExpectation(expectation),
      verdict: answer.verdict,
      message: answer.message,
      trace: answer.trace ?? [],
      devices: answer.devices ?? [],
      others: answer.others ?? 0,
      path: expectation.path,
      at: context.locate(expectation.path) ?? null,
      mend: answer.mend ?? null,
    }
  })
}

/** An expectation as a sentence. */
function describeExpectation(expectation: Expectation): string {
  switch (expectation.kind) {
    case 'reach': {
      const { from, to, minimumWidth } = expectation
      return `${from} reaches ${to.join(', ')}${minimumWidth > 1 ? `, over ${minimumWidth} paths or more` : ''}`
    }
    case 'isolate':
      return `${expectation.from} never reaches ${expectation.to.join(', ')}`
    case 'survive': {
      const { fail, count, outageMilliseconds } = expectation
      const what =
        count === 1
          ? `any one ${fail.join(' or ')} fails`
          : `any ${count} ${fail.map((kind) => `${kind}s`).join(' or ')} fail`
      const within = outageMilliseconds === null ? '' : `, after at most ${outageMilliseconds} ms`
      return `all of that holds when ${what}${within}`
    }
  }
}

type Pairwise = Extract<Expectation, { from: string }>

interface Failure {
  source: Device
  destination: Destination
  reason: string
  trace: string[]
}

function judgePairs(
  context: VerifyContext,
  expectation: Pairwise,
  shared: readonly Covering[],
  pick: (destinations: Destination[]) => Destination[],
): SurviveAnswer {
  const sources = sourcesOf(context.plan, expectation.from)
  const all = expectation.to.flatMap((name) => destinationsOf(context.plan, name))
  const destinations = pick(all)
  let first: Failure | null = null
  let failures = 0
  let pairs = 0
  for (const destination of destinations) {
    const forwarding = new Forwarding(destination, [...shared, routeTo(context, destination)])
    for (const source of sources) {
      if (destination.owners.has(source.name) || !speaksTo(source, destination)) continue
      pairs++
      const failed = failureOf(expectation, source, forwarding)
      if (failed === null) continue
      failures++
      first ??= { source, destination, ...failed }
    }
  }
  if (pairs === 0) {
    return {
      verdict: 'undecided',
      message: nothingToJudge(expectation, sources, all),
      mend: 'name endpoints that have members',
    }
  }
  if (first !== null) return describeFailure(expectation, first, failures)
  const tried =
    destinations.length === all.length
      ? plural(all.length, 'address', 'addresses')
      : `${destinations.length} of ${all.length} addresses, one of each kind`
  return { verdict: 'ok', message: `${plural(sources.length, 'device')}, ${tried}` }
}

/** An address of one family is not expected at a device that has the other only. */
function speaksTo(source: Device, { address }: Destination): boolean {
  const isV6 = address.includes(':')
  return source.role === 'external' || source.loopbacks.some((prefix) => prefix.includes(':') === isV6)
}

function routeTo(context: VerifyContext, { address, prefix, origins, owner }: Destination): Covering {
  const announcedAs = origins === null ? prefix : address
  const known = knownRoutes.get(context) ?? new Map<string, Covering>()
  knownRoutes.set(context, known)
  const key = `${announcedAs} ${origins === null ? '' : owner.name}`
  const route = known.get(key) ?? {
    prefix: announcedAs,
    selections: propagate(context.routed, announcedAs, origins ?? originsOf(context.plan, announcedAs)),
  }
  // Enough for small plans, where the same addresses are asked for again and again; little in a large one.
  if (context.isExact) known.set(key, route)
  return route
}

const knownRoutes = new WeakMap<VerifyContext, Map<string, Covering>>()

function failureOf(
  expectation: Pairwise,
  source: Device,
  forwarding: Forwarding,
): { reason: string; trace: string[] } | null {
  const outcome = forwarding.outcomeFrom(source.name)
  if (expectation.kind === 'isolate') {
    if (outcome.kind === 'lost' && !outcome.isPartial) return null
    const trace = forwarding.pathFrom(source.name) ?? []
    return { reason: 'packets arrive', trace }
  }
  if (outcome.kind === 'lost') {
    const share = outcome.isPartial ? 'some flows are lost: ' : ''
    return { reason: `${share}${outcome.reason}`, trace: [...outcome.path, '✗'] }
  }
  const width = forwarding.widthFrom(source.name, expectation.minimumWidth)
  if (width >= expectation.minimumWidth) return null
  const trace = forwarding.pathFrom(source.name) ?? []
  return {
    reason: `${width === 1 ? 'one path' : `${width} paths`} without a common link, ${expectation.minimumWidth} expected`,
    trace,
  }
}

function describeFailure(
  expectation: Pairwise,
  { source, destination, reason, trace }: Failure,
  failures: number,
): SurviveAnswer {
  const { address, owner } = destination
  const target = destination.owners.size === 1 ? `${address} of ${owner.name}` : address
  return {
    verdict: 'violated',
    message: `${source.name} → ${target}: ${reason}`,
    trace,
    devices: [source.name, owner.name],
    others: failures - 1,
    mend:
      expectation.kind === 'isolate'
        ? 'take away what tells it the route: a peer’s `send`, a pool’s scope, `dci.carry`; or take the expectation back'
        : 'add the link or device that is missing, or what a peer sends and receives; or expect less',
  }
}

function nothingToJudge(
  { from, to }: Pairwise,
  sources: readonly Device[],
  all: readonly Destination[],
): string {
  if (sources.length === 0) return `${from} has no device that could send`
  if (all.length === 0) return `${to.join(', ')} has no address`
  return `${from} and ${to.join(', ')} are the same device, or speak different families`
}

/** One destination of each kind, where there are too many to try all. */
function samplerOf({ plan, isExact }: VerifyContext): (destinations: Destination[]) => Destination[] {
  if (isExact) return (all) => all
  const kinds = kindsOfDevices(plan)
  return (all) => {
    const chosen = new Map<string, Destination>()
    for (const destination of all) {
      const { segment, owner, prefix, origins } = destination
      const place = origins === null ? setsHolding(plan, owner.site, prefix) : prefix
      const key = `${segment} ${kinds.get(owner.name)} ${place} ${prefix.includes(':')}`
      if (!chosen.has(key)) chosen.set(key, destination)
    }
    return [...chosen.values()]
  }
}
