import { expect, test } from 'vitest'
import { analyzeFlows } from './flow-report.ts'
import type { FlowSeries } from './protocol.ts'

/** `.` answered after a millisecond, `x` lost, `s` answered after 300 ms; a packet every 10 ms. */
function series(answers: string, more: Partial<FlowSeries> = {}): FlowSeries {
  const sentAt = Float64Array.from(answers, (_, index) => 1000 + index * 10)
  return {
    intervalMs: 10,
    senderStallMs: 1,
    missedByCapture: 0,
    stallAfterMs: null,
    flows: [
      {
        sourcePort: 20_000,
        sentAt,
        answeredAt: Float64Array.from(answers, (letter, index) =>
          letter === 'x' ? Number.NaN : 1000 + index * 10 + (letter === 's' ? 300 : 1),
        ),
        answeredBy: Int16Array.from(answers, () => 0),
        answerers: ['n1'],
        reordered: 0,
        duplicated: 0,
        reset: 0,
      },
    ],
    ...more,
  }
}

test('measures the longest run of losses from its first packet to the next that got through', () => {
  const report = analyzeFlows(series('..x...xxxxx..x.'))

  expect(report.worst).toMatchObject({ sent: 15, lost: 7, longestGapMs: 50, gapStartedMs: 60 })
  expect(report.worst.gaps).toEqual([
    { fromMs: 1020, toMs: 1030 },
    { fromMs: 1060, toMs: 1110 },
    { fromMs: 1130, toMs: 1140 },
  ])
  expect(report.voidedBecause).toBeNull()
})

test('counts a run that is still going on at the end', () => {
  expect(analyzeFlows(series('...xx')).worst.longestGapMs).toBe(20)
})

test('knows no outage where nothing was lost', () => {
  expect(analyzeFlows(series('.....')).worst).toMatchObject({ lost: 0, longestGapMs: 0, gapStartedMs: null })
})

test('takes a connection whose answers are late for one that stands still, once for all that waited', () => {
  const report = analyzeFlows(series('..sss.....', { stallAfterMs: 50 }))

  expect(report.worst).toMatchObject({ lost: 0, stalled: 1, longestGapMs: 320, gapStartedMs: 20 })
  expect(report.resolutionMs).toBe(50)
})

test('takes requests that a connection took with it for an outage until the next answer', () => {
  const report = analyzeFlows(series('...xxxx...', { stallAfterMs: 50 }))

  expect(report.worst).toMatchObject({ lost: 4, stalled: 1, longestGapMs: 41 })
})

test('voids a run in which the sender itself stood still, and coarsens the resolution before that', () => {
  expect(analyzeFlows(series('..', { senderStallMs: 20 })).resolutionMs).toBe(20)
  expect(analyzeFlows(series('..', { senderStallMs: 80 })).voidedBecause).toMatch(/stood still for 80 ms/)
})

test('voids a run of which the capture has lost a part', () => {
  expect(analyzeFlows(series('..', { missedByCapture: 3 })).voidedBecause).toMatch(/could not keep 3 packets/)
})
