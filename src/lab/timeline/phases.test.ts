import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TimelineEvent } from './model.ts'
import { explainOutage } from './phases.ts'

const event = (
  atMs: number,
  source: TimelineEvent['source'],
  subject: string,
  text: string,
): TimelineEvent => ({ atMs, device: 'leaf1', source, subject, text })

/** A silent cut as a lab showed it: BFD at 100 ms x 3, repaired one hop upstream. */
const silentCut = [
  event(-900, 'fib', '10.10.19.9/32', 'via leaf1'),
  event(0, 'fault', 'leaf1--n2', 'silent'),
  event(280, 'bfd', 'n2', 'down: control-expired'),
  event(280.4, 'bgp', 'n2', 'down: BFD down received'),
  event(341, 'rib', '10.10.19.2/32', '2 next hops'),
  event(350, 'fib', '10.10.19.2/32', 'via spine1, spine2'),
  event(391, 'rib', '10.10.19.2/32', '1 next hop'),
  event(392, 'fib', '10.10.19.2/32', 'via leaf2'),
  event(396, 'rib', '10.10.19.7/32', '1 next hop'),
  event(398, 'fib', '10.10.19.7/32', 'via leaf2'),
  event(2300, 'bgp', 'n2', 'up'),
]

test('says how long each took: knowing, deciding, writing, and the rest', () => {
  expect(explainOutage(silentCut, { fromMs: 5, toMs: 400 }, ['10.10.19.2', '10.10.19.1'])).toEqual([
    { name: 'detection', fromMs: 5, toMs: 280 },
    { name: 'propagation', fromMs: 280, toMs: 391 },
    { name: 'fib', fromMs: 391, toMs: 392 },
    { name: 'rest', fromMs: 392, toMs: 400 },
  ])
})

test('an event that was read a little after the packets had returned still explains it', () => {
  expect(explainOutage(silentCut, { fromMs: 5, toMs: 390 }, ['10.10.19.2'])?.at(-1)).toEqual({
    name: 'rest',
    fromMs: 390,
    toMs: 390,
  })
})

test('a loss that nothing was said about is not explained', () => {
  expect(explainOutage(silentCut, { fromMs: 600, toMs: 900 })).toBeNull()
  expect(explainOutage([], { fromMs: 0, toMs: 100 })).toBeNull()
})

test('phases follow one another and fill the outage, whatever was said', () => {
  const anyEvent = fc.record({
    atMs: fc.double({ min: -100, max: 1000, noNaN: true }),
    device: fc.constantFrom('leaf1', 'spine1'),
    source: fc.constantFrom('fault', 'link', 'bfd', 'bgp', 'rib', 'fib', 'agent'),
    subject: fc.constantFrom('10.0.0.1/32', '10.0.0.0/24', '0.0.0.0/0', '10.9.0.1/32'),
    text: fc.constantFrom('down', 'up', '1 next hop', 'withdrawn'),
  }) as fc.Arbitrary<TimelineEvent>
  fc.assert(
    fc.property(
      fc.array(anyEvent, { maxLength: 30 }),
      fc.double({ min: 0, max: 400, noNaN: true }),
      fc.double({ min: 0, max: 500, noNaN: true }),
      (events, fromMs, length) => {
        const gap = { fromMs, toMs: fromMs + length }
        const phases = explainOutage(
          events.toSorted((a, b) => a.atMs - b.atMs),
          gap,
          ['10.0.0.1'],
        )
        if (phases === null) return
        expect(phases.map(({ name }) => name)).toEqual(['detection', 'propagation', 'fib', 'rest'])
        expect([phases[0]?.fromMs, phases[3]?.toMs]).toEqual([gap.fromMs, gap.toMs])
        for (const [index, phase] of phases.entries()) {
          expect(phase.toMs).toBeGreaterThanOrEqual(phase.fromMs)
          if (index > 0) expect(phase.fromMs).toBe(phases[index - 1]?.toMs)
        }
      },
    ),
  )
})
