/**
 * Empties namespaces that are being deleted, then lets them go.
 */
import { isSameJson } from '../api-server/objects.ts'
import type { Registry } from '../api-server/registry.ts'
import { storageName } from '../api-server/resource-type.ts'
import type { StoreChange } from '../api-server/store.ts'
import type { Log } from '../log.ts'
import { type Controller, ownKey, startController } from './controller.ts'

/** Finishes the deletion of namespaces. */
export function startNamespaces(registry: Registry, log: Log): Controller {
  const { store, types } = registry

  function reconcile(name: string): void {
    const namespace = store.get('namespaces', name)
    if (namespace?.metadata.deletionTimestamp === undefined) return
    let remaining = 0
    for (const type of contentTypes()) {
      for (const { metadata } of registry.list(type, name)) {
        if (metadata.deletionTimestamp === undefined) registry.remove(type, metadata)
      }
      remaining += registry.list(type, name).length
    }
    if (remaining > 0 || isSameJson(namespace.spec, { finalizers: [] })) return
    registry.update(
      types.stored('namespaces'),
      { name },
      (current) => ({ ...current, spec: { finalizers: [] } }),
      { subresource: 'finalize' },
    )
  }

  function contentTypes() {
    const byName = new Map(types.all().map((type) => [storageName(type), type]))
    return [...byName.values()].filter(({ namespaced }) => namespaced)
  }

  /** Only what takes time to go, namely Pods and objects with finalizers, brings a namespace back here. */
  const removedFrom = ({ type, object }: StoreChange) =>
    type === 'DELETED' && object.metadata.deletionTimestamp !== undefined
      ? [object.metadata.namespace ?? '']
      : []

  const controller = startController({
    name: 'namespaces',
    registry,
    log,
    triggers: { namespaces: ownKey, pods: removedFrom },
    initialKeys: () => store.list('namespaces').map(({ metadata }) => metadata.name),
    reconcile,
  })
  // Objects of other types may be held by finalizers; there are too few to watch every type for them.
  const check = setInterval(() => {
    for (const { metadata } of store.list('namespaces')) {
      if (metadata.deletionTimestamp !== undefined) controller.enqueue(metadata.name)
    }
  }, 1000)
  return {
    enqueue: controller.enqueue,
    stop() {
      clearInterval(check)
      controller.stop()
    },
  }
}
