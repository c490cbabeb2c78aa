import { expect, test } from 'vitest'
import { analyzeFlows } from './flow-report.ts'
import type { FlowRecord } from './protocol.ts'
import { summarizeTraffic } from './traffic-result.ts'

/** A packet every 10 ms from 1000 on; a letter is who answered, `.` nobody. */
function flow(sourcePort: number, answers: string): FlowRecord {
  const answerers = [...new Set(answers.replaceAll('.', ''))]
  return {
    sourcePort,
    sentAt: Float64Array.from(answers, (_, index) => 1000 + index * 10),
    answeredAt: Float64Array.from(answers, (letter, index) =>
      letter === '.' ? Number.NaN : 1001 + index * 10,
    ),
    answeredBy: Int16Array.from(answers, (letter) => answerers.indexOf(letter)),
    answerers,
    reordered: 0,
    duplicated: 0,
    reset: 0,
  }
}

const summarize = (...flows: FlowRecord[]) =>
  summarizeTraffic(
    {
      spec: { name: 'users', from: 'client', to: '10.0.0.1', protocol: 'udp' },
      report: analyzeFlows({
        intervalMs: 10,
        senderStallMs: 0,
        missedByCapture: 0,
        stallAfterMs: null,
        flows,
      }),
      before: [],
      after: [],
    },
    1050,
    1050,
  )

test('times count from the first fault, also those before it', () => {
  const { flows } = summarize(flow(1, 'aa.aa..aaa'))
  expect(flows[0]).toMatchObject({ id: '1', sent: 10, lost: 3, outageMs: 20 })
  expect(flows[0]?.gaps).toEqual([
    { fromMs: -30, toMs: -20 },
    { fromMs: 0, toMs: 20 },
  ])
})

test('balance is of the time before the fault, and of the time after the last loss of any flow', () => {
  // While the second flow is still cut off, the first is answered by c: that is not yet how it stays.
  const { balance } = summarize(flow(1, 'aaaaacccbb'), flow(2, 'bbbbb...bb'))
  expect(balance.before).toEqual([
    { name: 'a', share: 0.5, ideal: 0.5 },
    { name: 'b', share: 0.5, ideal: 0.5 },
  ])
  expect(balance.after).toEqual([{ name: 'b', share: 1, ideal: 1 }])
})

test('a flow moved for nothing when the host that it had still answers others', () => {
  expect(summarize(flow(1, 'aaaaabbbbb'), flow(2, 'aaaaaaaaaa')).movedNeedlessly).toBe(1)
  expect(summarize(flow(1, 'aaaaabbbbb'), flow(2, 'bbbbbbbbbb')).movedNeedlessly).toBe(0)
})
