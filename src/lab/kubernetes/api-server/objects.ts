/**
 * The shapes of the Kubernetes objects this server knows by name.
 *
 * Only fields that the server or its controllers read are typed; everything else a client writes is kept as it came.
 * Objects in the store are deeply frozen and shared, so whoever changes one works on {@link editableCopy}.
 */

interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  name: string
  namespace?: string
  generateName?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
  managedFields?: unknown[]
}

export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
}

/** Any object, its content unknown: what the generic parts of the server pass around. */
export interface AnyObject extends KubeObject {
  [field: string]: unknown
}

export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason?: string
  message?: string
  lastTransitionTime?: string
  lastHeartbeatTime?: string
  lastProbeTime?: string | null
  observedGeneration?: number
}

type Protocol = 'TCP' | 'UDP' | 'SCTP'

interface ContainerPort {
  name?: string
  containerPort: number
  protocol?: Protocol
}

export interface Container {
  name: string
  image?: string
  imagePullPolicy?: string
  ports?: ContainerPort[]
}

export interface PodSpec {
  nodeName?: string
  nodeSelector?: Record<string, string>
  containers: Container[]
  initContainers?: Container[]
  terminationGracePeriodSeconds?: number
  restartPolicy?: string
  dnsPolicy?: string
  schedulerName?: string
  readinessGates?: { conditionType: string }[]
}

interface ContainerStatus {
  name: string
  ready: boolean
  restartCount: number
  state?: {
    waiting?: { reason?: string }
    terminated?: { reason?: string; exitCode?: number }
    running?: object
  }
}

export interface Pod extends KubeObject {
  spec: PodSpec
  status?: {
    phase?: string
    reason?: string
    conditions?: Condition[]
    podIP?: string
    podIPs?: { ip: string }[]
    hostIP?: string
    containerStatuses?: ContainerStatus[]
    nominatedNodeName?: string
  }
}

export interface Node extends KubeObject {
  spec?: { unschedulable?: boolean; podCIDR?: string; podCIDRs?: string[]; taints?: unknown[] }
  status?: {
    conditions?: Condition[]
    addresses?: { type: string; address: string }[]
    nodeInfo?: Record<string, string>
  }
}

export type IpFamily = 'IPv4' | 'IPv6'

export interface ServicePort {
  name?: string
  protocol?: Protocol
  port: number
  targetPort?: number | string
  nodePort?: number
  appProtocol?: string
}

export interface LoadBalancerIngress {
  ip?: string
  hostname?: string
  ipMode?: 'VIP' | 'Proxy'
}

export interface ServiceSpec {
  type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  selector?: Record<string, string>
  ports?: ServicePort[]
  clusterIP?: string
  clusterIPs?: string[]
  ipFamilies?: IpFamily[]
  ipFamilyPolicy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack'
  externalIPs?: string[]
  externalName?: string
  externalTrafficPolicy?: 'Cluster' | 'Local'
  internalTrafficPolicy?: 'Cluster' | 'Local'
  healthCheckNodePort?: number
  loadBalancerIP?: string
  loadBalancerClass?: string
  allocateLoadBalancerNodePorts?: boolean
  publishNotReadyAddresses?: boolean
  sessionAffinity?: 'None' | 'ClientIP'
}

export interface Service extends KubeObject {
  spec: ServiceSpec
  status?: { loadBalancer?: { ingress?: LoadBalancerIngress[] }; conditions?: Condition[] }
}

export interface Endpoint {
  addresses: string[]
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean }
  nodeName?: string
  zone?: string
  hostname?: string
  targetRef?: { kind: string; namespace?: string; name: string; uid?: string }
}

export interface EndpointSlice extends KubeObject {
  addressType: IpFamily | 'FQDN'
  endpoints: Endpoint[]
  ports?: { name?: string; protocol?: Protocol; port?: number; appProtocol?: string }[]
}

export interface Endpoints extends KubeObject {
  subsets?: {
    addresses?: { ip: string; nodeName?: string }[]
    notReadyAddresses?: { ip: string; nodeName?: string }[]
    ports?: { name?: string; protocol?: Protocol; port: number }[]
  }[]
}

export interface Lease extends KubeObject {
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string; acquireTime?: string }
}

interface ObjectReference {
  kind?: string
  namespace?: string
  name?: string
  uid?: string
  apiVersion?: string
}

export interface Event extends KubeObject {
  involvedObject: ObjectReference
  reason?: string
  message?: string
  type?: 'Normal' | 'Warning'
  count?: number
  firstTimestamp?: string
  lastTimestamp?: string
  eventTime?: string | null
  source?: { component?: string; host?: string }
  reportingComponent?: string
}

export interface Namespace extends KubeObject {
  spec?: { finalizers?: string[] }
  status?: { phase?: string }
}

/** A copy that may be changed; objects from the store may not. */
export function editableCopy<T>(value: T): T {
  return structuredClone(value)
}

/** Freezes a value and everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) deepFreeze(member)
  }
  return value
}

/** Structural equality of JSON values; a member that is undefined counts as absent. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((member, index) => isSameJson(member, b[index]))
  }
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  const keys = new Set([...Object.keys(left), ...Object.keys(right)])
  for (const key of keys) if (!isSameJson(left[key], right[key])) return false
  return true
}

/** Is this a JSON object, so neither null nor a list? */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The time as Kubernetes writes it: seconds, UTC. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
}

/** `namespace/name`, or the bare name of a cluster-wide object: the key of an object within its type. */
export function keyOf(metadata: { namespace?: string; name: string }): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`
}
