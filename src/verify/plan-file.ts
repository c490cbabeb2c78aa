/**
 * Reads a plan that was written as JSON: by `weft plan -o json`, perhaps edited by hand, perhaps by another tool.
 *
 * Checks assume the shape of a plan and that its names lead somewhere. Here is where that is made sure; what the numbers
 * and policies say is theirs to judge.
 */
import * as z from 'zod'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { readPrefix } from '../net/prefix.ts'
import type { Plan, PrefixEntry, RoutePolicy } from '../plan/model.ts'
import { roles } from '../plan/roles.ts'

const text = z.string()
const integer = z.int()
const nullable = text.nullable()
const prefix = text.refine((value) => typeof readPrefix(value) !== 'string', 'not a prefix')
const hostOnLink = text.regex(/^[0-9a-fA-F:.]+\/\d{1,3}$/, 'not an address with a prefix length')
const role = z.enum(roles)
const linkClass = z.enum(['node', 'fabric', 'border', 'dci', 'edge'])
const scope = z.enum(['rack', 'site', 'global', 'edge'])
const pool = z.looseObject({ prefix, scope })
const prefixEntry = z.looseObject({ prefix, ge: integer.optional(), le: integer.optional() })

const device = z.looseObject({
  name: text,
  role,
  site: nullable,
  pod: nullable,
  rack: nullable,
  plane: integer.nullable(),
  tier: integer,
  asn: integer,
  routerId: text,
  loopbacks: z.array(prefix),
  podCidrs: z.array(prefix),
  vips: z.array(prefix),
  attachment: z.enum(['ebgp', 'ibgp']).nullable(),
  interfaces: z.array(
    z.looseObject({
      name: text,
      link: text,
      peerDevice: text,
      peerInterface: text,
      addresses: z.array(hostOnLink),
    }),
  ),
  originates: z.array(
    z.looseObject({ prefix, via: z.enum(['network', 'aggregate', 'kernel']), policy: nullable }),
  ),
  maximumPaths: integer.min(1),
  hashSeed: integer,
  path: text,
})

const sessionEnd = z.looseObject({
  device: text,
  interface: text,
  neighborAddress: nullable,
  group: text,
  import: text,
  export: text,
  accept: z.array(prefixEntry).nullable(),
  acceptAsPath: nullable,
  maximumPrefixes: integer.nullable(),
  routeReflectorClient: z.boolean(),
  nextHopSelf: z.boolean(),
  removePrivateAs: z.boolean(),
  defaultOriginate: nullable,
})

const session = z.looseObject({
  link: text,
  class: linkClass,
  type: z.enum(['ebgp', 'ibgp']),
  unnumbered: z.boolean(),
  families: z.array(z.enum(['ipv4', 'ipv6'])),
  timers: z.looseObject({ keepaliveSeconds: integer.min(0), holdSeconds: integer.min(0) }),
  bfd: nullable,
  gtsm: z.boolean(),
  password: nullable,
  a: sessionEnd,
  b: sessionEnd,
})

const communities = z.array(text).optional()
const term = z.looseObject({
  action: z.enum(['permit', 'deny']),
  match: z.looseObject({ prefixSet: text.optional(), anyCommunity: communities }),
  set: z.looseObject({
    addCommunities: communities,
    replaceCommunities: communities,
    localPreference: integer.optional(),
    prepend: integer.min(0).max(20).optional(),
  }),
})

const expectation = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('reach'),
    path: text,
    from: text,
    to: z.array(text),
    minimumWidth: integer.min(1),
  }),
  z.looseObject({ kind: z.literal('isolate'), path: text, from: text, to: z.array(text) }),
  z.looseObject({
    kind: z.literal('survive'),
    path: text,
    fail: z.array(z.enum(['link', 'device', 'site'])),
    count: integer.min(1),
    outageMilliseconds: z.number().nullable(),
  }),
])

const linkEnd = z.looseObject({ device: text, interface: text })

const planShape = z.looseObject({
  name: text,
  frr: z.looseObject({ major: integer, minor: integer }),
  ecmpHash: z.enum(['l3', 'l4', 'inner']),
  sites: z.array(z.looseObject({ name: text, nodes: z.array(prefix), services: z.array(pool) })),
  devices: z.array(device).min(1),
  links: z.array(z.looseObject({ id: text, class: linkClass, a: linkEnd, b: linkEnd })),
  sessions: z.array(session),
  policies: z.record(text, z.looseObject({ terms: z.array(term) })),
  prefixSets: z.record(text, z.looseObject({ entries: z.array(prefixEntry) })),
  communities: z.record(text, text),
  bfdProfiles: z.record(
    text,
    z.looseObject({
      transmitMilliseconds: integer.min(1),
      receiveMilliseconds: integer.min(1),
      multiplier: integer.min(1),
    }),
  ),
  clusters: z.array(z.looseObject({ name: text, controlPlane: z.array(text) })),
  globalServices: z.array(pool),
  capacity: z.array(
    z.looseObject({ site: nullable, resource: text, used: z.number(), total: z.number(), runsOut: nullable }),
  ),
  scale: z.array(z.looseObject({ site: text, role, devices: z.number(), prefixes: z.number() })),
  expect: z.array(expectation),
})

/** Does a text look like a plan rather than an intent? */
export function isPlanText(content: string): boolean {
  return /^\s*\{/.test(content) && content.includes('"bfdProfiles"')
}

/** The plan a text holds, or what is wrong with it: at most ten problems, the first ones. */
export function readPlan(content: string, file: string): { plan: Plan | null; diagnostics: Diagnostic[] } {
  const bad = (message: string, path?: string): Diagnostic => ({
    code: 'WEFT_VERIFY_PLAN',
    severity: 'error',
    message: `${file}: ${message}`,
    ...(path !== undefined && { path }),
    hint: 'a plan is written by: weft plan -o json > plan.json',
  })
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (error) {
    return { plan: null, diagnostics: [bad(`not JSON (${(error as Error).message})`)] }
  }
  const read = planShape.safeParse(value)
  if (!read.success) {
    const issues = read.error.issues.slice(0, 10)
    return {
      plan: null,
      diagnostics: issues.map(({ message, path }) => bad(`not a plan: ${message}`, path.join('.'))),
    }
  }
  const plan = value as Plan
  const dangling = [...danglingNames(plan)].slice(0, 10)
  if (dangling.length > 0) {
    return { plan: null, diagnostics: dangling.map(({ message, path }) => bad(message, path)) }
  }
  return { plan, diagnostics: [] }
}

/** Names that lead nowhere. Policies may be missing: that is a finding, as FRR takes such a configuration. */
function* danglingNames(plan: Plan): Generator<{ message: string; path: string }> {
  const devices = new Set<string>()
  for (const { name } of plan.devices) {
    if (devices.has(name)) yield { message: `two devices are named ${name}`, path: 'devices' }
    devices.add(name)
  }
  for (const [index, { a, b, bfd, link }] of plan.sessions.entries()) {
    const path = `sessions.${index}`
    for (const end of [a, b]) {
      if (!devices.has(end.device))
        yield { message: `session ${link} names the unknown device ${end.device}`, path }
      yield* badEntries(end.accept ?? [], path)
      if (end.acceptAsPath !== null && !isExpression(end.acceptAsPath))
        yield { message: `${end.acceptAsPath} is no regular expression`, path }
    }
    if (a.device === b.device) yield { message: `session ${link} has ${a.device} at both ends`, path }
    if (bfd !== null && !Object.hasOwn(plan.bfdProfiles, bfd))
      yield { message: `session ${link} has the unknown BFD profile ${bfd}`, path }
  }
  for (const [name, policy] of Object.entries(plan.policies)) yield* unknownNames(plan, name, policy)
  for (const [name, { entries }] of Object.entries(plan.prefixSets))
    yield* badEntries(entries, `prefixSets.${name}`)
}

function* unknownNames(plan: Plan, name: string, { terms }: RoutePolicy) {
  const path = `policies.${name}`
  for (const { match, set } of terms) {
    if (match.prefixSet !== undefined && !Object.hasOwn(plan.prefixSets, match.prefixSet))
      yield { message: `policy ${name} matches on the unknown prefix set ${match.prefixSet}`, path }
    const named = [
      ...(match.anyCommunity ?? []),
      ...(set.addCommunities ?? []),
      ...(set.replaceCommunities ?? []),
    ]
    for (const community of named) {
      if (!Object.hasOwn(plan.communities, community))
        yield { message: `policy ${name} names the unknown community ${community}`, path }
    }
  }
}

function* badEntries(entries: readonly PrefixEntry[], path: string) {
  for (const { prefix: outer, ge, le } of entries) {
    const length = Number(outer.split('/')[1])
    if ((ge ?? length) < length || (le ?? 128) < (ge ?? length))
      yield { message: `${outer} ge ${ge} le ${le} matches nothing`, path }
  }
}

function isExpression(expression: string): boolean {
  try {
    new RegExp(expression.replaceAll('_', '( |^|$)'))
    return true
  } catch {
    return false
  }
}
