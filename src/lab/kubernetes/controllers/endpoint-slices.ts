/**
 * EndpointSlices: for every Service with a selector, the addresses of the Pods it selects and what state they are in.
 *
 * Conditions follow upstream, and the agent's decisions rest on them:
 * serving = the Pod's Ready condition, also while it terminates; terminating = it has a deletionTimestamp;
 * ready = serving and not terminating, or always when the Service publishes addresses that are not ready.
 * Pods that have ended or have no address yet are left out.
 *
 * There is one set of slices for each address family, of at most {@link endpointsPerSlice} endpoints. An endpoint
 * stays in the slice it is in, so that one Pod's change is one slice's change.
 */
import {
  type AnyObject,
  type Endpoint,
  type EndpointSlice,
  type IpFamily,
  isSameJson,
  type Pod,
  type Service,
  type ServicePort,
} from '../api-server/objects.ts'
import type { Registry } from '../api-server/registry.ts'
import { selectsLabels } from '../api-server/selectors.ts'
import type { StoreChange } from '../api-server/store.ts'
import type { Log } from '../log.ts'
import { type Controller, nameOf, ownKey, startController } from './controller.ts'
import { createSelection } from './selection.ts'

export const endpointsPerSlice = 100
export const managedBy = 'endpointslice-controller.k8s.io'
export const serviceLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
export const sliceType = 'endpointslices.discovery.k8s.io'

type SlicePorts = NonNullable<EndpointSlice['ports']>

/** What one slice should hold. `name` is set when it is a slice that exists. */
export interface SlicePlan {
  name?: string
  addressType: IpFamily
  ports: SlicePorts
  endpoints: Endpoint[]
}

/** Keeps the slices of all Services. */
export function startEndpointSlices(registry: Registry, log: Log): Controller {
  const { store, types } = registry

  const selection = createSelection(store)
  /** The slices of each Service, kept along so that one Service's change does not look through all slices. */
  const slicesOf = new Map<string, Map<string, EndpointSlice>>()

  function noteSlice({ type, object }: Pick<StoreChange, 'type' | 'object'>): string[] {
    const { labels, namespace, name } = object.metadata
    if (labels?.[managedByLabel] !== managedBy) return []
    const key = `${namespace}/${labels[serviceLabel]}`
    const slices = slicesOf.get(key) ?? new Map<string, EndpointSlice>()
    if (type === 'DELETED') slices.delete(name)
    else slices.set(name, object as unknown as EndpointSlice)
    if (slices.size === 0) slicesOf.delete(key)
    else slicesOf.set(key, slices)
    return [key]
  }

  function reconcile(key: string): void {
    const { namespace } = nameOf(key)
    const type = types.stored(sliceType)
    const service = store.get('services', key) as Service | undefined
    const existing = [...(slicesOf.get(key)?.values() ?? [])]
    const isManaged = service?.spec.selector !== undefined && service.spec.type !== 'ExternalName'
    const plans = isManaged ? planSlices(service, selection.podsOf(service), existing) : []
    const kept = new Set(plans.map((plan) => plan.name))
    for (const plan of plans) {
      if (plan.name === undefined) registry.create(type, namespace, newSlice(service!, plan))
      else {
        const { ports, endpoints } = plan
        const labels = sliceLabels(service!)
        registry.update(type, { namespace, name: plan.name }, (slice) => ({
          ...slice,
          metadata: { ...slice.metadata, labels },
          ports,
          endpoints,
        }))
      }
    }
    for (const { metadata } of existing) if (!kept.has(metadata.name)) registry.remove(type, metadata)
  }

  for (const object of store.values(sliceType)) noteSlice({ type: 'ADDED', object })
  return startController({
    name: 'endpoint-slices',
    registry,
    log,
    triggers: {
      services(change) {
        selection.noteService(change)
        return ownKey(change)
      },
      pods: selection.notePod,
      // A slice that somebody else changed or deleted is put right again.
      [sliceType]: noteSlice,
    },
    initialKeys: () => store.list('services').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    reconcile,
  })
}

/** The slices a Service should have, given those it has. */
export function planSlices(
  service: Service,
  pods: readonly Pod[],
  existing: readonly EndpointSlice[],
): SlicePlan[] {
  const selected = pods.filter((pod) => isSelected(service, pod))
  return (service.spec.ipFamilies ?? ['IPv4']).flatMap((family) => {
    const groups = groupByPorts(service, selected, family)
    const slices = existing.filter(({ addressType }) => addressType === family)
    // A Service without endpoints keeps one empty slice, so that consumers can tell "none" from "not known".
    if (groups.length === 0) {
      const name = slices.map(({ metadata }) => metadata.name).sort()[0]
      return [{ ...(name === undefined ? {} : { name }), addressType: family, ports: [], endpoints: [] }]
    }
    return groups.flatMap(({ ports, endpoints }) => distribute(family, ports, endpoints, slices))
  })
}

function isSelected({ spec }: Service, pod: Pod): boolean {
  const hasEnded = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  return selectsLabels(spec.selector, pod.metadata.labels) && Boolean(pod.spec.nodeName) && !hasEnded
}

/** Pods may give a named port different numbers; all endpoints of a slice share its ports. */
function groupByPorts(
  service: Service,
  pods: readonly Pod[],
  family: IpFamily,
): { ports: SlicePorts; endpoints: Endpoint[] }[] {
  const groups = new Map<string, { ports: SlicePorts; endpoints: Endpoint[] }>()
  for (const pod of pods) {
    const endpoint = endpointOf(service, pod, family)
    if (endpoint === undefined) continue
    const ports = (service.spec.ports ?? []).flatMap((port) => resolvePort(port, pod))
    const key = JSON.stringify(ports)
    const group = groups.get(key) ?? { ports, endpoints: [] }
    group.endpoints.push(endpoint)
    groups.set(key, group)
  }
  return [...groups.values()]
}

function resolvePort(
  { name = '', protocol = 'TCP', port, targetPort = port }: ServicePort,
  pod: Pod,
): SlicePorts {
  if (typeof targetPort === 'number') return [{ name, protocol, port: targetPort }]
  const named = pod.spec.containers
    .flatMap(({ ports = [] }) => ports)
    .find((each) => each.name === targetPort && (each.protocol ?? 'TCP') === protocol)
  return named === undefined ? [] : [{ name, protocol, port: named.containerPort }]
}

function endpointOf(service: Service, pod: Pod, family: IpFamily): Endpoint | undefined {
  const { metadata, spec, status } = pod
  const ips = status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP === undefined ? [] : [status.podIP])
  const address = ips.find((ip) => ip.includes(':') === (family === 'IPv6'))
  if (address === undefined) return undefined
  const isServing =
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  const isTerminating = metadata.deletionTimestamp !== undefined
  const isReady = service.spec.publishNotReadyAddresses === true || (isServing && !isTerminating)
  return {
    addresses: [address],
    conditions: { ready: isReady, serving: isServing, terminating: isTerminating },
    ...(spec.nodeName === undefined ? {} : { nodeName: spec.nodeName }),
    targetRef: {
      kind: 'Pod',
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      name: metadata.name,
      ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
    },
  }
}

function distribute(
  addressType: IpFamily,
  ports: SlicePorts,
  endpoints: readonly Endpoint[],
  slices: readonly EndpointSlice[],
): SlicePlan[] {
  const unplaced = new Map(
    endpoints.map((endpoint) => [endpoint.targetRef!.uid ?? endpoint.targetRef!.name, endpoint]),
  )
  const plans: SlicePlan[] = []
  // An empty slice has no ports worth keeping and is taken over by the first group that comes.
  const reusable = slices.filter((slice) => slice.endpoints.length === 0 || isSameJson(slice.ports, ports))
  for (const slice of reusable) {
    const kept = slice.endpoints.flatMap(({ targetRef }) => {
      const key = targetRef?.uid ?? targetRef?.name ?? ''
      const endpoint = unplaced.get(key)
      unplaced.delete(key)
      return endpoint ?? []
    })
    plans.push({ name: slice.metadata.name, addressType, ports, endpoints: kept })
  }
  for (const endpoint of unplaced.values()) {
    let plan = plans.find((each) => each.endpoints.length < endpointsPerSlice)
    if (plan === undefined) {
      plan = { addressType, ports, endpoints: [] }
      plans.push(plan)
    }
    plan.endpoints.push(endpoint)
  }
  return plans.filter((plan) => plan.endpoints.length > 0)
}

function sliceLabels({ metadata }: Service): Record<string, string> {
  return { ...metadata.labels, [serviceLabel]: metadata.name, [managedByLabel]: managedBy }
}

function newSlice(service: Service, { addressType, ports, endpoints }: SlicePlan): AnyObject {
  const { name, namespace = '', uid = '' } = service.metadata
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: '',
      generateName: `${name}-`,
      namespace,
      labels: sliceLabels(service),
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    addressType,
    ports,
    endpoints,
  }
}
