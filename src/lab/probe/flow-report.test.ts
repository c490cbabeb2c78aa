import { expect, test } from 'vitest'
import { analyzeFlows } from './flow-report.ts'
import type { FlowSeries } from './protocol.ts'

const series = (answers: string, senderStallMs = 1): FlowSeries => ({
  intervalMs: 10,
  senderStallMs,
  flows: [
    {
      sourcePort: 40_000,
      sentAt: [...answers].map((_, index) => 1000 + index * 10),
      answeredAt: [...answers].map((letter, index) => (letter === '.' ? 1001 + index * 10 : null)),
      answeredBy: ['n1'],
    },
  ],
})

test('measures the longest run of losses from its first packet to the next that got through', () => {
  const report = analyzeFlows(series('..x...xxxxx..x.'))

  expect(report.worst).toMatchObject({ sent: 15, lost: 7, longestGapMs: 50, gapStartedMs: 60 })
  expect(report.voidedBecause).toBeNull()
})

test('counts a run that is still going on at the end', () => {
  expect(analyzeFlows(series('...xx')).worst.longestGapMs).toBe(20)
})

test('knows no outage where nothing was lost', () => {
  expect(analyzeFlows(series('.....')).worst).toMatchObject({ lost: 0, longestGapMs: 0, gapStartedMs: null })
})

test('voids a run in which the sender itself stood still, and coarsens the resolution before that', () => {
  expect(analyzeFlows(series('..', 20)).resolutionMs).toBe(20)
  expect(analyzeFlows(series('..', 80)).voidedBecause).toMatch(/stood still for 80 ms/)
})
