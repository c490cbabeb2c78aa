import { afterAll, beforeAll, expect, test } from 'vitest'
import { compareRuns } from '../../src/lab/drills/compare.ts'
import type { Drill } from '../../src/lab/drills/drill.ts'
import { loadDrills } from '../../src/lab/drills/load-drills.ts'
import type { DrillRun, ScenarioResult } from '../../src/lab/drills/result.ts'
import { type DrillProgress, runDrills } from '../../src/lab/drills/run-drills.ts'
import { renderReport } from '../../src/lab/report/report.ts'
import { requireState } from '../../src/lab/state.ts'
import { readStatus } from '../../src/lab/status.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { exampleIntent, nothing, planOf, remains } from './lab-fixture.ts'

/* Drills in one rack: two leaves, two nodes. How long an outage is, is the machine's affair; what it is called is ours. */

const lab = 'tdrills'
const [leaf1, leaf2, node1, node2] = [
  'dc1-compute1-leaf1',
  'dc1-compute1-leaf2',
  'dc1-compute1-n1',
  'dc1-compute1-n2',
]
const options = { seed: 1, repeats: 1, allowanceMs: 100 }
let run: DrillRun

beforeAll(async () => {
  await takeDown(lab)
  // What the example expects would be judged as well, and a busy machine is slower than that.
  await bringUp(planOf({ ...exampleIntent('one-rack'), expect: [] }), { name: lab, underTest: ['node'] })
})
afterAll(async () => {
  await takeDown(lab)
  expect(await remains(lab)).toEqual(nothing)
})

test('one drill holds, one is violated, one shows nothing, one is not for this fabric', async () => {
  const silent = `fail: { link: { between: leaf, and: ${node2}, carrying: traffic }, how: silent }`
  run = await runDrills(
    await requireState(lab),
    [
      drill('patient', silent, 'worst outage: <= 20s'),
      drill('impatient', silent, 'worst outage: <= 1ms'),
      drill(
        'beside',
        `fail: { link: ${leaf2}--${node2}, how: silent }`,
        'lost: 0',
        `from: ${node1}, to: loopback of ${leaf1}`,
      ),
      drill('elsewhere', 'fail: { device: spine }', 'lost: 0'),
    ],
    options,
  )
  const [patient, impatient, beside] = run.scenarios as [ScenarioResult, ScenarioResult, ScenarioResult]

  expect(run.skipped).toEqual([
    { name: 'elsewhere', title: 'elsewhere', why: 'there is no spine in this fabric' },
  ])
  expect(beside).toMatchObject({
    verdict: 'undecided',
    expectations: [{ found: expect.stringMatching(/^(no flow crossed|not measured)/) }],
  })
  // A machine that stood still three times in a row has measured nothing, and says so.
  expect(patient.verdict).toBe(isVoid(patient) ? 'undecided' : 'ok')
  // Nor can one that is always waited for show that a limit does not hold.
  expect(impatient.verdict).toBe(isVoid(impatient) || isBusy(impatient) ? 'undecided' : 'violated')
  for (const { repeats } of [patient, impatient]) {
    const [repeat] = repeats
    expect(repeat?.marked.links[0]).toMatch(new RegExp(`--${node2}$`))
    expect(repeat?.actions).toMatchObject([{ atMs: 0, fault: { kind: 'silent' } }])
    expect(repeat?.traffic[0]?.flows).toHaveLength(8)
  }
})

test('afterwards nothing is broken: the lab is as planned', async () => {
  const { faults, isAsPlanned, differences } = await readStatus(lab)

  expect({ faults, differences, isAsPlanned }).toEqual({ faults: [], differences: [], isAsPlanned: true })
})

test('a run is a report, and compared with itself it is no worse', () => {
  expect(renderReport(run)).toContain('impatient')
  expect(compareRuns(run, run)).toMatchObject({ isRegression: false, newViolations: [] })
})

test('a leaf that is drained can lose its links without a packet lost', async () => {
  const maintenance = [
    `drain: ${leaf1}`,
    'after: 300ms, fail: { device: it, how: silent }',
    'after: 1s, heal: all',
    'after: 5s, undrain: it',
  ].join(' }, { ')
  const { scenarios } = await runDrills(
    await requireState(lab),
    [drill('maintenance', maintenance, 'lost: 0')],
    options,
  )
  const [maintained] = scenarios as [ScenarioResult]

  expect([maintained.verdict, maintained.expectations[0]?.found]).toEqual(
    isVoid(maintained)
      ? ['undecided', expect.stringContaining('not measured')]
      : ['ok', expect.stringMatching(/^0 of \d+ packets/)],
  )
})

test('a run that is stopped in the middle mends what it broke', async () => {
  const stopper = new AbortController()
  const onProgress = ({ kind }: DrillProgress) => {
    if (kind === 'action') stopper.abort()
  }
  const broken = drill('stopped', `fail: { device: ${leaf1}, how: silent }`, 'lost: 0')

  await expect(
    runDrills(await requireState(lab), [broken], { ...options, signal: stopper.signal, onProgress }),
  ).rejects.toThrow(/abort/i)
  expect((await requireState(lab)).faults).toEqual([])
})

function isBusy({ repeats }: ScenarioResult): boolean {
  return repeats.every(({ cpuWaitShare = 0 }) => cpuWaitShare > 0.5)
}

function isVoid({ repeats }: ScenarioResult): boolean {
  return repeats.every(({ voidedBecause }) => voidedBecause !== null)
}

function drill(
  name: string,
  steps: string,
  expectation: string,
  ends = `from: ${node1}, to: loopback of ${node2}`,
): Drill {
  const { source, diagnostics } = loadDrills(
    `drill: v1
name: ${name}
title: ${name}
class: test
traffic: [{ ${ends}, flows: 8, rate: 800/s }]
steps: [{ ${steps} }]
expect: [{ ${expectation} }]
`,
    `${name}.yaml`,
  )
  if (source === null) throw new Error(JSON.stringify(diagnostics))
  return source.drills[0]!
}
