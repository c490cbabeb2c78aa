import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../../diagnostics/error.ts'
import { findNearest } from '../../intent/nearest.ts'
import { ClusterApi } from '../cluster-api.ts'
import { readyAnnotation } from '../node/pod-lifecycle.ts'
import type { LabState } from '../state.ts'
import type { UnreadyPod } from './effects.ts'

/** Pods by the API, over the lab's own way to it, which faults of the API leave alone. */

/** How long an API that was powered on a moment ago may take until it listens. */
const wakeMs = 20_000

interface PodList {
  items: { metadata: { name: string; namespace: string } }[]
}

/** Refuses a pod that is not there. */
export async function requirePod(state: LabState, { cluster, namespace, pod }: UnreadyPod): Promise<void> {
  await withApi(state, cluster, 0, async (api) => {
    const { items } = await api.get<PodList>('/api/v1/pods')
    const names = items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    if (names.includes(`${namespace}/${pod}`)) return
    const nearest = findNearest(`${namespace}/${pod}`, names)
    throw new WeftError('WEFT_LAB_TARGET_UNKNOWN', `cluster ${cluster} has no pod "${namespace}/${pod}"`, {
      hint:
        nearest !== null
          ? `did you mean ${nearest}?`
          : names.length > 0
            ? `it has ${names.slice(0, 6).join(', ')}`
            : 'it has no pods',
      exitCode: 2,
    })
  })
}

/** Makes pods unready, or ready again when nothing wants them otherwise. */
export async function settlePods(
  state: LabState,
  touched: readonly UnreadyPod[],
  wanted: readonly UnreadyPod[],
): Promise<void> {
  for (const pod of touched) {
    const isUnready = wanted.some(
      (other) => other.cluster === pod.cluster && other.namespace === pod.namespace && other.pod === pod.pod,
    )
    const patch = { metadata: { annotations: { [readyAnnotation]: isUnready ? 'false' : null } } }
    await withApi(state, pod.cluster, wakeMs, async (api) => {
      await whenThere(() => api.patch(pathOf(pod), patch))
    })
  }
}

/** Deletes a pod, as somebody with kubectl would. */
export async function deletePod(state: LabState, pod: UnreadyPod): Promise<void> {
  await withApi(state, pod.cluster, wakeMs, async (api) => {
    await whenThere(() => api.delete(pathOf(pod)))
  })
}

function pathOf({ namespace, pod }: UnreadyPod): string {
  return `/api/v1/namespaces/${namespace}/pods/${pod}`
}

async function withApi(
  state: LabState,
  name: string,
  waitMs: number,
  work: (api: ClusterApi) => Promise<void>,
): Promise<void> {
  const cluster = state.plan.clusters.find((candidate) => candidate.name === name)!
  const api = new ClusterApi(state.name, cluster)
  const deadline = Date.now() + waitMs
  try {
    for (;;) {
      try {
        await work(api)
        return
      } catch (error) {
        if (!isUnreachable(error)) throw error
        if (Date.now() >= deadline)
          throw new WeftError(
            'WEFT_LAB_API',
            `the API of ${name} does not answer: ${(error as Error).message}`,
            {
              hint: `its node is ${cluster.controlPlane[0]}; faults in force: weft lab faults`,
              exitCode: 4,
              cause: error,
            },
          )
      }
      await delay(200)
    }
  } finally {
    api.close()
  }
}

/** A pod that is gone meanwhile needs nothing any more. */
async function whenThere(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof WeftError) || !/: 404 /.test(error.message)) throw error
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof WeftError && error.code === 'WEFT_LAB_API' && !/: \d{3} /.test(error.message)
}
