/**
 * Gives Pods to nodes: ready, schedulable, matching the Pod's nodeSelector, and of those the one that runs the fewest
 * Pods of the same owner labels, then the fewest at all, then the first by name. No resources, no affinity.
 */
import type { Node, Pod } from '../api-server/objects.ts'
import { isSameJson, keyOf } from '../api-server/objects.ts'
import type { Registry } from '../api-server/registry.ts'
import type { Log } from '../log.ts'
import { type Controller, nameOf, ownKey, startController } from './controller.ts'
import { recordEvent } from './event-recorder.ts'

const component = 'default-scheduler'

/** Binds Pods that have no node. */
export function startScheduler(registry: Registry, log: Log, now: () => number = Date.now): Controller {
  const { store, types } = registry

  const unbound = () =>
    (store.list('pods') as unknown as Pod[]).filter(isWaiting).map(({ metadata }) => keyOf(metadata))

  function reconcile(key: string): void {
    const pod = store.get('pods', key) as Pod | undefined
    if (pod === undefined || !isWaiting(pod)) return
    const nodes = store.list('nodes') as unknown as Node[]
    const node = chooseNode(pod, nodes, [...store.values('pods')] as unknown as Pod[])
    if (node !== undefined) {
      registry.bindPod(pod.metadata, node)
      const message = `Successfully assigned ${key} to ${node}`
      recordEvent(registry, component, pod, { type: 'Normal', reason: 'Scheduled', message }, now())
      return
    }
    const message = `0/${nodes.length} nodes are available: none is ready, schedulable and matches the Pod's nodeSelector.`
    const known = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
    if (known?.message === message) return
    registry.update(
      types.stored('pods'),
      nameOf(key),
      (current) => {
        const { conditions = [], ...status } = (current as unknown as Pod).status ?? {}
        const others = conditions.filter(({ type }) => type !== 'PodScheduled')
        const waiting = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }
        return { ...current, status: { ...status, conditions: [...others, waiting] } }
      },
      { subresource: 'status' },
    )
    recordEvent(registry, component, pod, { type: 'Warning', reason: 'FailedScheduling', message }, now())
  }

  return startController({
    name: 'scheduler',
    registry,
    log,
    triggers: {
      pods: ownKey,
      // Status heartbeats change nothing for Pods that wait.
      nodes: ({ object, previous }) => {
        const before = previous as Node | undefined
        const node = object as Node
        const isSame =
          before !== undefined &&
          canRun(before) === canRun(node) &&
          isSameJson(before.metadata.labels, node.metadata.labels)
        return isSame ? [] : unbound()
      },
    },
    initialKeys: unbound,
    reconcile,
  })
}

/** The node for a Pod, or undefined when none may run it. */
function chooseNode(pod: Pod, nodes: readonly Node[], pods: readonly Pod[]): string | undefined {
  const candidates = nodes.filter((node) => canRun(node) && matchesSelector(pod, node))
  const load = new Map(candidates.map(({ metadata }) => [metadata.name, { alike: 0, all: 0 }]))
  for (const other of pods) {
    const count = load.get(other.spec.nodeName ?? '')
    if (count === undefined || other.metadata.deletionTimestamp !== undefined) continue
    count.all += 1
    if (
      other.metadata.namespace === pod.metadata.namespace &&
      isSameJson(other.metadata.labels, pod.metadata.labels)
    ) {
      count.alike += 1
    }
  }
  const ranked = [...load].sort(
    ([a, left], [b, right]) => left.alike - right.alike || left.all - right.all || (a < b ? -1 : 1),
  )
  return ranked[0]?.[0]
}

function isWaiting(pod: Pod): boolean {
  return (
    !pod.spec.nodeName && pod.metadata.deletionTimestamp === undefined && pod.spec.schedulerName === component
  )
}

function canRun({ metadata, spec, status }: Node): boolean {
  const isReady =
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  return isReady && spec?.unschedulable !== true && metadata.deletionTimestamp === undefined
}

function matchesSelector(pod: Pod, { metadata }: Node): boolean {
  return Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => metadata.labels?.[key] === value)
}
