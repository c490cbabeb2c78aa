import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Pod } from '../kubernetes/api-server/objects.ts'
import { type ActualPod, drainAnnotation, nextStep } from './pod-lifecycle.ts'

const now = 1_000_000

function pod(metadata: Partial<Pod['metadata']> = {}, phase = 'Running'): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', uid: 'u', ...metadata },
    spec: { containers: [{ name: 'c' }], terminationGracePeriodSeconds: 30 },
    status: { phase },
  }
}

const running: ActualPod = {
  isNetworkReady: true,
  isProcessRunning: true,
  crashesInARow: 0,
  exitedAtMs: null,
  deletionSeenAtMs: null,
}
const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 }

test('a new pod gets its network, then its process, then rest', () => {
  expect(nextStep(pod(), null, now)).toEqual({ kind: 'create-network' })
  expect(nextStep(pod(), { ...running, isNetworkReady: false, isProcessRunning: false }, now)).toEqual({
    kind: 'create-network',
  })
  expect(nextStep(pod(), { ...running, isProcessRunning: false }, now)).toEqual({ kind: 'start-process' })
  expect(nextStep(pod(), running, now)).toEqual({ kind: 'rest' })
})

test('a pod that ends is started again, later and later', () => {
  const ended = { ...running, isProcessRunning: false, exitedAtMs: now }

  expect(nextStep(pod(), { ...ended, crashesInARow: 1 }, now)).toEqual({ kind: 'start-process' })
  expect(nextStep(pod(), { ...ended, crashesInARow: 2 }, now)).toEqual({ kind: 'wait', forMs: 500 })
  expect(nextStep(pod(), { ...ended, crashesInARow: 3 }, now)).toEqual({ kind: 'wait', forMs: 1_000 })
  expect(nextStep(pod(), { ...ended, crashesInARow: 20 }, now)).toEqual({ kind: 'wait', forMs: 30_000 })
})

test('a deleted pod goes on serving for two seconds, then is removed, then confirmed', () => {
  const seen = { ...running, deletionSeenAtMs: now }

  expect(nextStep(pod(deleted), seen, now)).toEqual({ kind: 'wait', forMs: 2_000 })
  expect(nextStep(pod(deleted), seen, now + 2_000)).toEqual({ kind: 'remove', graceMs: 500 })
  expect(nextStep(pod(deleted), null, now + 2_100)).toEqual({ kind: 'confirm-deletion' })
})

test('draining lasts as long as the pod asks for, within its grace period', () => {
  const seen = { ...running, deletionSeenAtMs: now }
  const asking = (seconds: string, grace: number) =>
    nextStep(
      pod({ ...deleted, deletionGracePeriodSeconds: grace, annotations: { [drainAnnotation]: seconds } }),
      seen,
      now,
    )

  expect(asking('5', 30)).toEqual({ kind: 'wait', forMs: 5_000 })
  expect(asking('5', 1)).toEqual({ kind: 'wait', forMs: 1_000 })
  expect(asking('soon', 30)).toEqual({ kind: 'wait', forMs: 2_000 })
  expect(asking('5', 0)).toEqual({ kind: 'remove', graceMs: 0 })
})

test('a deleted pod whose process is gone has nothing to drain', () => {
  const ended = { ...running, isProcessRunning: false, deletionSeenAtMs: now }

  expect(nextStep(pod(deleted), ended, now)).toMatchObject({ kind: 'remove' })
})

test('a pod that the API does not know is removed at once', () => {
  expect(nextStep(null, running, now)).toEqual({ kind: 'remove', graceMs: 0 })
  expect(nextStep(null, null, now)).toEqual({ kind: 'rest' })
})

test('whatever the node holds, taking the steps leads to rest or to a confirmed end', () => {
  const start = fc.record({
    isNetworkReady: fc.boolean(),
    isProcessRunning: fc.boolean(),
    crashesInARow: fc.integer({ min: 0, max: 50 }),
    exitedAtMs: fc.option(fc.integer({ min: 0, max: now })),
    deletionSeenAtMs: fc.constant(now),
  })
  fc.assert(
    fc.property(
      fc.option(start),
      fc.constantFrom(null, pod(), pod(deleted), pod({}, 'Failed')),
      (first, wanted) => {
        let actual: ActualPod | null = first
        let clock = now
        for (let count = 0; count < 6; count++) {
          const step = nextStep(wanted, actual, clock)
          if (step.kind === 'rest' || step.kind === 'confirm-deletion') {
            const shouldRun = wanted !== null && wanted.status?.phase !== 'Failed' && step.kind === 'rest'
            expect(actual?.isProcessRunning ?? false).toBe(shouldRun)
            return
          }
          if (step.kind === 'wait') clock += step.forMs
          if (step.kind === 'remove') actual = null
          if (step.kind === 'create-network') actual = { ...running, isProcessRunning: false }
          if (step.kind === 'start-process' && actual !== null) actual = { ...actual, isProcessRunning: true }
        }
        expect.unreachable('six steps are enough for any pod')
      },
    ),
  )
})
