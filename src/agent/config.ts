import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { WeftError } from '../diagnostics/error.ts'
import { type Address, formatAddress, parseAddress } from '../net/address.ts'
import { contains, type Prefix } from '../net/prefix.ts'
import {
  asAddress,
  asFlag,
  asHostPort,
  asInteger,
  asListOf,
  asNumberIn,
  asOneOf,
  asPrefix,
  asRecord,
  asText,
  asUrl,
  FieldReader,
  problem,
} from './config-fields.ts'
import { type LabelSelector, readLabelSelector } from './desired/label-selector.ts'

/** How far a service address may travel; it picks the route map `VIP-<scope>` of the base configuration. */
export const scopes = ['rack', 'site', 'global', 'edge'] as const
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
  /** Canonical texts of what is the node's, the base configuration's or the API's: derived, to be found quickly. */
  ownAddresses: ReadonlySet<string>
  /** Further ranges that are never a Service's: the fabric's own, name servers, management. */
  reserved: Prefix[]
  /** Where endpoints of this cluster may live: its pods and its nodes. Empty: anywhere. */
  endpointCidrs: Prefix[]
  announceClusterIPs: boolean
  allowExternalIPs: boolean
  /** Only LoadBalancer Services of this class; without it, only those of none, as Kubernetes has it. */
  loadBalancerClass?: string
  /** Names of namespaces; a Service elsewhere is not announced. */
  namespaces?: string[]
  /** On the labels of Services. */
  serviceSelector: LabelSelector
  /** When false, only Services with `weft.dev/announce: "true"` are. */
  announceByDefault: boolean
  /** What `weft.dev/communities` on a Service may ask for; `65000:*` allows everything that begins so. */
  allowedCommunities: string[]
  dataplane: DataplaneConfig
  guards: GuardConfig
  damping: DampingConfig
  drain: DrainConfig
  /** What happens to the routes when the agent is told to stop. */
  onShutdown: ShutdownPolicy
  /** How often FRR and the kernel are read again, in case somebody else changed them. */
  resyncSeconds: number
  /** Let bgpd say End-of-RIB after its start once the service addresses are announced again. */
  sendsEndOfRib: boolean
  /** Take a dead link out of all routes when BFD says so, ahead of FRR. */
  fastLocalRepair: boolean
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  statusSocket?: string
  metrics?: { host: string; port: number }
}

const detectors = ['none', 'weft-lab', 'kube-proxy', 'cilium'] as const

/** How the agent knows that this node forwards an address, before it announces it the first time. */
export interface DataplaneConfig {
  detector: (typeof detectors)[number]
  /** Where the detector asks; each has a default. */
  url?: string
}

/** What health signals alone may withdraw; what users delete or change is never held up. */
export interface GuardConfig {
  /**
   * `while-served`: the last node that can serve an address keeps it. `always`: also when no endpoint is usable
   * anywhere. `off`: never.
   */
  lastAnnouncer: 'while-served' | 'always' | 'off'
  /** The share of all addresses that may go, within a window, without another node that serves them. */
  withdrawShare: number
  /** So many may always go within a window, however few addresses there are. */
  withdrawMinimum: number
  windowSeconds: number
  /** How long after another node can serve an address this one keeps it: that node's time to announce. */
  moveMilliseconds: number
}

/** How often health may change what is said about one address. */
export interface DampingConfig {
  /** Changes that pass undelayed; 0 and more. */
  freeChanges: number
  /** The first delay; each further change doubles it. */
  holdDownSeconds: number
  maxHoldDownSeconds: number
  /** A quiet time this long forgets one change. */
  forgetSeconds: number
}

export interface DrainConfig {
  /** From GRACEFUL_SHUTDOWN to the withdrawal: the fabric's time to move traffic away. */
  settleSeconds: number
  /** Key of the annotation or taint of the Node that asks for a drain. */
  key: string
}

const shutdownPolicies = ['stay', 'withdraw', 'drain'] as const
export type ShutdownPolicy = (typeof shutdownPolicies)[number]

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
  const loadBalancerClass = reader.optional('loadBalancerClass', 'a text', asText)
  const namespaces = reader.optional('namespaces', 'a list of names', asListOf(asText))
  const statusSocket = reader.optional('statusSocket', 'a path', asText)
  const metrics = reader.optional('metricsAddress', 'host:port', asHostPort)
  const api = reader.required('api', '{"url": …} or "in-cluster"', asApi)
  const loopbacks = reader.optional('loopbacks', 'a list of addresses', asListOf(asAddress)) ?? []
  const staticVips = reader.optional('staticVips', 'a list of addresses', asListOf(asAddress)) ?? []
  return {
    node: reader.required('node', 'the name of the Node object', asText),
    api,
    loopbacks,
    staticVips,
    ownAddresses: ownAddressesOf({ api, loopbacks, staticVips }),
    frr: reader.optional('frr', '{"pathspace": …, "runDirectory": …}', asFrr) ?? {},
    pools: reader.required('pools', `[{name, cidr, scope: ${scopes.join(' | ')}}]`, asListOf(asPool)),
    podCidrs: reader.optional('podCidrs', 'a list of prefixes', asListOf(asPrefix)) ?? [],
    announceClusterIPs: reader.optional('announceClusterIPs', 'true or false', asFlag) ?? false,
    allowExternalIPs: reader.optional('allowExternalIPs', 'true or false', asFlag) ?? false,
    reserved: reader.optional('reserved', 'a list of prefixes', asListOf(asPrefix)) ?? [],
    endpointCidrs: reader.optional('endpointCidrs', 'a list of prefixes', asListOf(asPrefix)) ?? [],
    serviceSelector:
      reader.optional('serviceSelector', '{matchLabels, matchExpressions}', readLabelSelector) ?? [],
    announceByDefault: reader.optional('announceByDefault', 'true or false', asFlag) ?? true,
    allowedCommunities:
      reader.optional('allowedCommunities', 'a list such as ["65000:1", "65000:9:*"]', asListOf(asPattern)) ??
      [],
    dataplane: reader.section('dataplane', readDataplane),
    guards: reader.section('guards', readGuards),
    damping: reader.section('damping', readDamping),
    drain: reader.section('drain', readDrain),
    onShutdown: reader.optional('onShutdown', 'stay, withdraw or drain', asOneOf(shutdownPolicies)) ?? 'stay',
    resyncSeconds: reader.optional('resyncSeconds', 'whole seconds above 0', asInteger) ?? 10,
    sendsEndOfRib: reader.optional('sendsEndOfRib', 'true or false', asFlag) ?? true,
    fastLocalRepair: reader.optional('fastLocalRepair', 'true or false', asFlag) ?? false,
    logLevel:
      reader.optional(
        'logLevel',
        'debug, info, warn or error',
        asOneOf(['debug', 'info', 'warn', 'error']),
      ) ?? 'info',
    ...(site === undefined ? {} : { site }),
    ...(localAs === undefined ? {} : { localAs }),
    ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(statusSocket === undefined ? {} : { statusSocket }),
    ...(metrics === undefined ? {} : { metrics }),
  }
}

function readDataplane(reader: FieldReader): DataplaneConfig {
  const url = reader.optional('url', 'http://… of the detector', asUrl)
  return {
    detector: reader.optional('detector', detectors.join(', '), asOneOf(detectors)) ?? 'none',
    ...(url === undefined ? {} : { url }),
  }
}

function readGuards(reader: FieldReader): GuardConfig {
  const modes = ['while-served', 'always', 'off'] as const
  return {
    lastAnnouncer: reader.optional('lastAnnouncer', modes.join(', '), asOneOf(modes)) ?? 'while-served',
    withdrawShare: reader.optional('withdrawShare', 'a share from 0 to 1', asNumberIn(0, 1)) ?? 0.5,
    withdrawMinimum: reader.optional('withdrawMinimum', 'a number from 0', asNumberIn(0, 1e9)) ?? 10,
    windowSeconds: reader.optional('windowSeconds', 'seconds from 1', asNumberIn(1, 86_400)) ?? 600,
    moveMilliseconds:
      reader.optional('moveMilliseconds', 'milliseconds to 60000', asNumberIn(0, 60_000)) ?? 300,
  }
}

function readDamping(reader: FieldReader): DampingConfig {
  const seconds = asNumberIn(0.01, 86_400)
  return {
    freeChanges: reader.optional('freeChanges', 'a number from 0', asNumberIn(0, 1e9)) ?? 5,
    holdDownSeconds: reader.optional('holdDownSeconds', 'seconds', seconds) ?? 1,
    maxHoldDownSeconds: reader.optional('maxHoldDownSeconds', 'seconds', seconds) ?? 60,
    forgetSeconds: reader.optional('forgetSeconds', 'seconds', seconds) ?? 60,
  }
}

function readDrain(reader: FieldReader): DrainConfig {
  return {
    settleSeconds: reader.optional('settleSeconds', 'seconds from 0', asNumberIn(0, 3_600)) ?? 2,
    key: reader.optional('key', 'an annotation or taint key', asText) ?? 'weft.dev/drain',
  }
}

function asPattern(value: unknown): string | undefined {
  return typeof value === 'string' && /^\d+(:\d+){0,2}(:\*)?$/.test(value) ? value : undefined
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
  const url = asUrl(raw.url)
  if (url === undefined) return undefined
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

/** Is this an address of the node, of the API or of pods, one that the base configuration announces, or reserved? */
export function isReserved(config: AgentConfig, address: Address): boolean {
  const ranges = [config.reserved, config.podCidrs, config.endpointCidrs]
  return (
    config.ownAddresses.has(formatAddress(address)) ||
    ranges.some((list) => list.some((range) => contains(range, address)))
  )
}

/** The node's addresses, those of the base configuration, and the API server's when its URL gives it. */
function ownAddressesOf(config: Pick<AgentConfig, 'api' | 'loopbacks' | 'staticVips'>): Set<string> {
  const host = config.api === 'in-cluster' ? process.env.KUBERNETES_SERVICE_HOST : hostOf(config.api?.url)
  const api = parseAddress(host ?? '')
  const own = [...(config.loopbacks ?? []), ...(config.staticVips ?? []), ...(api === null ? [] : [api])]
  return new Set(own.map(formatAddress))
}

function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).hostname.replace(/^\[|\]$/g, '')
}
