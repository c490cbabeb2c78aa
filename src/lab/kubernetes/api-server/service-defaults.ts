/**
 * What the server fills into a Service before it is validated: defaults, address families, and on update everything
 * that was allocated before and that the client, which never wrote it, left out.
 */
import { parseAddress } from '../../../net/address.ts'
import type { IpFamily, ServiceSpec } from './objects.ts'

/** Fills in what a client may leave out. */
export function applyDefaults(spec: ServiceSpec): void {
  spec.type ??= 'ClusterIP'
  spec.sessionAffinity ??= 'None'
  for (const port of Array.isArray(spec.ports) ? spec.ports : []) {
    port.protocol ??= 'TCP'
    port.targetPort ??= port.port
  }
  if (spec.type === 'ExternalName') return
  spec.internalTrafficPolicy ??= 'Cluster'
  if (isReachableFromOutside(spec)) spec.externalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
}

/** What a client left out of an update, because it never wrote it, stays as it was allocated. */
export function keepAllocations(spec: ServiceSpec, previous: ServiceSpec): void {
  const needsClusterIp = spec.type !== 'ExternalName'
  if (needsClusterIp && previous.type !== 'ExternalName') {
    if (!spec.clusterIP && spec.clusterIPs === undefined && previous.clusterIP !== undefined) {
      spec.clusterIP = previous.clusterIP
      if (previous.clusterIPs !== undefined) spec.clusterIPs = [...previous.clusterIPs]
    }
    spec.ipFamilies ??= previous.ipFamilies === undefined ? [] : [...previous.ipFamilies]
    if (spec.ipFamilies.length === 0) delete spec.ipFamilies
    if (previous.ipFamilyPolicy !== undefined) spec.ipFamilyPolicy ??= previous.ipFamilyPolicy
  }
  for (const port of spec.ports ?? []) {
    const before = previous.ports?.find((each) => each.port === port.port && each.protocol === port.protocol)
    if (!hasNodePorts(spec)) {
      // A type without node ports drops those it had; one written by hand is refused by validation.
      if (port.nodePort !== undefined && port.nodePort === before?.nodePort) delete port.nodePort
    } else if (!port.nodePort && before?.nodePort !== undefined) {
      port.nodePort = before.nodePort
    }
  }
  if (needsHealthCheckPort(spec)) {
    if (previous.healthCheckNodePort !== undefined) spec.healthCheckNodePort ??= previous.healthCheckNodePort
  } else {
    delete spec.healthCheckNodePort
  }
  if (!isReachableFromOutside(spec)) delete spec.externalTrafficPolicy
  if (spec.type !== 'LoadBalancer') {
    delete spec.allocateLoadBalancerNodePorts
    if (spec.loadBalancerClass === previous.loadBalancerClass) delete spec.loadBalancerClass
  }
}

/** Settles the address families from policy, wishes and what the cluster has. */
export function chooseFamilies(spec: ServiceSpec, families: readonly IpFamily[]): void {
  if (spec.type === 'ExternalName') return
  const fromAddress = familyOfText(spec.clusterIP ?? spec.clusterIPs?.[0])
  const first = spec.ipFamilies?.[0] ?? fromAddress ?? families[0] ?? 'IPv4'
  const second = families.find((family) => family !== first)
  const isAskedForTwo = (spec.ipFamilies?.length ?? 0) > 1 || (spec.clusterIPs?.length ?? 0) > 1
  spec.ipFamilyPolicy ??= isAskedForTwo ? 'RequireDualStack' : 'SingleStack'
  const isDual = spec.ipFamilyPolicy !== 'SingleStack' && second !== undefined
  spec.ipFamilies = isDual ? [first, second] : [first]
}

function familyOfText(text: string | undefined): IpFamily | undefined {
  const address = text === undefined ? null : parseAddress(text)
  if (address === null) return undefined
  return address.family === 4 ? 'IPv4' : 'IPv6'
}

/** Does traffic from outside the cluster reach the Service by any means? */
export function isReachableFromOutside(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs?.length ?? 0) > 0
}

/** Does a Service of this type have node ports? */
export function hasNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer'
}

/** Does the Service have a health check port of its own? */
export function needsHealthCheckPort(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
}

/** All node ports written in the spec. */
export function portsHeld(spec: ServiceSpec): number[] {
  const ports = (spec.ports ?? []).flatMap(({ nodePort }) => (nodePort === undefined ? [] : [nodePort]))
  return spec.healthCheckNodePort === undefined ? ports : [...ports, spec.healthCheckNodePort]
}
