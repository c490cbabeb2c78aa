import type { RawObject } from './types.ts'

/*
 * Projections: what Weft keeps of an object, made when it is parsed; the rest is dropped at once, which is what keeps
 * an agent at a fifth of the memory of one that keeps whole objects.
 *
 * What is built piece by piece (filter, flatMap, a template) has room or parts to spare, ten thousand times; so lists are
 * cut to size (slice) and keys joined into one text.
 *
 * A projection either returns a view or throws a `RefusedObject` that says what is wrong with that one object. It never
 * guesses: a field of the wrong type refuses the object, since a wrong guess would be a wrong route.
 */

export class RefusedObject extends Error {
  override readonly name = 'RefusedObject'
}

type ServiceType = 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
type TrafficPolicy = 'Cluster' | 'Local'

interface ServicePort {
  protocol: string
  port: number
}

export interface ServiceView {
  /** `namespace/name`. */
  key: string
  namespace: string
  name: string
  type: ServiceType
  /** Empty for a headless Service. */
  clusterIPs: string[]
  externalIPs: string[]
  /** Addresses of status.loadBalancer.ingress whose ipMode is VIP (or not given). */
  ingressIPs: string[]
  loadBalancerClass?: string
  externalTrafficPolicy: TrafficPolicy
  internalTrafficPolicy: TrafficPolicy
  ports: ServicePort[]
  labels: Readonly<Record<string, string>>
  /** Only those whose key begins with `weft.dev/`. */
  annotations: Readonly<Record<string, string>>
  isDeleting: boolean
}

export interface EndpointView {
  addresses: string[]
  /** Absent means ready. */
  isReady: boolean
  /** Absent means the same as ready. */
  isServing: boolean
  isTerminating: boolean
  nodeName?: string
}

/** What the API server lets one slice hold. */
const mostEndpoints = 1000

export interface EndpointSliceView {
  key: string
  namespace: string
  name: string
  /** Name of the Service the slice belongs to, from its label; a slice without one belongs to nobody. */
  service?: string
  addressType: 'IPv4' | 'IPv6' | 'FQDN'
  endpoints: EndpointView[]
}

export interface NodeView {
  name: string
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
  podCIDRs: string[]
  addresses: { type: string; address: string }[]
  isReady: boolean
  /** The kubelet itself says that the node is not ready; not so when merely nobody has heard from it. */
  isNotReady: boolean
  /** Set by a network plugin that has not programmed its routes yet. */
  isNetworkUnavailable: boolean
  isUnschedulable: boolean
  taints: { key: string; value?: string; effect: string }[]
}

/** Keeps what Weft needs of a Service. */
export function viewService(raw: RawObject): ServiceView {
  const { namespace, name, key } = identify(raw)
  const spec = record(raw.spec ?? {}, 'spec')
  const status = record(raw.status ?? {}, 'status')
  const loadBalancer = record(status.loadBalancer ?? {}, 'status.loadBalancer')
  const loadBalancerClass = optionalText(spec.loadBalancerClass, 'spec.loadBalancerClass')
  const clusterIPs = texts(spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []), 'spec.clusterIPs')
  return {
    key,
    namespace,
    name,
    type: oneOf(
      spec.type ?? 'ClusterIP',
      ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'],
      'spec.type',
    ),
    clusterIPs: sized(clusterIPs.filter((address) => address !== 'None' && address !== '')),
    externalIPs: texts(spec.externalIPs ?? [], 'spec.externalIPs'),
    ingressIPs: sized(
      list(loadBalancer.ingress ?? [], 'status.loadBalancer.ingress').flatMap((entry, index) =>
        ingressAddress(entry, `status.loadBalancer.ingress[${index}]`),
      ),
    ),
    ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
    externalTrafficPolicy: policy(spec.externalTrafficPolicy, 'spec.externalTrafficPolicy'),
    internalTrafficPolicy: policy(spec.internalTrafficPolicy, 'spec.internalTrafficPolicy'),
    ports: list(spec.ports ?? [], 'spec.ports').map((entry, index) =>
      servicePort(entry, `spec.ports[${index}]`),
    ),
    labels: textMap(raw.metadata?.labels, 'metadata.labels'),
    annotations: ownAnnotations(raw),
    isDeleting: raw.metadata?.deletionTimestamp !== undefined,
  }
}

/** Keeps what Weft needs of an EndpointSlice. */
export function viewEndpointSlice(raw: RawObject): EndpointSliceView {
  const { namespace, name, key } = identify(raw)
  const service = textMap(raw.metadata?.labels, 'metadata.labels')['kubernetes.io/service-name']
  const endpoints = list(raw.endpoints ?? [], 'endpoints')
  if (endpoints.length > mostEndpoints)
    throw new RefusedObject(
      `endpoints should be ${mostEndpoints} at most, as the API has it; found ${endpoints.length}`,
    )
  return {
    key,
    namespace,
    name,
    ...(service === undefined ? {} : { service }),
    addressType: oneOf(raw.addressType, ['IPv4', 'IPv6', 'FQDN'], 'addressType'),
    endpoints: endpoints.map((entry, index) => endpoint(entry, `endpoints[${index}]`)),
  }
}

/** Keeps what Weft needs of a Node. */
export function viewNode(raw: RawObject): NodeView {
  const { name } = identify(raw)
  const spec = record(raw.spec ?? {}, 'spec')
  const status = record(raw.status ?? {}, 'status')
  const conditions = list(status.conditions ?? [], 'status.conditions').map((entry) =>
    record(entry, 'condition'),
  )
  const conditionIs = (type: string, value: string) =>
    conditions.some((condition) => condition.type === type && condition.status === value)
  return {
    name,
    labels: textMap(raw.metadata?.labels, 'metadata.labels'),
    annotations: ownAnnotations(raw),
    podCIDRs: texts(spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []), 'spec.podCIDRs'),
    addresses: list(status.addresses ?? [], 'status.addresses').map((entry) => {
      const address = record(entry, 'status.addresses')
      return { type: text(address.type, 'address type'), address: text(address.address, 'address') }
    }),
    isReady: conditionIs('Ready', 'True'),
    isNotReady: conditionIs('Ready', 'False'),
    isNetworkUnavailable: conditionIs('NetworkUnavailable', 'True'),
    isUnschedulable: spec.unschedulable === true,
    taints: list(spec.taints ?? [], 'spec.taints').map((entry) => {
      const taint = record(entry, 'spec.taints')
      const value = optionalText(taint.value, 'taint value')
      return {
        key: text(taint.key, 'taint key'),
        effect: text(taint.effect, 'taint effect'),
        ...(value === undefined ? {} : { value }),
      }
    }),
  }
}

/** `namespace/name` of a raw object, or just its name when it has no namespace. */
export function identify(raw: RawObject): { namespace: string; name: string; key: string } {
  const name = text(raw.metadata?.name, 'metadata.name')
  const namespace = optionalText(raw.metadata?.namespace, 'metadata.namespace') ?? ''
  return { namespace, name, key: namespace === '' ? name : [namespace, name].join('/') }
}

function ingressAddress(value: unknown, path: string): string[] {
  const entry = record(value, path)
  // ipMode Proxy says that traffic to this address must not arrive at the node unchanged.
  if (entry.ip === undefined || entry.ipMode === 'Proxy') return []
  return [text(entry.ip, `${path}.ip`)]
}

function servicePort(value: unknown, path: string): ServicePort {
  const entry = record(value, path)
  const port = entry.port
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535)
    throw refuse(`${path}.port`, 'a port number', port)
  return { protocol: text(entry.protocol ?? 'TCP', `${path}.protocol`), port }
}

function endpoint(value: unknown, path: string): EndpointView {
  const entry = record(value, path)
  const conditions = record(entry.conditions ?? {}, `${path}.conditions`)
  const isReady = flag(conditions.ready, `${path}.conditions.ready`) ?? true
  const nodeName = optionalText(entry.nodeName, `${path}.nodeName`)
  return {
    addresses: texts(entry.addresses ?? [], `${path}.addresses`),
    isReady,
    isServing: flag(conditions.serving, `${path}.conditions.serving`) ?? isReady,
    isTerminating: flag(conditions.terminating, `${path}.conditions.terminating`) ?? false,
    ...(nodeName === undefined ? {} : { nodeName }),
  }
}

function policy(value: unknown, path: string): TrafficPolicy {
  return oneOf(value ?? 'Cluster', ['Cluster', 'Local'], path)
}

function refuse(path: string, expected: string, found: unknown): RefusedObject {
  return new RefusedObject(`${path} should be ${expected}, found ${JSON.stringify(found)?.slice(0, 60)}`)
}

function record(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse(path, 'an object', value)
  return value as Record<string, unknown>
}

function list(value: unknown, path: string): unknown[] {
  if (!Array.isArray(value)) throw refuse(path, 'a list', value)
  return value
}

function text(value: unknown, path: string): string {
  if (typeof value !== 'string' || value === '') throw refuse(path, 'a text', value)
  return value
}

function optionalText(value: unknown, path: string): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : text(value, path)
}

function sized<T>(values: T[]): T[] {
  return values.length === 0 ? (none as T[]) : values.slice()
}

/** Shared, since most lists of most objects are empty. */
const none: never[] = Object.freeze([]) as unknown as never[]

function texts(value: unknown, path: string): string[] {
  if (Array.isArray(value) && value.length === 0) return none
  return list(value, path).map((entry, index) => text(entry, `${path}[${index}]`))
}

function flag(value: unknown, path: string): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'boolean') throw refuse(path, 'true or false', value)
  return value
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], path: string): T {
  if (!allowed.includes(value as T)) throw refuse(path, `one of ${allowed.join(', ')}`, value)
  return value as T
}

const noLabels: Readonly<Record<string, string>> = Object.freeze({})

/** Others are not read, and may hold a whole manifest (`last-applied-configuration`). */
function ownAnnotations(raw: RawObject): Readonly<Record<string, string>> {
  const entries = Object.entries(textMap(raw.metadata?.annotations, 'metadata.annotations'))
  const own = entries.filter(([key]) => key.startsWith('weft.dev/'))
  return own.length === 0 ? noLabels : Object.fromEntries(own)
}

function textMap(value: unknown, path: string): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return noLabels
  const entries = record(value, path)
  for (const [key, entry] of Object.entries(entries)) {
    if (typeof entry !== 'string') throw refuse(`${path}.${key}`, 'a text', entry)
  }
  return entries as Record<string, string>
}
