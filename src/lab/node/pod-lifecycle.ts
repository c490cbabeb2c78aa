import type { Pod } from '../kubernetes/api-server/objects.ts'

/*
 * What to do next for one pod, from what the API wants and what the node holds: a pure function, asked again after
 * every event and every step. Forgetting an event therefore costs nothing, and a runtime that starts in the middle of
 * anything goes on from there.
 *
 * A pod that is being deleted keeps serving for a short while. Its endpoint turns `terminating` with the deletion, and
 * every proxy and router that sends traffic here needs a moment to learn so; a pod that stops at once drops what
 * arrives in that moment.
 */

export type Step =
  | { kind: 'create-network' }
  | { kind: 'start-process' }
  /** Ask again after this time. */
  | { kind: 'wait'; forMs: number }
  /** End the process and remove the namespace. */
  | { kind: 'remove'; graceMs: number }
  /** Tell the API that nothing of the pod is left. */
  | { kind: 'confirm-deletion' }
  /** Nothing to do until something changes. */
  | { kind: 'rest' }

export interface ActualPod {
  isNetworkReady: boolean
  isProcessRunning: boolean
  /** Ends of the process without a longer run in between. */
  crashesInARow: number
  /** When the process last ended; null when it never ran. */
  exitedAtMs: number | null
  /** When this node first saw that the pod is to go. */
  deletionSeenAtMs: number | null
}

/** Annotation: seconds that a deleted pod goes on serving, at most its termination grace period. */
export const drainAnnotation = 'weft.dev/drain-seconds'
/** Annotation: `"false"` takes a pod out of its Services without touching it. */
export const readyAnnotation = 'weft.dev/ready'

const defaultDrainSeconds = 2
const stopGraceMs = 500

/** The next step for a pod; `pod` is null when the API does not know it (any more). */
export function nextStep(pod: Pod | null, actual: ActualPod | null, nowMs: number): Step {
  if (pod === null) return actual === null ? { kind: 'rest' } : { kind: 'remove', graceMs: 0 }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (actual === null) return { kind: 'confirm-deletion' }
    const drainedAtMs = (actual.deletionSeenAtMs ?? nowMs) + drainMs(pod)
    if (actual.isProcessRunning && nowMs < drainedAtMs) return { kind: 'wait', forMs: drainedAtMs - nowMs }
    return { kind: 'remove', graceMs: graceMsOf(pod) === 0 ? 0 : stopGraceMs }
  }
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') {
    return actual === null ? { kind: 'rest' } : { kind: 'remove', graceMs: stopGraceMs }
  }
  if (actual === null || !actual.isNetworkReady) return { kind: 'create-network' }
  if (actual.isProcessRunning) return { kind: 'rest' }
  const startAtMs = (actual.exitedAtMs ?? 0) + restartDelayMs(actual.crashesInARow)
  return nowMs < startAtMs ? { kind: 'wait', forMs: startAtMs - nowMs } : { kind: 'start-process' }
}

/** How long a pod that is being deleted goes on serving. */
function drainMs(pod: Pod): number {
  const asked = Number(pod.metadata.annotations?.[drainAnnotation] ?? defaultDrainSeconds)
  const seconds = Number.isFinite(asked) && asked >= 0 ? asked : defaultDrainSeconds
  return Math.min(seconds * 1000, graceMsOf(pod))
}

function graceMsOf(pod: Pod): number {
  return 1000 * (pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30)
}

/** The first restart is immediate; then 0.5, 1, 2 … 30 s. */
function restartDelayMs(crashesInARow: number): number {
  return crashesInARow <= 1 ? 0 : Math.min(30_000, 125 * 2 ** crashesInARow)
}
