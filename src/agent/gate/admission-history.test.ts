import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Announce, Decision, Verdict } from '../desired/decision.ts'
import { makeConfig } from '../desired/fixtures.ts'
import { Admission, type DrainPhase } from './admission.ts'

/* Laws that hold after any history of health, people, sessions, data plane, drain and time. */

const addresses = ['10.9.0.1', '10.9.0.2', '10.9.0.3', '10.9.0.4']
const address = fc.constantFrom(...addresses)
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('health' as const),
      address,
      state: fc.constantFrom('well' as const, 'elsewhere' as const, 'here' as const, 'nowhere' as const),
      weight: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('person' as const), address, isDeleted: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sessions' as const), ipv4: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('programmed' as const), address }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('drain' as const),
      phase: fc.constantFrom<DrainPhase>('serving', 'draining', 'drained'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
  },
)

const guards = { withdrawShare: 0.5, withdrawMinimum: 1, windowSeconds: 60, moveMilliseconds: 300 }
const damping = { freeChanges: 2, holdDownSeconds: 1, maxHoldDownSeconds: 8, forgetSeconds: 1000 }

function verdictOf(state: 'well' | 'elsewhere' | 'here' | 'nowhere', where: string, weight: number): Verdict {
  const otherwise: Announce = {
    kind: 'announce',
    address: where,
    prefix: `${where}/32`,
    family: 'ipv4',
    pool: 'web',
    scope: 'site',
    services: ['shop/web'],
    weight,
  }
  if (state === 'well') return { decision: otherwise, isServed: true, isServedElsewhere: false }
  return {
    decision: {
      kind: 'withheld',
      address: where,
      code: 'no-ready-endpoint',
      text: '',
      object: '',
      services: [],
    },
    otherwise,
    isServed: state !== 'nowhere',
    isServedElsewhere: state === 'elsewhere',
  }
}

test('after any history: people pass, the gate and the guards hold, and UPDATEs are bounded', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const verdicts = new Map<string, Verdict>()
      const config = makeConfig({ guards, damping })
      const admission = new Admission({ ...config, verdicts, waitsForDataplane: true })
      const nowMs = { value: 1_000_000 }
      let hasSession = true
      let phase: DrainPhase = 'serving'
      const programmed = new Set<string>()
      /** What a neighbor has last been told; absent means withdrawn. */
      const told = new Map<string, Decision>()
      const comebacks = new Map<string, number[]>()
      const personal = new Set<string>()
      admission.setSessions({ ipv4: true, ipv6: true }, nowMs.value)
      admission.begin([], nowMs.value)

      const check = (touched: string[], isTime: boolean) => {
        for (const where of addresses) {
          const verdict = verdicts.get(where)
          const decision = admission.decisions.get(where)
          const was = told.get(where)
          const isAnnounced = decision?.kind === 'announce'
          if (!touched.includes(where)) expect(decision).toEqual(was ?? decision)
          if (verdict === undefined) expect(decision).toBeUndefined()
          if (
            verdict !== undefined &&
            verdict.otherwise === undefined &&
            verdict.decision.kind === 'withheld'
          )
            expect(decision).toEqual(verdict.decision)
          if (phase === 'drained') expect(isAnnounced).toBe(false)
          if (isAnnounced) expect(decision.drained === true).toBe(phase === 'draining')
          if (isAnnounced && was?.kind !== 'announce') {
            expect(phase).toBe('serving')
            expect(hasSession, 'announced without a session').toBe(true)
            expect(programmed.delete(where), 'announced before it was forwarded').toBe(true)
            expect(verdict?.decision.kind).toBe('announce')
            if (!personal.delete(where)) comebacks.set(where, [...(comebacks.get(where) ?? []), nowMs.value])
          }
          if (
            was?.kind === 'announce' &&
            !isAnnounced &&
            phase !== 'drained' &&
            verdict?.otherwise !== undefined
          ) {
            // Health alone took it: somebody else serves it, or nobody can.
            expect(verdict.isServedElsewhere || !verdict.isServed).toBe(true)
          }
          if (was?.kind === 'announce' && !isAnnounced) programmed.delete(where)
          if (decision === undefined) told.delete(where)
          else told.set(where, decision)
          if (
            verdict === undefined ||
            phase === 'drained' ||
            (verdict.decision.kind === 'withheld' && verdict.otherwise === undefined)
          ) {
            personal.add(where)
            comebacks.delete(where)
          }
        }
        if (isTime) expect(admission.nextDeadlineMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(nowMs.value)
      }

      for (const event of steps) {
        let touched: string[] = []
        if (event.kind === 'health') {
          verdicts.set(event.address, verdictOf(event.state, event.address, event.weight))
          touched = admission.update([event.address], nowMs.value)
        }
        if (event.kind === 'person') {
          const refusal: Decision = {
            kind: 'withheld',
            address: event.address,
            code: 'opted-out',
            text: '',
            object: '',
            services: [],
          }
          if (event.isDeleted) verdicts.delete(event.address)
          else verdicts.set(event.address, { decision: refusal, isServed: true, isServedElsewhere: true })
          touched = admission.update([event.address], nowMs.value)
        }
        if (event.kind === 'sessions') {
          hasSession = event.ipv4
          touched = admission.setSessions({ ipv4: event.ipv4, ipv6: true }, nowMs.value)
        }
        if (event.kind === 'programmed') {
          if (admission.unprogrammed.has(event.address)) programmed.add(event.address)
          touched = admission.setProgrammed([event.address], nowMs.value)
        }
        if (event.kind === 'drain') {
          phase = event.phase
          touched = admission.setPhase(event.phase, nowMs.value)
        }
        if (event.kind === 'time') {
          nowMs.value += event.ms
          touched = admission.tick(nowMs.value)
        }
        check(touched, event.kind === 'time')
      }
      for (const times of comebacks.values()) {
        const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0))
        // Beyond the free ones, each comes at least one hold-down after the one before.
        for (const gap of gaps.slice(3)) expect(gap).toBeGreaterThanOrEqual(1000)
      }
    }),
    { numRuns: 300 },
  )
})
