import { type KubeClient, KubeStatusError } from '../../kube/client.ts'
import type { Lease, Node, Pod } from '../kubernetes/api-server/objects.ts'
import type { NodeApi } from './node-registration.ts'
import type { PodApi } from './pod-runner.ts'

/*
 * What the node runtime writes to the API. Every request has a deadline of its own: the API is reached over the fabric
 * that is being built, and a request on a path that just broke would otherwise hang for minutes.
 */

const timeoutMs = 5_000
const mergePatch = 'application/merge-patch+json'

/** Reads and writes Node and Lease objects. */
export function nodeApi(client: KubeClient): NodeApi {
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
  return {
    readNode: (name) => orNull(client.json<Node>({ path: `/api/v1/nodes/${name}`, signal: deadline() })),
    createNode: (node) =>
      client.json<Node>({ method: 'POST', path: '/api/v1/nodes', body: node, signal: deadline() }),
    patchNode: (name, patch) =>
      client.json<Node>({
        method: 'PATCH',
        path: `/api/v1/nodes/${name}`,
        body: patch,
        contentType: mergePatch,
        signal: deadline(),
      }),
    // A merge patch with whole lists: a strategic one would merge addresses by type, and two of them are InternalIP.
    // The version makes sure that no condition that somebody else set meanwhile is lost.
    patchNodeStatus: (node, status) =>
      client.json<Node>({
        method: 'PATCH',
        path: `/api/v1/nodes/${node.metadata.name}/status`,
        body: { metadata: { resourceVersion: node.metadata.resourceVersion }, status },
        contentType: mergePatch,
        signal: deadline(),
      }),
    async renewLease(lease) {
      const path = `${leases}/${lease.metadata.name}`
      const patch = client.json<Lease>({
        method: 'PATCH',
        path,
        body: { spec: lease.spec },
        contentType: mergePatch,
        signal: deadline(),
      })
      if ((await orNull(patch)) !== null) return
      await client.json<Lease>({ method: 'POST', path: leases, body: lease, signal: deadline() })
    },
  }
}

/** Writes the status of pods and the end of their deletion. */
export function podApi(client: KubeClient): PodApi {
  return {
    patchStatus(pod, status) {
      // The uid makes sure that this is the same pod, not a later one of the same name.
      const body = { metadata: { uid: pod.metadata.uid }, status }
      const path = `${pathOf(pod)}/status`
      // kube-apiserver calls another uid in a patch a change of an immutable field.
      return orNull(
        client.json<Pod>({ method: 'PATCH', path, body, contentType: mergePatch, signal: deadline() }),
        ({ status, message }) => status === 409 || (status === 422 && message.includes('metadata.uid')),
      )
    },
    async confirmDeletion(pod) {
      // A second confirmation, after a lost answer, must not hit a new pod of the same name.
      const found = await orNull(client.json<Pod>({ path: pathOf(pod), signal: deadline() }))
      if (found === null || found.metadata.uid !== pod.metadata.uid) return
      const query = { gracePeriodSeconds: 0 }
      await orNull(client.json({ method: 'DELETE', path: pathOf(pod), query, signal: deadline() }))
    },
  }
}

function pathOf({ metadata }: Pod): string {
  return `/api/v1/namespaces/${metadata.namespace ?? 'default'}/pods/${metadata.name}`
}

function deadline(): AbortSignal {
  return AbortSignal.timeout(timeoutMs)
}

/** The answer, or null when the object is not there, or `isOther` says that another one is there now. */
async function orNull<T>(
  request: Promise<T>,
  isOther: (error: KubeStatusError) => boolean = () => false,
): Promise<T | null> {
  try {
    return await request
  } catch (error) {
    if (error instanceof KubeStatusError && (error.status === 404 || isOther(error))) return null
    throw error
  }
}
