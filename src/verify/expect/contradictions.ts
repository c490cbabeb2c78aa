/** Expectations that name what is not there, or that cannot both hold: no verdict is possible before they are mended. */
import type { Diagnostic } from '../../diagnostics/diagnostic.ts'
import type { Expectation } from '../../intent/model.ts'
import { findNearest } from '../../intent/nearest.ts'
import type { Plan } from '../../plan/model.ts'
import type { VerifyContext } from '../checks/context.ts'
import { destinationsOf, isEndpoint, sourcesOf } from './endpoints.ts'

type Pairwise = Extract<Expectation, { from: string }>

/** Problems of the expectations themselves; empty when they can be judged. */
export function findContradictions(context: VerifyContext): Diagnostic[] {
  const pairwise = context.plan.expect.filter((entry): entry is Pairwise => entry.kind !== 'survive')
  const unknown = pairwise.flatMap((entry) => unknownEndpoints(context, entry))
  if (unknown.length > 0) return unknown
  const isolates = pairwise.filter((entry) => entry.kind === 'isolate')
  if (isolates.length === 0) return []
  const expand = expander(context.plan)
  const theirs = isolates.map(expand)
  return pairwise
    .filter((entry) => entry.kind === 'reach')
    .flatMap((reach) => {
      const ours = expand(reach)
      return theirs.flatMap((isolate): Diagnostic[] => {
        const pair = commonPair(ours, isolate)
        return pair === null ? [] : [contradiction(context, reach, isolate.entry, pair)]
      })
    })
}

function unknownEndpoints({ plan, locate }: VerifyContext, entry: Pairwise): Diagnostic[] {
  const named = [
    { name: entry.from, path: `${entry.path}.${entry.kind}.from` },
    ...entry.to.map((name) => ({ name, path: `${entry.path}.${entry.kind}.to` })),
  ]
  return named
    .filter(({ name }) => !isEndpoint(plan, name))
    .map(({ name, path }) => {
      const nearest = findNearest(
        name,
        plan.devices.map((device) => device.name),
      )
      return {
        code: 'WEFT_VERIFY_ENDPOINT',
        severity: 'error' as const,
        message: `there is no device "${name}" in the plan`,
        path,
        ...at(locate(path)),
        found: name,
        expected: 'a device of the plan, a peer, <site>.nodes|pods|services|switches, peers or services',
        hint:
          nearest === null ? 'run `weft plan --show devices` for the names' : `did you mean "${nearest}"?`,
      }
    })
}

function contradiction(
  { locate }: VerifyContext,
  reach: Pairwise,
  isolate: Pairwise,
  [from, to]: [string, string],
): Diagnostic {
  const path = `${isolate.path}.isolate`
  const line = locate(reach.path)?.line
  return {
    code: 'WEFT_VERIFY_CONTRADICTION',
    severity: 'error',
    message: `${from} is to reach ${to}${line === undefined ? '' : ` (line ${line})`} and to be isolated from it`,
    path,
    ...at(locate(path)),
    found: `reach ${reach.from} → ${reach.to.join(', ')}; isolate ${isolate.from} → ${isolate.to.join(', ')}`,
    expected: 'expectations that can all hold',
    hint: 'take one of the two out, or name the part that is meant',
  }
}

interface Expanded {
  entry: Pairwise
  part: string
  sources: ReadonlySet<string>
  /** Destination → its owner. */
  destinations: ReadonlyMap<string, string>
}

/** Statements as sets; equal words are worked out once. */
function expander(plan: Plan): (entry: Pairwise) => Expanded {
  const sources = new Map<string, ReadonlySet<string>>()
  const keys = new Map<string, ReadonlyMap<string, string>>()
  return (entry) => {
    const from = sources.get(entry.from) ?? new Set(sourcesOf(plan, entry.from).map((device) => device.name))
    sources.set(entry.from, from)
    const destinations = entry.to.map((name) => {
      const known = keys.get(name) ?? destinationKeys(plan, name)
      keys.set(name, known)
      return known
    })
    return {
      entry,
      part: partOf(entry.from),
      sources: from,
      destinations:
        destinations.length === 1 ? destinations[0]! : new Map(destinations.flatMap((map) => [...map])),
    }
  }
}

/** A source and a destination that both statements speak of. */
function commonPair(one: Expanded, other: Expanded): [string, string] | null {
  if (one.part !== other.part) return null
  const sources: string[] = []
  for (const source of one.sources) {
    // Two are enough: one of them is not the owner of the destination.
    if (other.sources.has(source) && sources.push(source) === 2) break
  }
  if (sources.length === 0) return null
  for (const [key, owner] of one.destinations) {
    const source = sources.find((name) => name !== owner)
    if (source !== undefined && other.destinations.has(key)) return [source, key]
  }
  return null
}

/** `dc1.pods` and `dc1.nodes` start at the same devices and are not the same. */
function partOf(name: string): string {
  return name.endsWith('.pods') ? 'pods' : 'device'
}

/** What destinations are called when two statements are compared, with their owners. */
function destinationKeys(plan: Plan, name: string): Map<string, string> {
  return new Map(
    destinationsOf(plan, name).map(({ address, owner, origins, prefix }) => [
      origins === null ? address : `${prefix} at ${owner.name}`,
      owner.name,
    ]),
  )
}

function at<T>(position: T | undefined): { at: T } | Record<string, never> {
  return position === undefined ? {} : { at: position }
}
