import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeNode } from '../desired/fixtures.ts'
import { advanceDrain, type DrainState, drainDeadlineMs, serving } from './drain-phase.ts'
import { requestsOfNode } from './drain-requests.ts'

const settleMs = 2_000
const asked = { isRequested: true, isLowered: false }
const lowered = { isRequested: true, isLowered: true }
const nobody = { isRequested: false, isLowered: true }

test('a drain waits for bgpd, then for the fabric, then withdraws', () => {
  const draining = advanceDrain(serving, asked, 1_000, settleMs)
  expect(draining).toEqual({ phase: 'draining', sinceMs: 1_000 })
  expect(drainDeadlineMs(draining, settleMs)).toBeUndefined()

  const settling = advanceDrain(draining, lowered, 1_500, settleMs)
  expect(drainDeadlineMs(settling, settleMs)).toBe(3_500)
  expect(advanceDrain(settling, lowered, 3_499, settleMs).phase).toBe('draining')
  expect(advanceDrain(settling, lowered, 3_500, settleMs)).toEqual({ phase: 'drained', sinceMs: 3_500 })
})

test('a restart of bgpd begins the settling anew', () => {
  const settling = advanceDrain(advanceDrain(serving, asked, 0, settleMs), lowered, 100, settleMs)
  const lost = advanceDrain(settling, asked, 1_900, settleMs)
  const again = advanceDrain(lost, lowered, 2_500, settleMs)

  expect(drainDeadlineMs(again, settleMs)).toBe(4_500)
})

test('a node that is drained stays drained while bgpd restarts', () => {
  const drained: DrainState = { phase: 'drained', sinceMs: 5 }

  expect(advanceDrain(drained, asked, 9_000, settleMs)).toBe(drained)
})

test('from every phase a drain ends at once when nobody asks for it any more', () => {
  const phases: DrainState[] = [
    { phase: 'draining', sinceMs: 1 },
    { phase: 'draining', sinceMs: 1, loweredAtMs: 2 },
    { phase: 'drained', sinceMs: 1 },
  ]

  for (const state of phases)
    expect(advanceDrain(state, nobody, 7, settleMs)).toEqual({ phase: 'serving', sinceMs: 7 })
})

test('no history leads from serving to drained without a whole settle time of lowered preference', () => {
  const event = fc.record({
    isRequested: fc.boolean(),
    isLowered: fc.boolean(),
    ms: fc.integer({ min: 0, max: 1500 }),
  })

  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let state = serving
      let nowMs = 0
      let loweredSinceMs: number | undefined
      for (const { ms, ...inputs } of events) {
        nowMs += ms
        loweredSinceMs = inputs.isRequested && inputs.isLowered ? (loweredSinceMs ?? nowMs) : undefined
        const before = state.phase
        state = advanceDrain(state, inputs, nowMs, settleMs)
        expect(state.phase === 'serving').toBe(!inputs.isRequested)
        if (state.phase === 'drained' && before !== 'drained')
          expect(nowMs - (loweredSinceMs ?? nowMs)).toBeGreaterThanOrEqual(settleMs)
      }
    }),
  )
})

test('the Node asks with an annotation or a taint, a cordon does not', () => {
  const key = 'weft.dev/drain'

  expect(requestsOfNode(makeNode(), key)).toEqual([])
  expect(requestsOfNode(undefined, key)).toEqual([])
  expect(requestsOfNode(makeNode({ isUnschedulable: true }), key)).toEqual([])
  expect(requestsOfNode(makeNode({ annotations: { [key]: 'true' } }), key)).toEqual(['annotation'])
  expect(requestsOfNode(makeNode({ annotations: { [key]: 'false' } }), key)).toEqual([])
  expect(requestsOfNode(makeNode({ taints: [{ key, effect: 'NoSchedule' }] }), key)).toEqual(['taint'])
})
