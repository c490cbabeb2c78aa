/**
 * Notices nodes that have gone silent: a node renews its Lease in kube-node-lease, and when it stops doing so for the
 * grace period, its conditions become Unknown and its Pods are no longer Ready.
 *
 * The age of a Lease is measured by this process's clock from the moment it saw the renewal, as upstream, so clocks
 * that differ between machines do no harm. When the API server itself was away, every node gets a fresh grace period.
 * A node that comes back says so itself; its own agent sets its conditions and its Pods' again.
 */
import { type Condition, keyOf, type Lease, type Node, type Pod, timestamp } from '../api-server/objects.ts'
import type { Registry } from '../api-server/registry.ts'
import type { Log } from '../log.ts'
import { type Controller, startController } from './controller.ts'
import { recordEvent } from './event-recorder.ts'

export interface NodeLifecycleOptions {
  graceSeconds: number
  /** A steady clock in milliseconds, to measure silence by. */
  monotonicMs?: () => number
  now?: () => number
  /** How often silence is looked for; a tenth of the grace period when left out. */
  checkIntervalMs?: number
}

const leaseNamespace = 'kube-node-lease'
const component = 'node-controller'

/** Watches over all nodes. */
export function startNodeLifecycle(registry: Registry, log: Log, options: NodeLifecycleOptions): Controller {
  const { store } = registry
  const monotonicMs = options.monotonicMs ?? (() => performance.now())
  const now = options.now ?? Date.now
  const seen = new Map<string, { renewal: string; atMs: number }>()

  function reconcile(name: string): void {
    const node = store.get('nodes', name) as Node | undefined
    if (node === undefined) {
      seen.delete(name)
      return
    }
    const lease = store.get('leases.coordination.k8s.io', `${leaseNamespace}/${name}`) as Lease | undefined
    // A node that renews no Lease may still say that it lives by its heartbeat.
    const heartbeat = node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime ?? ''
    const renewal = `${lease?.spec?.renewTime ?? ''} ${heartbeat}`
    const last = seen.get(name)
    if (last?.renewal !== renewal) {
      seen.set(name, { renewal, atMs: monotonicMs() })
      return
    }
    if (monotonicMs() - last.atMs > options.graceSeconds * 1000) declareSilent(node)
  }

  function declareSilent(node: Node): void {
    const { name } = node.metadata
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
    if (ready?.status !== 'Unknown') {
      const message = `node ${name} renewed no lease for ${options.graceSeconds} seconds`
      log.warn({ node: name, graceSeconds: options.graceSeconds }, 'node went silent')
      setConditions('nodes', { name }, (conditions) => {
        const others = conditions.filter(({ type }) => type !== 'Ready')
        const known = conditions.find(({ type }) => type === 'Ready') ?? { type: 'Ready', status: 'Unknown' }
        const silent = { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }
        return [...others, known].map((condition) => changed(condition, { status: 'Unknown', ...silent }))
      })
      recordEvent(registry, component, node, { type: 'Warning', reason: 'NodeNotReady', message }, now())
    }
    for (const pod of store.list('pods') as unknown as Pod[]) {
      if (pod.spec.nodeName === name) markPodNotReady(pod)
    }
  }

  function markPodNotReady(pod: Pod): void {
    const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    if (isReady !== true) return
    setConditions('pods', pod.metadata, (conditions) =>
      conditions.map((condition) =>
        condition.type === 'Ready'
          ? changed(condition, { status: 'False', reason: 'NodeNotReady' })
          : condition,
      ),
    )
  }

  function setConditions(
    type: 'nodes' | 'pods',
    name: { namespace?: string; name: string },
    change: (conditions: Condition[]) => Condition[],
  ): void {
    registry.update(
      registry.types.stored(type),
      name,
      (current) => {
        const status = (current as Node).status ?? {}
        return { ...current, status: { ...status, conditions: change(status.conditions ?? []) } }
      },
      { subresource: 'status' },
    )
  }

  function changed(condition: Condition, to: Pick<Condition, 'status'> & Partial<Condition>): Condition {
    return condition.status === to.status
      ? condition
      : { ...condition, ...to, lastTransitionTime: timestamp(now()) }
  }

  const nodeNames = () => store.list('nodes').map(({ metadata }) => keyOf(metadata))
  const controller = startController({
    name: 'node-lifecycle',
    registry,
    log,
    triggers: {
      nodes: ({ object }) => [object.metadata.name],
      'leases.coordination.k8s.io': ({ object: { metadata } }) =>
        metadata.namespace === leaseNamespace ? [metadata.name] : [],
    },
    initialKeys: nodeNames,
    reconcile,
  })
  const check = setInterval(
    () => {
      for (const name of nodeNames()) controller.enqueue(name)
    },
    options.checkIntervalMs ?? Math.max(100, options.graceSeconds * 100),
  )
  return {
    enqueue: controller.enqueue,
    stop() {
      clearInterval(check)
      controller.stop()
    },
  }
}
