import { expect, test } from 'vitest'
import { compareRuns } from './compare.ts'
import { formatJunit } from './junit.ts'
import type { DrillRun, RepeatResult, Verdict } from './result.ts'

function runOf(
  outages: number[],
  options: { verdict?: Verdict; isPlanned?: boolean; lost?: number } = {},
): DrillRun {
  const { verdict = 'ok', isPlanned = false, lost = 0 } = options
  const repeats = outages.map(
    (outageMs): RepeatResult => ({
      marked: { devices: [], links: [] },
      measured: { fromMs: -500, toMs: 1500 },
      actions: [],
      traffic: [
        {
          name: 'web',
          from: 'client',
          to: '10.0.0.1',
          protocol: 'udp',
          flows: [
            {
              id: '1',
              sent: 100,
              lost,
              reordered: 0,
              outageMs,
              gaps: [],
              pathBefore: [],
              pathAfter: [],
              reset: 0,
              stalled: 0,
            },
          ],
          resolutionMs: 5,
          balance: { before: [], after: [] },
          movedNeedlessly: 0,
        },
      ],
      timeline: [],
      phases: null,
      voidedBecause: null,
    }),
  )
  return {
    version: 1,
    fabric: 'two-sites',
    startedAt: '2026-01-01T00:00:00Z',
    seed: 1,
    environment: {
      kernel: '6.18',
      frr: '8.4.4',
      weft: '0.1.0',
      cpus: 2,
      memoryMiB: 1024,
      load: 0,
      devices: 4,
      sessions: 4,
      bfd: [],
    },
    topology: { devices: [], links: [] },
    scenarios: [
      {
        name: 'silent-link',
        title: 'A link falls silent',
        failureClass: 'silent link',
        isPlanned,
        repeats,
        expectations: [
          {
            text: 'worst outage: <= 400ms',
            source: 'scenario',
            path: 'expect[0]',
            verdict,
            found: '"611 ms" & <more>',
          },
        ],
        verdict,
      },
    ],
    verdict,
  }
}

test('a difference within the spread of either run is no change', () => {
  expect(compareRuns(runOf([300, 340, 400]), runOf([310, 370, 420]))).toMatchObject({
    classes: [{ failureClass: 'silent link', change: 'same' }],
    isRegression: false,
  })
})

test('a difference beyond it is, in either direction', () => {
  expect(compareRuns(runOf([300, 305, 310]), runOf([390, 400, 410]))).toMatchObject({
    classes: [{ change: 'worse' }],
    isRegression: true,
  })
  expect(compareRuns(runOf([390, 400, 410]), runOf([300, 305, 310]))).toMatchObject({
    classes: [{ change: 'better' }],
    isRegression: false,
  })
})

test('too few runs of a failure decide nothing about it', () => {
  expect(compareRuns(runOf([300]), runOf([900]))).toMatchObject({
    classes: [{ change: 'too few' }],
    isRegression: false,
  })
})

test('planned work that begins to lose is worse after one run', () => {
  const before = runOf([0], { isPlanned: true })
  const after = runOf([20], { isPlanned: true, lost: 3 })

  expect(compareRuns(before, after).classes[0]?.change).toBe('worse')
  expect(compareRuns(after, before).classes[0]?.change).toBe('better')
})

test('a new violation is a regression, one that was there is not', () => {
  const good = runOf([300])
  const bad = runOf([900], { verdict: 'violated' })

  expect(compareRuns(good, bad)).toMatchObject({
    isRegression: true,
    newViolations: [{ name: 'silent-link' }],
  })
  expect(compareRuns(bad, bad)).toMatchObject({ isRegression: false, newViolations: [] })
})

test('failures that only one run has are named', () => {
  const none = { ...runOf([1]), scenarios: [] }

  expect(compareRuns(none, runOf([1])).classes[0]?.change).toBe('new')
  expect(compareRuns(runOf([1]), none).classes[0]?.change).toBe('gone')
})

test('JUnit: violated fails, undecided and what the fabric lacks are skipped, and text is escaped', () => {
  const run = {
    ...runOf([611], { verdict: 'violated' }),
    skipped: [{ name: 'silent-dci', title: 'x', why: 'no DCI' }],
  }
  const xml = formatJunit(run)

  expect(xml).toContain('tests="2" failures="1" errors="0" skipped="1"')
  expect(xml).toContain(
    '<failure message="worst outage: &lt;= 400ms: &quot;611 ms&quot; &amp; &lt;more&gt;">',
  )
  expect(xml).toContain('<skipped message="no DCI"/>')
  expect(formatJunit(runOf([611], { verdict: 'undecided' }))).toContain(
    '<skipped message="undecided: worst outage',
  )
  expect(formatJunit(runOf([300]))).toMatch(
    /<testcase classname="silent link" name="silent-link" time="2.000"\/>/,
  )
})
