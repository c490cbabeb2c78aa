/**
 * Endpoints: the older form of EndpointSlices, which `kubectl get endpoints` and many scripts still read.
 *
 * They say what the slices of a Service say in its first family, and are made from them, so that both agree. Those of a
 * Service without selector are its owner's and stay alone. Upstream stops at 1,000 addresses and says so; so do these.
 */
import {
  type AnyObject,
  type Endpoint,
  type EndpointSlice,
  isSameJson,
  type Service,
} from '../api-server/objects.ts'
import type { Registry } from '../api-server/registry.ts'
import type { Log } from '../log.ts'
import { type Controller, nameOf, ownKey, startController } from './controller.ts'
import { managedBy, managedByLabel, serviceLabel, sliceType } from './endpoint-slices.ts'

const mostAddresses = 1_000
const overCapacity = 'endpoints.kubernetes.io/over-capacity'

/** Keeps the Endpoints of all Services that have a selector. */
export function startEndpoints(registry: Registry, log: Log): Controller {
  const { store, types } = registry
  const slicesOf = new Map<string, Map<string, EndpointSlice>>()

  function noteSlice(slice: EndpointSlice, isGone: boolean): string[] {
    const { labels, namespace, name } = slice.metadata
    if (labels?.[managedByLabel] !== managedBy) return []
    const key = `${namespace}/${labels[serviceLabel]}`
    const slices = slicesOf.get(key) ?? new Map<string, EndpointSlice>()
    if (isGone) slices.delete(name)
    else slices.set(name, slice)
    if (slices.size === 0) slicesOf.delete(key)
    else slicesOf.set(key, slices)
    return [key]
  }

  function reconcile(key: string): void {
    const type = types.stored('endpoints')
    const { namespace, name } = nameOf(key)
    const service = store.get('services', key) as Service | undefined
    const current = registry.find(type, { namespace, name })
    if (service === undefined) {
      if (current !== undefined) registry.remove(type, { namespace, name })
      return
    }
    if (service.spec.selector === undefined || service.spec.type === 'ExternalName') return
    const wanted = describe(service, [...(slicesOf.get(key)?.values() ?? [])])
    if (current === undefined) registry.create(type, namespace, wanted)
    else if (!isSameJson(current.subsets, wanted.subsets))
      registry.update(type, { namespace, name }, (endpoints) => ({
        ...endpoints,
        subsets: wanted.subsets,
        metadata: { ...endpoints.metadata, ...metadataOf(wanted) },
      }))
  }

  for (const object of store.values(sliceType)) noteSlice(object as unknown as EndpointSlice, false)
  return startController({
    name: 'endpoints',
    registry,
    log,
    triggers: {
      services: ownKey,
      [sliceType]: ({ type, object }) => noteSlice(object as unknown as EndpointSlice, type === 'DELETED'),
    },
    initialKeys: () => store.list('services').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    reconcile,
  })
}

function metadataOf({ metadata }: AnyObject) {
  const { labels, annotations } = metadata
  return {
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

function describe({ metadata, spec }: Service, slices: readonly EndpointSlice[]): AnyObject {
  const family = spec.ipFamilies?.[0] ?? 'IPv4'
  let room = mostAddresses
  const subsets = slices
    .filter(({ addressType, endpoints }) => addressType === family && endpoints.length > 0)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap(({ endpoints, ports }) => {
      const taken = endpoints.slice(0, room)
      room -= taken.length
      const addressesOf = (isReady: boolean) =>
        taken.filter(({ conditions }) => (conditions?.ready ?? true) === isReady).map(addressOf)
      const [addresses, notReadyAddresses] = [addressesOf(true), addressesOf(false)]
      if (taken.length === 0) return []
      return [
        {
          ...(addresses.length === 0 ? {} : { addresses }),
          ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
          ports: (ports ?? []).map(({ name, ...port }) => (name ? { name, ...port } : port)),
        },
      ]
    })
  const total = slices.reduce((sum, { endpoints }) => sum + endpoints.length, 0)
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels: { ...metadata.labels, 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
      ...(total > mostAddresses ? { annotations: { [overCapacity]: 'truncated' } } : {}),
    },
    ...(subsets.length === 0 ? {} : { subsets }),
  }
}

function addressOf({ addresses, nodeName, targetRef }: Endpoint): object {
  return {
    ip: addresses[0],
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  }
}
