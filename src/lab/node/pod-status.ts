import { type Condition, isSameJson, type Pod } from '../kubernetes/api-server/objects.ts'
import { readyAnnotation } from './pod-lifecycle.ts'
import type { Sandbox } from './sandbox.ts'

/** What the node knows about a pod beside its record. */
export interface Observation {
  /** Does the pod answer its readiness probe? */
  isAnswering: boolean
  isProcessRunning: boolean
  nodeAddresses: readonly string[]
  /** Why the pod could not be brought up so far. */
  problem: string | null
  now: string
}

type Fields = Record<string, unknown>

/**
 * The status the API should show for a pod. Conditions keep the time they last changed at, and conditions of others
 * (the scheduler's, readiness gates) stay as they are.
 */
export function describePod(pod: Pod, sandbox: Sandbox | null, observed: Observation): Fields {
  const isStarted =
    sandbox?.container !== null && sandbox?.container !== undefined && observed.isProcessRunning
  const isSwitchedOff = pod.metadata.annotations?.[readyAnnotation] === 'false'
  const areContainersReady = isStarted && observed.isAnswering
  const notReady =
    observed.problem ?? (isStarted ? 'the readiness probe fails' : 'the container is not running')
  const conditions: Condition[] = [
    truth('PodScheduled', true),
    truth('Initialized', true),
    truth('ContainersReady', areContainersReady, 'ContainersNotReady', notReady),
    isSwitchedOff
      ? truth('Ready', false, 'SwitchedOff', `annotation ${readyAnnotation} is "false"`)
      : truth('Ready', areContainersReady, 'ContainersNotReady', notReady),
  ]
  const addresses = sandbox?.isNetworkReady ? sandbox.addresses : []
  return {
    phase: sandbox !== null && (isStarted || sandbox.restartCount > 0) ? 'Running' : 'Pending',
    qosClass: 'BestEffort',
    conditions: mergeConditions(pod.status?.conditions ?? [], conditions, observed.now),
    ...(observed.nodeAddresses[0] === undefined
      ? {}
      : { hostIP: observed.nodeAddresses[0], hostIPs: observed.nodeAddresses.map((ip) => ({ ip })) }),
    ...(addresses[0] === undefined ? {} : { podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) }),
    ...(sandbox === null ? {} : { startTime: sandbox.createdAt }),
    containerStatuses: pod.spec.containers.map((container) => ({
      name: container.name,
      image: container.image ?? '',
      imageID: '',
      ready: areContainersReady,
      started: isStarted,
      restartCount: sandbox?.restartCount ?? 0,
      ...containerState(sandbox, isStarted, observed.problem),
    })),
  }
}

/** Does the API show this already? Fields that others own are not compared. */
export function showsStatus(pod: Pod, status: Fields): boolean {
  const shown = (pod.status ?? {}) as Fields
  return Object.entries(status).every(([key, value]) => isSameJson(shown[key], value))
}

function containerState(sandbox: Sandbox | null, isStarted: boolean, problem: string | null): Fields {
  const exit = sandbox?.lastExit ?? null
  const lastState =
    exit === null
      ? {}
      : {
          lastState: {
            terminated: {
              exitCode: exit.exitCode ?? 137,
              reason: exit.exitCode === 0 ? 'Completed' : 'Error',
              finishedAt: exit.at,
            },
          },
        }
  if (sandbox?.container && isStarted) {
    return {
      containerID: `weft://${sandbox.container.pid}`,
      state: { running: { startedAt: sandbox.container.startedAt } },
      ...lastState,
    }
  }
  const reason = exit === null ? 'ContainerCreating' : 'CrashLoopBackOff'
  return { state: { waiting: { reason, ...(problem === null ? {} : { message: problem }) } }, ...lastState }
}

function truth(type: string, isTrue: boolean, reason?: string, message?: string): Condition {
  return {
    type,
    status: isTrue ? 'True' : 'False',
    ...(isTrue || reason === undefined ? {} : { reason }),
    ...(isTrue || message === undefined ? {} : { message }),
  }
}

/** Conditions by type, in the order they stand in: ours in their places, with the time each last changed. */
export function mergeConditions(
  existing: readonly Condition[],
  ours: readonly Condition[],
  now: string,
): Condition[] {
  const types = new Set(existing.map((condition) => condition.type))
  const added = ours.filter((condition) => !types.has(condition.type))
  return [
    ...existing.map((before) => {
      const condition = ours.find((candidate) => candidate.type === before.type)
      if (condition === undefined) return before
      const isSame = before.status === condition.status
      return { ...condition, lastTransitionTime: isSame ? (before.lastTransitionTime ?? now) : now }
    }),
    ...added.map((condition) => ({ ...condition, lastTransitionTime: now })),
  ]
}
