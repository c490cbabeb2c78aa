/**
 * Deployments in their plain form: keeps the wanted number of Pods, directly and without ReplicaSets.
 *
 * A changed template replaces Pods one at a time: one more is started, and an old one goes once the new one is ready.
 */
import { createHash } from 'node:crypto'
import type { Deployment } from '../api-server/deployments.ts'
import { type AnyObject, type Pod, timestamp } from '../api-server/objects.ts'
import type { Registry } from '../api-server/registry.ts'
import type { StoreChange } from '../api-server/store.ts'
import type { Log } from '../log.ts'
import { type Controller, nameOf, ownKey, startController } from './controller.ts'

const hashLabel = 'pod-template-hash'
const deploymentType = 'deployments.apps'

/** Keeps the Pods of all Deployments. */
export function startDeployments(registry: Registry, log: Log, now: () => number = Date.now): Controller {
  const { store, types } = registry

  function reconcile(key: string): void {
    const { namespace } = nameOf(key)
    const pods = types.stored('pods')
    const deployment = store.get(deploymentType, key) as unknown as Deployment | undefined
    const isGone = deployment === undefined || deployment.metadata.deletionTimestamp !== undefined
    const owned = (store.list('pods', namespace) as unknown as Pod[]).filter(
      (pod) => ownerKey(pod as unknown as AnyObject) === key,
    )
    const present = owned.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    if (isGone) {
      for (const { metadata } of present) registry.remove(pods, metadata)
      return
    }
    const wanted = deployment.spec.replicas ?? 1
    const hash = templateHash(deployment)
    const living: Pod[] = []
    for (const pod of present) {
      const hasEnded = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
      if (hasEnded) registry.remove(pods, pod.metadata)
      else living.push(pod)
    }
    const current = living.filter(({ metadata }) => metadata.labels?.[hashLabel] === hash)
    const old = living.filter((pod) => !current.includes(pod))
    // While old Pods serve, one Pod above the wanted number is allowed.
    const room = wanted + (old.length > 0 ? 1 : 0) - living.length
    for (let i = 0; i < Math.min(room, wanted - current.length); i++) {
      current.push(registry.create(pods, namespace, newPod(deployment, hash)) as unknown as Pod)
    }
    const ready = living.filter(isReady).length
    const surplus = [
      ...old.filter((pod) => !isReady(pod)),
      ...old.filter(isReady).slice(0, Math.max(0, ready - wanted)),
      // Pods that do not serve go first, then the youngest.
      ...[...current]
        .sort((a, b) => Number(isReady(a)) - Number(isReady(b)) || byAge(b, a))
        .slice(0, Math.max(0, current.length - wanted)),
    ]
    for (const { metadata } of surplus) registry.remove(pods, metadata)
    writeStatus(
      deployment,
      living.filter((pod) => !surplus.includes(pod)),
      hash,
    )
  }

  function writeStatus(deployment: Deployment, living: readonly Pod[], hash: string): void {
    const { metadata, spec } = deployment
    const wanted = spec.replicas ?? 1
    const ready = living.filter(isReady).length
    const updated = living.filter((pod) => pod.metadata.labels?.[hashLabel] === hash).length
    const isAvailable = ready >= wanted
    const known = (deployment.status?.conditions ?? []) as {
      type: string
      status: string
      lastTransitionTime?: string
    }[]
    const available = known.find(({ type }) => type === 'Available')
    const isUnchanged = available?.status === (isAvailable ? 'True' : 'False')
    const status = {
      observedGeneration: metadata.generation ?? 1,
      replicas: living.length,
      updatedReplicas: updated,
      readyReplicas: ready,
      availableReplicas: ready,
      unavailableReplicas: Math.max(0, wanted - ready),
      conditions: [
        {
          type: 'Available',
          status: isAvailable ? 'True' : 'False',
          reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
          message: `${ready} of ${wanted} replicas are ready`,
          lastTransitionTime: isUnchanged ? available.lastTransitionTime : timestamp(now()),
        },
      ],
    }
    registry.update(types.stored(deploymentType), metadata, (current) => ({ ...current, status }), {
      subresource: 'status',
    })
  }

  return startController({
    name: 'deployments',
    registry,
    log,
    triggers: {
      [deploymentType]: ownKey,
      pods: ({ object }: StoreChange) => [ownerKey(object) ?? []].flat(),
    },
    initialKeys: () =>
      store.list(deploymentType).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    reconcile,
  })
}

function ownerKey({ metadata }: AnyObject): string | undefined {
  const owner = metadata.ownerReferences?.find(
    ({ kind, controller }) => kind === 'Deployment' && controller === true,
  )
  return owner === undefined ? undefined : `${metadata.namespace}/${owner.name}`
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
}

function byAge(a: Pod, b: Pod): number {
  return Date.parse(a.metadata.creationTimestamp ?? '') - Date.parse(b.metadata.creationTimestamp ?? '')
}

function templateHash({ spec }: Deployment): string {
  return createHash('sha256').update(JSON.stringify(spec.template)).digest('hex').slice(0, 10)
}

function newPod({ metadata, spec }: Deployment, hash: string): AnyObject {
  const { labels, annotations } = spec.template.metadata ?? {}
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${metadata.name}-${hash}-`,
      labels: { ...labels, [hashLabel]: hash },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: metadata.name,
          uid: metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: spec.template.spec,
  }
}
