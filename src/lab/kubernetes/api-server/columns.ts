/**
 * What `kubectl get` shows for each built-in type: the server prints, kubectl only aligns.
 */
import type {
  AnyObject,
  EndpointSlice,
  Endpoints,
  Event,
  KubeObject,
  Lease,
  Namespace,
  Node,
  Pod,
  Service,
} from './objects.ts'
import type { Column } from './resource-type.ts'

const none = '<none>'
const wide = { priority: 1 }

/** The column of a typed object. */
function column<T extends KubeObject>(
  name: string,
  cell: (object: T, now: number) => string | number | boolean | null,
  more: Pick<Column, 'type' | 'priority'> = {},
): Column {
  return { name, cell: (object, now) => cell(object as unknown as T, now), ...more }
}

export const nameColumn: Column = { name: 'Name', cell: (object) => object.metadata.name }
export const ageColumn: Column = {
  name: 'Age',
  cell: (object, now) => ageOf(object.metadata.creationTimestamp, now),
}

/** The columns of a type that has none of its own. */
export const plainColumns: readonly Column[] = [nameColumn, ageColumn]

export const namespaceColumns: readonly Column[] = [
  nameColumn,
  column<Namespace>('Status', ({ status }) => status?.phase ?? ''),
  ageColumn,
]

export const nodeColumns: readonly Column[] = [
  nameColumn,
  column<Node>('Status', nodeStatus),
  column<Node>('Roles', nodeRoles),
  ageColumn,
  column<Node>('Version', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
  column<Node>('Internal-IP', (node) => nodeAddress(node, 'InternalIP'), wide),
  column<Node>('External-IP', (node) => nodeAddress(node, 'ExternalIP'), wide),
  column<Node>('OS-Image', ({ status }) => status?.nodeInfo?.osImage ?? '<unknown>', wide),
  column<Node>('Kernel-Version', ({ status }) => status?.nodeInfo?.kernelVersion ?? '<unknown>', wide),
  column<Node>(
    'Container-Runtime',
    ({ status }) => status?.nodeInfo?.containerRuntimeVersion ?? '<unknown>',
    wide,
  ),
]

export const podColumns: readonly Column[] = [
  nameColumn,
  column<Pod>('Ready', ({ spec, status }) => {
    const ready = (status?.containerStatuses ?? []).filter((each) => each.ready).length
    return `${ready}/${spec.containers.length}`
  }),
  column<Pod>('Status', podStatus),
  column<Pod>('Restarts', ({ status }) =>
    String((status?.containerStatuses ?? []).reduce((sum, each) => sum + each.restartCount, 0)),
  ),
  ageColumn,
  column<Pod>('IP', ({ status }) => status?.podIP ?? none, wide),
  column<Pod>('Node', ({ spec }) => spec.nodeName ?? none, wide),
  column<Pod>('Nominated Node', ({ status }) => status?.nominatedNodeName ?? none, wide),
  column<Pod>(
    'Readiness Gates',
    ({ spec, status }) => {
      const gates = spec.readinessGates ?? []
      const open = gates.filter(({ conditionType }) =>
        status?.conditions?.some(({ type, status }) => type === conditionType && status === 'True'),
      )
      return gates.length === 0 ? none : `${open.length}/${gates.length}`
    },
    wide,
  ),
]

export const serviceColumns: readonly Column[] = [
  nameColumn,
  column<Service>('Type', ({ spec }) => spec.type ?? ''),
  column<Service>('Cluster-IP', ({ spec }) => spec.clusterIP ?? none),
  column<Service>('External-IP', externalAddresses),
  column<Service>('Port(s)', ({ spec }) => {
    const ports = (spec.ports ?? []).map(({ port, nodePort, protocol }) =>
      nodePort === undefined ? `${port}/${protocol}` : `${port}:${nodePort}/${protocol}`,
    )
    return ports.length === 0 ? none : ports.join(',')
  }),
  ageColumn,
  column<Service>('Selector', ({ spec }) => labelText(spec.selector), wide),
]

export const endpointSliceColumns: readonly Column[] = [
  nameColumn,
  column<EndpointSlice>('AddressType', ({ addressType }) => addressType),
  column<EndpointSlice>('Ports', ({ ports }) =>
    ports === undefined || ports.length === 0
      ? '<unset>'
      : firstFew(ports.map(({ port }) => (port === undefined ? '*' : String(port)))),
  ),
  column<EndpointSlice>('Endpoints', ({ endpoints }) =>
    endpoints.length === 0 ? '<unset>' : firstFew(endpoints.flatMap(({ addresses }) => addresses)),
  ),
  ageColumn,
]

export const endpointsColumns: readonly Column[] = [
  nameColumn,
  column<Endpoints>('Endpoints', ({ subsets = [] }) => {
    const reached = subsets.flatMap(({ addresses = [], ports = [] }) =>
      ports.length === 0
        ? addresses.map(({ ip }) => ip)
        : ports.flatMap(({ port }) =>
            addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
          ),
    )
    return reached.length === 0 ? none : firstFew(reached)
  }),
  ageColumn,
]

export const leaseColumns: readonly Column[] = [
  nameColumn,
  column<Lease>('Holder', ({ spec }) => spec?.holderIdentity ?? ''),
  ageColumn,
]

export const eventColumns: readonly Column[] = [
  column<Event>('Last Seen', (event, now) =>
    ageOf(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp, now),
  ),
  column<Event>('Type', ({ type }) => type ?? ''),
  column<Event>('Reason', ({ reason }) => reason ?? ''),
  column<Event>(
    'Object',
    ({ involvedObject: { kind, name } }) => `${(kind ?? '').toLowerCase()}/${name ?? ''}`,
  ),
  column<Event>(
    'Source',
    ({ source, reportingComponent }) => source?.component ?? reportingComponent ?? '',
    wide,
  ),
  column<Event>('Message', ({ message }) => (message ?? '').trim()),
  column<Event>(
    'First Seen',
    (event, now) => ageOf(event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp, now),
    wide,
  ),
  column<Event>('Count', ({ count }) => String(count ?? 1), wide),
  { ...nameColumn, priority: 1 },
]

export const configMapColumns: readonly Column[] = [
  nameColumn,
  column<AnyObject>('Data', ({ data }) => Object.keys((data as object | undefined) ?? {}).length, {
    type: 'integer',
  }),
  ageColumn,
]

export const secretColumns: readonly Column[] = [
  nameColumn,
  column<AnyObject>('Type', ({ type }) => String(type ?? 'Opaque')),
  column<AnyObject>('Data', ({ data }) => Object.keys((data as object | undefined) ?? {}).length, {
    type: 'integer',
  }),
  ageColumn,
]

export const definitionColumns: readonly Column[] = [
  nameColumn,
  { name: 'Created At', cell: (object) => object.metadata.creationTimestamp ?? '' },
]

/** How long ago, in the two largest units that matter, as kubectl users know it: `5m3s`, `2d4h`. */
export function ageOf(since: string | undefined | null, now: number): string {
  if (since === undefined || since === null) return '<unknown>'
  const seconds = Math.floor((now - Date.parse(since)) / 1000)
  if (Number.isNaN(seconds)) return '<unknown>'
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  const two = (large: string, small: number, unit: string) =>
    small === 0 ? large : `${large}${small}${unit}`
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  if (minutes < 10) return two(`${minutes}m`, seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  if (hours < 8) return two(`${hours}h`, minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  if (days < 8) return two(`${days}d`, hours % 24, 'h')
  if (days < 730) return `${days}d`
  return two(`${Math.floor(days / 365)}y`, days % 365, 'd')
}

function nodeStatus({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec?.unschedulable === true ? `${word},SchedulingDisabled` : word
}

function nodeRoles({ metadata }: Node): string {
  const prefix = 'node-role.kubernetes.io/'
  const roles = Object.keys(metadata.labels ?? {}).filter((label) => label.startsWith(prefix))
  return roles.length === 0
    ? none
    : roles
        .map((label) => label.slice(prefix.length))
        .sort()
        .join(',')
}

function nodeAddress({ status }: Node, type: string): string {
  return status?.addresses?.find((each) => each.type === type)?.address ?? none
}

function podStatus({ metadata, status }: Pod): string {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating'
  for (const { state } of status?.containerStatuses ?? []) {
    const reason = state?.waiting?.reason ?? state?.terminated?.reason
    if (reason !== undefined) return reason
  }
  return status?.reason ?? status?.phase ?? 'Unknown'
}

function externalAddresses({ spec, status }: Service): string {
  if (spec.type === 'ExternalName') return spec.externalName ?? none
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? [])
  const all = [...ingress, ...(spec.externalIPs ?? [])]
  if (all.length > 0) return all.join(',')
  return spec.type === 'LoadBalancer' ? '<pending>' : none
}

function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? none : pairs.sort().join(',')
}

function firstFew(values: readonly string[]): string {
  const shown = values.slice(0, 3).join(',')
  return values.length > 3 ? `${shown} + ${values.length - 3} more...` : shown
}
