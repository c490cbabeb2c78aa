import { expect, test } from 'vitest'
import type { Pod } from '../kubernetes/api-server/objects.ts'
import { readyAnnotation } from './pod-lifecycle.ts'
import { describePod, showsStatus } from './pod-status.ts'
import type { Sandbox } from './sandbox.ts'

const earlier = '2026-01-01T00:00:00Z'
const now = '2026-01-01T00:01:00Z'
const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'u' },
  spec: { containers: [{ name: 'main', image: 'responder' }] },
  status: { conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: earlier }] },
}
const sandbox: Sandbox = {
  uid: 'u',
  pod,
  netns: 'x',
  interface: 'podx',
  addresses: ['10.1.2.1', 'fd00:1:2::1'],
  createdAt: earlier,
  isNetworkReady: true,
  container: { pid: 7, startTicks: 1, startedAt: earlier },
  restartCount: 0,
  lastExit: null,
}
const observed = {
  isAnswering: true,
  isProcessRunning: true,
  nodeAddresses: ['10.0.0.2'],
  problem: null,
  now,
}

test('a pod that answers is running and ready, under both of its addresses', () => {
  expect(describePod(pod, sandbox, observed)).toMatchInlineSnapshot(`
    {
      "conditions": [
        {
          "lastTransitionTime": "2026-01-01T00:00:00Z",
          "status": "True",
          "type": "PodScheduled",
        },
        {
          "lastTransitionTime": "2026-01-01T00:01:00Z",
          "status": "True",
          "type": "Initialized",
        },
        {
          "lastTransitionTime": "2026-01-01T00:01:00Z",
          "status": "True",
          "type": "ContainersReady",
        },
        {
          "lastTransitionTime": "2026-01-01T00:01:00Z",
          "status": "True",
          "type": "Ready",
        },
      ],
      "containerStatuses": [
        {
          "containerID": "weft://7",
          "image": "responder",
          "imageID": "",
          "name": "main",
          "ready": true,
          "restartCount": 0,
          "started": true,
          "state": {
            "running": {
              "startedAt": "2026-01-01T00:00:00Z",
            },
          },
        },
      ],
      "hostIP": "10.0.0.2",
      "hostIPs": [
        {
          "ip": "10.0.0.2",
        },
      ],
      "phase": "Running",
      "podIP": "10.1.2.1",
      "podIPs": [
        {
          "ip": "10.1.2.1",
        },
        {
          "ip": "fd00:1:2::1",
        },
      ],
      "qosClass": "BestEffort",
      "startTime": "2026-01-01T00:00:00Z",
    }
  `)
})

test('a status that is shown already is not sent again, and keeps its times', () => {
  const first = describePod(pod, sandbox, observed)
  const shown = { ...pod, status: { ...first, somethingElse: 1 } } as Pod

  const later = describePod(shown, sandbox, { ...observed, now: '2027-01-01T00:00:00Z' })

  expect(later).toEqual(first)
  expect(showsStatus(shown, later)).toBe(true)
  expect(showsStatus(shown, describePod(shown, sandbox, { ...observed, isAnswering: false, now }))).toBe(
    false,
  )
})

test('the annotation takes a pod out of its Services although it answers', () => {
  const off = { ...pod, metadata: { ...pod.metadata, annotations: { [readyAnnotation]: 'false' } } }

  expect(describePod(off, sandbox, observed).conditions).toMatchObject([
    { type: 'PodScheduled', status: 'True', lastTransitionTime: earlier },
    { type: 'Initialized', status: 'True' },
    { type: 'ContainersReady', status: 'True' },
    { type: 'Ready', status: 'False', reason: 'SwitchedOff', lastTransitionTime: now },
  ])
})

test('conditions of others stay', () => {
  const gate = { type: 'weft.dev/announced', status: 'True' as const, lastTransitionTime: earlier }
  const gated = { ...pod, status: { conditions: [gate] } }

  expect(describePod(gated, sandbox, observed).conditions).toContainEqual(gate)
})

test('a pod that crashed shows how often and with which code', () => {
  const crashed: Sandbox = {
    ...sandbox,
    container: null,
    restartCount: 2,
    lastExit: { exitCode: 1, signal: null, at: now },
  }

  expect(
    describePod(pod, crashed, { ...observed, isProcessRunning: false, isAnswering: false }),
  ).toMatchObject({
    phase: 'Running',
    containerStatuses: [
      {
        ready: false,
        restartCount: 2,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 1 } },
      },
    ],
  })
})

test('a pod that cannot be brought up says why', () => {
  const status = describePod(pod, null, {
    ...observed,
    isProcessRunning: false,
    isAnswering: false,
    problem: 'no address left',
  })

  expect(status).toMatchObject({
    phase: 'Pending',
    containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating', message: 'no address left' } } }],
  })
})
