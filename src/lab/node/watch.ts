import type { KubeClient } from '../../kube/client.ts'
import { Reflector } from '../../kube/reflector.ts'
import { endpointSlices, type RawObject, type ResourcePath, services } from '../../kube/types.ts'
import { RefusedObject } from '../../kube/views.ts'
import type { EndpointSlice, Pod, Service } from '../kubernetes/api-server/objects.ts'
import { type Log, reasonOf } from './log.ts'

/*
 * What the node runtime watches: its own pods, and all Services with their endpoints. Owners get the whole of what
 * they asked for, once for all events that came together, and never before the first complete list.
 */

export interface Watched {
  /** Every pod bound to the node. */
  onPods(pods: readonly Pod[]): void
  /** Left out where nobody asks for Services: they are not watched then. */
  onServices?(services: readonly Service[], slices: readonly EndpointSlice[]): void
}

const pods: ResourcePath = { prefix: '/api/v1', resource: 'pods' }
// A lab's API server is a second away or dead; waiting half a minute between attempts would only be waiting.
const timings = { maxBackoffMs: 3_000 }

/** Watches until the signal is aborted. */
export function watchCluster(
  client: KubeClient,
  nodeName: string,
  owner: Watched,
  log: Log,
  signal: AbortSignal,
): void {
  const podReflector = reflect<Pod>(
    pods,
    ['containers'],
    () => owner.onPods([...podReflector.views.values()]),
    {
      fieldSelector: `spec.nodeName=${nodeName}`,
    },
  )
  if (owner.onServices === undefined) return
  const onServices = () => {
    if (serviceReflector.hasSynced && sliceReflector.hasSynced)
      owner.onServices?.([...serviceReflector.views.values()], [...sliceReflector.views.values()])
  }
  const serviceReflector = reflect<Service>(services, [], onServices)
  const sliceReflector = reflect<EndpointSlice>(endpointSlices, [], onServices)

  function reflect<T>(
    resource: ResourcePath,
    specLists: readonly string[],
    tell: () => void,
    more: { fieldSelector?: string } = {},
  ): Reflector<T> {
    let isPending = false
    let wasConnected: boolean | null = null
    const changed = () => {
      if (isPending || !reflector.hasSynced) return
      isPending = true
      setImmediate(() => {
        isPending = false
        tell()
      })
    }
    const reflector = new Reflector<T>({
      client,
      resource,
      ...more,
      timings,
      project: (raw) => checked<T>(raw, specLists),
      onChange: changed,
      onSynced: changed,
      onRefused: (key, reason) => log('object ignored', { resource: resource.resource, key, reason }),
      onHandlerError: (error) => log('watch handler failed', { reason: reasonOf(error) }),
      onStatus({ isConnected, error }) {
        if (isConnected === wasConnected) return
        wasConnected = isConnected
        log(isConnected ? 'watching' : 'not watching', {
          resource: resource.resource,
          ...(error === undefined ? {} : { reason: error.message }),
        })
      },
    })
    reflector.run(signal).catch((error) => log('watch ended', { reason: reasonOf(error) }))
    return reflector
  }
}

/** The object as it came, once the parts that code relies on are there: one broken object must not stop the others. */
function checked<T>(raw: RawObject, specLists: readonly string[]): T {
  if (raw.kind === 'EndpointSlice' || 'endpoints' in raw) {
    // An empty slice carries null, as Go writes an empty list.
    const list = raw.endpoints ?? []
    if (!Array.isArray(list)) throw new RefusedObject('endpoints should be a list')
    return { ...raw, endpoints: list } as T
  }
  if (typeof raw.spec !== 'object' || raw.spec === null) throw new RefusedObject('spec should be an object')
  for (const name of specLists) {
    if (!Array.isArray(raw.spec[name])) throw new RefusedObject(`spec.${name} should be a list`)
  }
  return raw as T
}
