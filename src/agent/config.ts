import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { WeftError } from '../diagnostics/error.ts'
import { type Address, formatAddress, parseAddress } from '../net/address.ts'
import { type Prefix, readPrefix } from '../net/prefix.ts'

/** How far a service address may travel; it picks the route map `VIP-<scope>` of the base configuration. */
const scopes = ['rack', 'site', 'global', 'edge'] as const
export type Scope = (typeof scopes)[number]

/** A range of service addresses that may be announced from this node. */
export interface Pool {
  name: string
  prefix: Prefix
  scope: Scope
}

export interface AgentConfig {
  /** The Node object this process speaks for. */
  node: string
  site?: string
  api: { url: string; tokenFile?: string; caFile?: string } | 'in-cluster'
  frr: { pathspace?: string; runDirectory?: string }
  /** When given, bgpd must run this AS: a guard against the wrong configuration on the wrong node. */
  localAs?: number
  pools: Pool[]
  /** The node's own addresses: never announced as a Service's, never removed. */
  loopbacks: Address[]
  /** Service addresses that the base configuration announces; they are not the agent's. */
  staticVips: Address[]
  podCidrs: Prefix[]
  announceClusterIPs: boolean
  allowExternalIPs: boolean
  /** What happens to the routes when the agent is told to stop. */
  onShutdown: 'stay' | 'withdraw'
  /** How often FRR and the kernel are read again, in case somebody else changed them. */
  resyncSeconds: number
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  statusSocket?: string
  metrics?: { host: string; port: number }
}

/** Reads the agent's JSON configuration; every problem of the file is reported at once. */
export function parseAgentConfig(text: string): { config: AgentConfig } | { problems: Diagnostic[] } {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (error) {
    return { problems: [problem('', (error as Error).message, 'a JSON object')] }
  }
  const reader = new FieldReader(raw)
  const config = readConfig(reader)
  const problems = [...reader.problems, ...reader.unknownKeys()]
  return problems.length > 0 ? { problems } : { config }
}

/** The error a process ends with when its configuration cannot be used. */
export function configError(file: string, problems: readonly Diagnostic[]): WeftError {
  const lines = problems.map(
    ({ path, message, expected }) =>
      `${path || '(file)'}: ${message}${expected ? `, expected ${expected}` : ''}`,
  )
  return new WeftError('WEFT_AGENT_CONFIG', `${file} cannot be used:\n${lines.join('\n')}`, {
    hint: 'docs/reference/agent.md lists every field',
    exitCode: 2,
  })
}

function readConfig(reader: FieldReader): AgentConfig {
  const site = reader.optional('site', 'a text', asText)
  const localAs = reader.optional('localAs', 'an AS number', asInteger)
  const statusSocket = reader.optional('statusSocket', 'a path', asText)
  const metrics = reader.optional('metricsAddress', 'host:port', asHostPort)
  return {
    node: reader.required('node', 'the name of the Node object', asText),
    api: reader.required('api', '{"url": …} or "in-cluster"', asApi),
    frr: reader.optional('frr', '{"pathspace": …, "runDirectory": …}', asFrr) ?? {},
    pools: reader.required('pools', `[{name, cidr, scope: ${scopes.join(' | ')}}]`, asListOf(asPool)),
    loopbacks: reader.optional('loopbacks', 'a list of addresses', asListOf(asAddress)) ?? [],
    staticVips: reader.optional('staticVips', 'a list of addresses', asListOf(asAddress)) ?? [],
    podCidrs: reader.optional('podCidrs', 'a list of prefixes', asListOf(asPrefix)) ?? [],
    announceClusterIPs: reader.optional('announceClusterIPs', 'true or false', asFlag) ?? false,
    allowExternalIPs: reader.optional('allowExternalIPs', 'true or false', asFlag) ?? false,
    onShutdown: reader.optional('onShutdown', 'stay or withdraw', asOneOf(['stay', 'withdraw'])) ?? 'stay',
    resyncSeconds: reader.optional('resyncSeconds', 'whole seconds above 0', asInteger) ?? 10,
    logLevel:
      reader.optional(
        'logLevel',
        'debug, info, warn or error',
        asOneOf(['debug', 'info', 'warn', 'error']),
      ) ?? 'info',
    ...(site === undefined ? {} : { site }),
    ...(localAs === undefined ? {} : { localAs }),
    ...(statusSocket === undefined ? {} : { statusSocket }),
    ...(metrics === undefined ? {} : { metrics }),
  }
}

/** A value of the wanted kind, or undefined. */
type Reader<T> = (value: unknown) => T | undefined

class FieldReader {
  readonly problems: Diagnostic[] = []
  readonly #fields: Record<string, unknown>
  readonly #known = new Set<string>()

  constructor(raw: unknown) {
    this.#fields = asRecord(raw) ?? {}
    if (asRecord(raw) === undefined) this.problems.push(problem('', 'not an object', 'a JSON object'))
  }

  required<T>(name: string, expected: string, read: Reader<T>): T {
    const value = this.optional(name, expected, read)
    if (this.#fields[name] === undefined) this.problems.push(problem(name, 'is missing', expected))
    // The caller drops the result when there are problems.
    return value as T
  }

  optional<T>(name: string, expected: string, read: Reader<T>): T | undefined {
    this.#known.add(name)
    const raw = this.#fields[name]
    if (raw === undefined) return undefined
    const value = read(raw)
    if (value === undefined) this.problems.push(problem(name, `found ${JSON.stringify(raw)}`, expected))
    return value
  }

  unknownKeys(): Diagnostic[] {
    const unknown = Object.keys(this.#fields).filter((name) => !this.#known.has(name))
    return unknown.map((name) =>
      problem(name, 'is no setting of the agent', `one of ${[...this.#known].join(', ')}`),
    )
  }
}

function problem(path: string, message: string, expected: string): Diagnostic {
  return { code: 'WEFT_AGENT_CONFIG', severity: 'error', path, message, expected }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isRecord ? (value as Record<string, unknown>) : undefined
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function asFlag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

function asInteger(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined
}

function asOneOf<T extends string>(allowed: readonly T[]): Reader<T> {
  return (value) => allowed.find((entry) => entry === value)
}

function asListOf<T>(read: Reader<T>): Reader<T[]> {
  return (value) => {
    if (!Array.isArray(value)) return undefined
    const entries = value.map(read)
    return entries.includes(undefined) ? undefined : (entries as T[])
  }
}

/** An address; a /32 or /128 behind it is allowed, since that is how plans write loopbacks. */
function asAddress(value: unknown): Address | undefined {
  return typeof value === 'string' ? (parseAddress(value.replace(/\/(32|128)$/, '')) ?? undefined) : undefined
}

function asPrefix(value: unknown): Prefix | undefined {
  const prefix = typeof value === 'string' ? readPrefix(value) : 'not-an-address'
  return typeof prefix === 'string' ? undefined : prefix
}

function asPool(value: unknown): Pool | undefined {
  const raw = asRecord(value) ?? {}
  const name = asText(raw.name)
  const prefix = asPrefix(raw.cidr)
  const scope = asOneOf(scopes)(raw.scope)
  return name && prefix && scope ? { name, prefix, scope } : undefined
}

function asApi(value: unknown): AgentConfig['api'] | undefined {
  if (value === 'in-cluster') return value
  const raw = asRecord(value) ?? {}
  const url = asText(raw.url)
  if (url === undefined || !/^https?:\/\//.test(url)) return undefined
  const tokenFile = asText(raw.tokenFile)
  const caFile = asText(raw.caFile)
  return { url, ...(tokenFile ? { tokenFile } : {}), ...(caFile ? { caFile } : {}) }
}

function asFrr(value: unknown): AgentConfig['frr'] | undefined {
  const raw = asRecord(value)
  if (raw === undefined) return undefined
  const pathspace = asText(raw.pathspace)
  const runDirectory = asText(raw.runDirectory)
  return { ...(pathspace ? { pathspace } : {}), ...(runDirectory ? { runDirectory } : {}) }
}

function asHostPort(value: unknown): { host: string; port: number } | undefined {
  const found = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:]*)):(?<port>\d+)$/.exec(asText(value) ?? '')?.groups
  if (found === undefined) return undefined
  return { host: found.v6 ?? found.host ?? '', port: Number(found.port) }
}

/** Is this one of the node's own addresses, or one that the base configuration announces? */
export function isReserved(config: AgentConfig, address: Address): boolean {
  const text = formatAddress(address)
  return [...config.loopbacks, ...config.staticVips].some((own) => formatAddress(own) === text)
}
