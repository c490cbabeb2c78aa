/**
 * The table of built-in types: one row each, rules and columns beside it.
 */
import { parseAddress } from '../../../net/address.ts'
import type { FieldError } from './api-error.ts'
import { invalidField, missingField, unsupportedField } from './api-error.ts'
import {
  configMapColumns,
  definitionColumns,
  endpointSliceColumns,
  endpointsColumns,
  eventColumns,
  leaseColumns,
  namespaceColumns,
  nodeColumns,
  plainColumns,
  podColumns,
  secretColumns,
  serviceColumns,
} from './columns.ts'
import { customDefinitionStrategy } from './custom-definitions.ts'
import { deploymentColumns, deploymentStrategy } from './deployments.ts'
import {
  type AnyObject,
  type EndpointSlice,
  isJsonObject,
  isSameJson,
  type Lease,
  type Namespace,
  type Node,
} from './objects.ts'
import { podStrategy } from './pods.ts'
import { defineType, type ResourceType, readField, type Strategy } from './resource-type.ts'
import type { ServiceRanges } from './service-addresses.ts'
import { createServiceStrategy } from './services.ts'

/** All types served before any CustomResourceDefinition exists. */
export function builtinTypes(ranges: ServiceRanges): ResourceType[] {
  return [
    defineType({
      version: 'v1',
      plural: 'namespaces',
      kind: 'Namespace',
      namespaced: false,
      shortNames: ['ns'],
      subresources: ['status', 'finalize'],
      fieldReaders: fields('status.phase'),
      columns: namespaceColumns,
      strategy: namespaceStrategy,
    }),
    defineType({
      version: 'v1',
      plural: 'nodes',
      kind: 'Node',
      namespaced: false,
      shortNames: ['no'],
      subresources: ['status'],
      keepsStatusOnCreate: true,
      fieldReaders: fields('spec.unschedulable'),
      columns: nodeColumns,
      strategy: { prepareCreate: ensureSpec, prepareUpdate: ensureSpec, validate: checkNode },
    }),
    defineType({
      version: 'v1',
      plural: 'pods',
      kind: 'Pod',
      shortNames: ['po'],
      categories: ['all'],
      subresources: ['status', 'binding', 'eviction', 'log'],
      fieldReaders: fields(
        'spec.nodeName',
        'spec.restartPolicy',
        'spec.schedulerName',
        'status.phase',
        'status.podIP',
      ),
      columns: podColumns,
      strategy: podStrategy,
    }),
    defineType({
      version: 'v1',
      plural: 'services',
      kind: 'Service',
      shortNames: ['svc'],
      categories: ['all'],
      subresources: ['status'],
      fieldReaders: fields('spec.clusterIP', 'spec.type'),
      columns: serviceColumns,
      strategy: createServiceStrategy(ranges),
    }),
    defineType({
      version: 'v1',
      plural: 'events',
      kind: 'Event',
      shortNames: ['ev'],
      fieldReaders: {
        ...fields('reason', 'type', 'source', 'reportingComponent'),
        ...fields(
          ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
            (field) => `involvedObject.${field}`,
          ),
        ),
      },
      columns: eventColumns,
    }),
    defineType({
      version: 'v1',
      plural: 'endpoints',
      kind: 'Endpoints',
      singular: 'endpoints',
      shortNames: ['ep'],
      columns: endpointsColumns,
    }),
    defineType({
      version: 'v1',
      plural: 'configmaps',
      kind: 'ConfigMap',
      shortNames: ['cm'],
      columns: configMapColumns,
    }),
    defineType({
      version: 'v1',
      plural: 'secrets',
      kind: 'Secret',
      fieldReaders: fields('type'),
      columns: secretColumns,
      strategy: { prepareCreate: completeSecret, prepareUpdate: completeSecret },
    }),
    defineType({
      version: 'v1',
      plural: 'serviceaccounts',
      kind: 'ServiceAccount',
      shortNames: ['sa'],
      columns: plainColumns,
    }),
    defineType({
      group: 'apps',
      version: 'v1',
      plural: 'deployments',
      kind: 'Deployment',
      shortNames: ['deploy'],
      categories: ['all'],
      subresources: ['status', 'scale'],
      tracksGeneration: true,
      columns: deploymentColumns,
      strategy: deploymentStrategy,
    }),
    defineType({
      group: 'discovery.k8s.io',
      version: 'v1',
      plural: 'endpointslices',
      kind: 'EndpointSlice',
      tracksGeneration: true,
      columns: endpointSliceColumns,
      strategy: { prepareCreate: completeSlice, prepareUpdate: completeSlice, validate: checkEndpointSlice },
    }),
    defineType({
      group: 'coordination.k8s.io',
      version: 'v1',
      plural: 'leases',
      kind: 'Lease',
      columns: leaseColumns,
      strategy: { validate: checkLease },
    }),
    defineType({
      group: 'apiextensions.k8s.io',
      version: 'v1',
      plural: 'customresourcedefinitions',
      kind: 'CustomResourceDefinition',
      namespaced: false,
      shortNames: ['crd', 'crds'],
      categories: ['api-extensions'],
      subresources: ['status'],
      tracksGeneration: true,
      columns: definitionColumns,
      strategy: customDefinitionStrategy,
    }),
  ]
}

function fields(...paths: string[]): ResourceType['fieldReaders'] {
  return Object.fromEntries(paths.map((path) => [path, readField(path)]))
}

const namespaceStrategy: Strategy = {
  prepareCreate(object) {
    const namespace = object as Namespace
    namespace.spec = { finalizers: ['kubernetes'] }
    namespace.status = { phase: 'Active' }
    // Selectors by name need the label that upstream sets on every namespace.
    namespace.metadata.labels = {
      ...namespace.metadata.labels,
      'kubernetes.io/metadata.name': namespace.metadata.name,
    }
  },
  prepareUpdate(object, previous) {
    object.spec = previous.spec
  },
}

function ensureSpec(object: AnyObject): void {
  object.spec ??= {}
}

/** Pod prefixes are given once. */
function checkNode(object: AnyObject, previous: AnyObject | undefined): FieldError[] {
  const before = (previous as Node | undefined)?.spec?.podCIDRs ?? []
  const now = (object as Node).spec?.podCIDRs ?? []
  if (before.length === 0 || isSameJson(before, now)) return []
  return [invalidField('spec.podCIDRs', now, 'node updates may only change labels, taints, or capacity')]
}

function checkLease(object: AnyObject): FieldError[] {
  const seconds = (object as Lease).spec?.leaseDurationSeconds
  const isGood = seconds === undefined || seconds === null || seconds > 0
  return isGood ? [] : [invalidField('spec.leaseDurationSeconds', seconds, 'must be greater than 0')]
}

function completeSlice(object: AnyObject): void {
  const slice = object as unknown as EndpointSlice
  for (const endpoint of Array.isArray(slice.endpoints) ? slice.endpoints : []) {
    if (isJsonObject(endpoint)) endpoint.conditions ??= {}
  }
  for (const port of Array.isArray(slice.ports) ? slice.ports : []) {
    if (!isJsonObject(port)) continue
    port.name ??= ''
    port.protocol ??= 'TCP'
  }
}

/** `stringData` is a way to write: it is stored, and read back, as `data`. */
function completeSecret(object: AnyObject): void {
  object.type ??= 'Opaque'
  const written = Object.entries((object.stringData as Record<string, string> | undefined) ?? {})
  if (written.length > 0) {
    const encoded = written.map(([key, value]) => [key, Buffer.from(value).toString('base64')])
    object.data = { ...(object.data as object | undefined), ...Object.fromEntries(encoded) }
  }
  delete object.stringData
}

function checkEndpointSlice(object: AnyObject): FieldError[] {
  const slice = object as unknown as EndpointSlice
  const families = ['FQDN', 'IPv4', 'IPv6']
  const errors = families.includes(slice.addressType)
    ? []
    : [unsupportedField('addressType', slice.addressType, families)]
  slice.endpoints ??= []
  for (const [index, { addresses }] of slice.endpoints.entries()) {
    if ((addresses ?? []).length === 0) errors.push(missingField(`endpoints[${index}].addresses`))
    if (slice.addressType === 'FQDN') continue
    for (const [position, address] of (addresses ?? []).entries()) {
      if (parseAddress(address)?.family !== (slice.addressType === 'IPv6' ? 6 : 4))
        errors.push(
          invalidField(
            `endpoints[${index}].addresses[${position}]`,
            address,
            `an ${slice.addressType} address`,
          ),
        )
    }
  }
  return errors
}
