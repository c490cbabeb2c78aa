/**
 * What is wrong with a Service: a pure function of it and of what it was before.
 */
import { parseAddress } from '../../../net/address.ts'
import {
  duplicateField,
  type FieldError,
  forbiddenField,
  invalidField,
  missingField,
  unsupportedField,
} from './api-error.ts'
import { checkLabels } from './metadata-rules.ts'
import type { ServiceSpec } from './objects.ts'
import { hasNodePorts, isReachableFromOutside } from './service-defaults.ts'

const serviceTypes = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'] as const
const protocols = ['SCTP', 'TCP', 'UDP'] as const

/** The broken rules of a Service; `previous` is absent on create. */
export function checkService(spec: ServiceSpec, previous: ServiceSpec | undefined): FieldError[] {
  const errors = [
    ...checkPorts(spec),
    ...checkLabels(spec.selector, 'spec.selector'),
    ...checkClusterIps(spec, previous),
  ]
  const type = spec.type ?? 'ClusterIP'
  if (!serviceTypes.includes(type)) errors.push(unsupportedField('spec.type', type, serviceTypes))
  if (type === 'ExternalName' && !spec.externalName) errors.push(missingField('spec.externalName'))
  for (const [field, value] of [
    ['spec.externalTrafficPolicy', spec.externalTrafficPolicy],
    ['spec.internalTrafficPolicy', spec.internalTrafficPolicy],
  ] as const) {
    if (value !== undefined && value !== 'Cluster' && value !== 'Local') {
      errors.push(unsupportedField(field, value, ['Cluster', 'Local']))
    }
  }
  if (spec.externalTrafficPolicy !== undefined && !isReachableFromOutside(spec)) {
    errors.push(
      invalidField(
        'spec.externalTrafficPolicy',
        spec.externalTrafficPolicy,
        'may only be set for externally-accessible services',
      ),
    )
  }
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    if (parseAddress(ip) === null)
      errors.push(invalidField(`spec.externalIPs[${index}]`, ip, 'an IP address'))
  }
  if (spec.loadBalancerClass !== undefined && type !== 'LoadBalancer') {
    errors.push(forbiddenField('spec.loadBalancerClass', 'may only be used when `type` is LoadBalancer'))
  } else if (previous?.type === 'LoadBalancer' && spec.loadBalancerClass !== previous.loadBalancerClass) {
    if (type === 'LoadBalancer') {
      errors.push(invalidField('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'))
    }
  }
  return errors
}

function checkPorts(spec: ServiceSpec): FieldError[] {
  const ports = spec.ports ?? []
  if (!Array.isArray(ports)) return [invalidField('spec.ports', ports, 'a list')]
  if (ports.length === 0) {
    const mayHaveNone = spec.type === 'ExternalName' || spec.clusterIP === 'None'
    return mayHaveNone ? [] : [missingField('spec.ports')]
  }
  const errors: FieldError[] = []
  const names = new Set<string>()
  const pairs = new Set<string>()
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`
    if (!isPort(port.port))
      errors.push(invalidField(`${at}.port`, port.port, 'must be between 1 and 65535, inclusive'))
    if (!protocols.includes(port.protocol ?? 'TCP')) {
      errors.push(unsupportedField(`${at}.protocol`, port.protocol, protocols))
    }
    if (typeof port.targetPort === 'number' && !isPort(port.targetPort)) {
      errors.push(invalidField(`${at}.targetPort`, port.targetPort, 'must be between 1 and 65535, inclusive'))
    }
    if (ports.length > 1 && !port.name) errors.push(missingField(`${at}.name`))
    if (port.name !== undefined && names.has(port.name)) errors.push(duplicateField(`${at}.name`, port.name))
    names.add(port.name ?? '')
    const pair = `${port.protocol}/${port.port}`
    if (pairs.has(pair)) errors.push(duplicateField(at, { protocol: port.protocol, port: port.port }))
    pairs.add(pair)
    if (port.nodePort && !hasNodePorts(spec)) {
      errors.push(forbiddenField(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`))
    }
  }
  return errors
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535
}

function checkClusterIps(spec: ServiceSpec, previous: ServiceSpec | undefined): FieldError[] {
  const errors: FieldError[] = []
  const { clusterIP, clusterIPs } = spec
  if (clusterIP && clusterIPs !== undefined && clusterIPs[0] !== clusterIP) {
    errors.push(invalidField('spec.clusterIPs[0]', clusterIPs[0], 'must match `clusterIP`'))
  }
  for (const [index, ip] of (clusterIPs ?? (clusterIP ? [clusterIP] : [])).entries()) {
    if (ip !== 'None' && parseAddress(ip) === null) {
      errors.push(invalidField(`spec.clusterIPs[${index}]`, ip, 'must be an IP address or "None"'))
    }
  }
  if (spec.type === 'ExternalName' && clusterIP && clusterIP !== 'None') {
    errors.push(forbiddenField('spec.clusterIPs[0]', 'may not be set for ExternalName services'))
  }
  const isKept = previous?.type !== 'ExternalName' && spec.type !== 'ExternalName'
  if (previous?.clusterIP !== undefined && isKept && clusterIP !== previous.clusterIP) {
    errors.push(invalidField('spec.clusterIPs[0]', clusterIP, 'may not change once set'))
  }
  if (isKept && previous?.clusterIPs?.[1] !== undefined && clusterIPs?.[1] !== undefined) {
    if (previous.clusterIPs[1] !== clusterIPs[1]) {
      errors.push(invalidField('spec.clusterIPs[1]', clusterIPs[1], 'may not change once set'))
    }
  }
  return errors
}
