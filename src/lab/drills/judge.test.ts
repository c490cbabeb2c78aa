import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Drill } from './drill.ts'
import { type JudgedRepeat, judgeDrill, leaveUndecided, survivalLimits } from './judge.ts'
import { loadDrills } from './load-drills.ts'
import type { FlowOutcome, Verdict } from './result.ts'

const severity: Record<Verdict, number> = { ok: 0, undecided: 1, violated: 2 }

function drillExpecting(...expect: string[]): Drill {
  const { source, diagnostics } = loadDrills(
    `drill: v1
name: mine
title: A link falls silent
class: silent link
traffic: [{ name: web, from: users, to: service web }, { name: pods, from: node, to: pod on far node }]
steps: [{ fail: { link: a--b, how: silent } }]
expect: [${expect.map((line) => `{ ${line} }`).join(', ')}]
`,
    'mine.yaml',
  )
  if (source === null) throw new Error(JSON.stringify(diagnostics))
  return source.drills[0]!
}

function repeatOf(flow: Partial<FlowOutcome>, extra: Partial<JudgedRepeat['result']> = {}): JudgedRepeat {
  const base: FlowOutcome = {
    id: '1',
    sent: 1000,
    lost: 0,
    reordered: 0,
    outageMs: 0,
    gaps: [],
    pathBefore: ['client', 'leaf1', 'n1'],
    pathAfter: [],
    reset: 0,
    stalled: 0,
  }
  return {
    words: { detectionMs: 300, allowanceMs: 50, injectionMs: 0 },
    missedBecause: null,
    result: {
      marked: { devices: [], links: [] },
      measured: { fromMs: -500, toMs: 2000 },
      actions: [],
      traffic: [
        {
          name: 'web',
          from: 'client',
          to: '10.0.0.1',
          protocol: 'udp',
          flows: [base, { ...base, id: '2', ...flow }],
          resolutionMs: 5,
          balance: { before: [], after: [] },
          movedNeedlessly: 0,
        },
      ],
      timeline: [],
      phases: null,
      voidedBecause: null,
      ...extra,
    },
  }
}

const outage = drillExpecting('worst outage: <= detection + 125ms + allowance')

test('the worst flow decides, and the finding names it, its way, and what was allowed', () => {
  const { verdict, expectations } = judgeDrill(outage, [repeatOf({ outageMs: 611, lost: 90 })])

  expect(verdict).toBe('violated')
  expect(expectations).toEqual([
    {
      text: 'worst outage: <= detection + 125ms + allowance',
      source: 'scenario',
      path: 'expect[0]',
      verdict: 'violated',
      found: '611 ms, flow 2 of web, which went over client leaf1 n1; allowed 475 ms',
    },
  ])
  expect(judgeDrill(outage, [repeatOf({ outageMs: 475 })]).verdict).toBe('ok')
})

test('what breaking took is not held against the fabric, and is said', () => {
  const slow = {
    ...repeatOf({ outageMs: 600 }),
    words: { detectionMs: 300, allowanceMs: 50, injectionMs: 130 },
  }

  expect(judgeDrill(outage, [slow])).toMatchObject({
    verdict: 'ok',
    expectations: [
      { found: expect.stringContaining('allowed 605 ms, with the 130 ms that breaking it took') },
    ],
  })
})

test('what lies within the resolution of the meter is undecided, not violated', () => {
  expect(judgeDrill(outage, [repeatOf({ outageMs: 479 })]).verdict).toBe('undecided')
})

test('the worst repeat decides, and it is named', () => {
  const { verdict, expectations } = judgeDrill(outage, [
    repeatOf({ outageMs: 300 }),
    repeatOf({ outageMs: 900 }),
  ])

  expect(verdict).toBe('violated')
  expect(expectations[0]?.found).toContain('(repeat 2 of 2)')
})

test('a machine that is always waited for cannot show a violation, but that a limit holds', () => {
  const busy = { cpuWaitShare: 0.97 }

  expect(judgeDrill(outage, [repeatOf({ outageMs: 900 }, busy)])).toMatchObject({
    verdict: 'undecided',
    expectations: [{ found: expect.stringContaining('waited for a processor 97 % of the time') }],
  })
  expect(judgeDrill(outage, [repeatOf({ outageMs: 300 }, busy)]).verdict).toBe('ok')
})

test('a voided repeat decides nothing, and says how many did', () => {
  const voided = repeatOf({ outageMs: 9000 }, { voidedBecause: 'the machine stood still for 80 ms' })

  expect(judgeDrill(outage, [voided])).toMatchObject({
    verdict: 'undecided',
    expectations: [{ found: 'not measured: the machine stood still for 80 ms' }],
  })
  expect(judgeDrill(outage, [voided, repeatOf({ outageMs: 300 })])).toMatchObject({
    verdict: 'ok',
    expectations: [{ found: expect.stringContaining('1 of 2 repeats decide nothing') }],
  })
})

test('a failure that no flow met is undecided, however good the numbers are', () => {
  const missed = { ...repeatOf({}), missedBecause: 'no flow crossed a--b' }

  expect(judgeDrill(outage, [missed])).toMatchObject({
    verdict: 'undecided',
    expectations: [{ found: 'no flow crossed a--b' }],
  })
})

test('a drill that was not run leaves every expectation undecided, with the reason', () => {
  expect(leaveUndecided(outage, 'the lab was not as planned again')).toMatchObject([
    { verdict: 'undecided', found: 'the lab was not as planned again' },
  ])
})

test.each([
  ['lost: 0', { lost: 1 }],
  ['lost: <= 10', { lost: 11 }],
  ['connections reset: 0', { reset: 1 }],
  ['connections stalled: 0', { stalled: 1 }],
  ['never recovered: 0', { lost: 5, gaps: [{ fromMs: 100, toMs: 2000 }] }],
] as [string, Partial<FlowOutcome>][])('%s is violated by %j and holds without it', (line, flow) => {
  expect(judgeDrill(drillExpecting(line), [repeatOf(flow)]).verdict).toBe('violated')
  expect(judgeDrill(drillExpecting(line), [repeatOf({})]).verdict).toBe('ok')
})

test('an expectation about other traffic does not see this one', () => {
  expect(judgeDrill(drillExpecting('lost: 0, of: web'), [repeatOf({ lost: 3 })]).verdict).toBe('violated')
  expect(judgeDrill(drillExpecting('lost: 0, of: pods'), [repeatOf({ lost: 3 })])).toMatchObject({
    verdict: 'undecided',
    expectations: [{ found: 'no flow was measured' }],
  })
})

test('a verdict never becomes better when more is lost or an outage is longer', () => {
  const drills = [
    'worst outage: <= detection + 125ms + allowance',
    'worst outage: 0',
    'lost: <= 10',
    'connections reset: 0',
  ].map((line) => drillExpecting(line))
  const measure = fc.record({
    outageMs: fc.double({ min: 0, max: 3000, noNaN: true }),
    lost: fc.nat(50),
    reset: fc.nat(3),
  })
  fc.assert(
    fc.property(fc.constantFrom(...drills), measure, measure, (drill, one, more) => {
      const worse = {
        outageMs: Math.max(one.outageMs, more.outageMs),
        lost: Math.max(one.lost, more.lost),
        reset: Math.max(one.reset, more.reset),
      }
      const before = judgeDrill(drill, [repeatOf(one)]).verdict
      const after = judgeDrill(drill, [repeatOf(worse)]).verdict

      expect(severity[after]).toBeGreaterThanOrEqual(severity[before])
    }),
  )
})

test('a verdict never becomes ok by repeats that decide nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3000), { minLength: 1, maxLength: 4 }), fc.nat(3), (outages, voided) => {
      const repeats = outages.map((outageMs) => repeatOf({ outageMs }))
      const nothing = Array.from({ length: voided }, () => repeatOf({}, { voidedBecause: 'stood still' }))

      expect(judgeDrill(outage, [...repeats, ...nothing]).verdict).toBe(judgeDrill(outage, repeats).verdict)
    }),
  )
})

test('the intent has its say about one lost link, device or site, and not about more or about other things', () => {
  const survive = {
    kind: 'survive' as const,
    path: 'expect.1',
    fail: ['link' as const, 'device' as const],
    count: 1,
    outageMilliseconds: 1000,
  }
  const link = { kind: 'silent' as const, link: 'a--b' }

  expect(survivalLimits([survive], [link])).toMatchObject([{ path: 'expect.1', outageMs: 1000 }])
  expect(survivalLimits([survive], [{ kind: 'device', device: 'leaf1', how: 'power' }])).toHaveLength(1)
  expect(survivalLimits([survive], [link, link])).toEqual([])
  expect(survivalLimits([survive], [{ ...link, traffic: 'bfd' }])).toEqual([])
  expect(survivalLimits([survive], [{ kind: 'rack', rack: 'r1', how: 'power' }])).toEqual([])
  expect(survivalLimits([{ ...survive, outageMilliseconds: null }], [link])).toEqual([])
  expect(judgeDrill(outage, [repeatOf({ outageMs: 1200 })], survivalLimits([survive], [link]))).toMatchObject(
    {
      expectations: [{ source: 'scenario' }, { source: 'intent', path: 'expect.1', verdict: 'violated' }],
    },
  )
})
