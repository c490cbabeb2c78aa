/** Expectations that name what is not there, or that cannot both hold: no verdict is possible before they are mended. */
import type { Diagnostic } from '../../diagnostics/diagnostic.ts'
import type { Expectation } from '../../intent/model.ts'
import { findNearest } from '../../intent/nearest.ts'
import type { VerifyContext } from '../checks/context.ts'
import { destinationsOf, isEndpoint, sourcesOf } from './endpoints.ts'

type Pairwise = Extract<Expectation, { from: string }>

/** Problems of the expectations themselves; empty when they can be judged. */
export function findContradictions(context: VerifyContext): Diagnostic[] {
  const pairwise = context.plan.expect.filter((entry): entry is Pairwise => entry.kind !== 'survive')
  const unknown = pairwise.flatMap((entry) => unknownEndpoints(context, entry))
  if (unknown.length > 0) return unknown
  const reaches = pairwise.filter((entry) => entry.kind === 'reach')
  const isolates = pairwise.filter((entry) => entry.kind === 'isolate')
  return reaches.flatMap((reach) =>
    isolates.flatMap((isolate): Diagnostic[] => {
      const pair = commonPair(context, reach, isolate)
      return pair === null ? [] : [contradiction(context, reach, isolate, pair)]
    }),
  )
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

/** A source and a destination that both statements speak of. */
function commonPair({ plan }: VerifyContext, one: Pairwise, other: Pairwise): [string, string] | null {
  const others = new Set(sourcesOf(plan, other.from).map((device) => device.name))
  const isSamePart = partOf(one.from) === partOf(other.from)
  const sources = isSamePart ? sourcesOf(plan, one.from).filter((device) => others.has(device.name)) : []
  if (sources.length === 0) return null
  const theirs = new Set(other.to.flatMap((name) => [...destinationKeys(plan, name).keys()]))
  for (const name of one.to) {
    for (const [key, owner] of destinationKeys(plan, name)) {
      const source = sources.find((device) => device.name !== owner)
      if (theirs.has(key) && source !== undefined) return [source.name, key]
    }
  }
  return null
}

/** `dc1.pods` and `dc1.nodes` start at the same devices and are not the same. */
function partOf(name: string): string {
  return name.endsWith('.pods') ? 'pods' : 'device'
}

/** What destinations are called when two statements are compared, with their owners. */
function destinationKeys(plan: Parameters<typeof destinationsOf>[0], name: string): Map<string, string> {
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
