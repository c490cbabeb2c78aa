import { describe, expect, test } from 'vitest'
import type { Announce, ReasonCode, Verdict } from '../desired/decision.ts'
import { makeConfig } from '../desired/fixtures.ts'
import { Admission, type AdmissionOptions } from './admission.ts'

const vip = '10.9.0.1'
const bothFamilies = { ipv4: true, ipv6: true }

function announce(address = vip, fields: Partial<Announce> = {}): Announce {
  return {
    kind: 'announce',
    address,
    prefix: `${address}/32`,
    family: 'ipv4',
    pool: 'web',
    scope: 'site',
    services: ['shop/web'],
    ...fields,
  }
}

function healthy(address = vip, fields: Partial<Announce> = {}, isServedElsewhere = false): Verdict {
  return { decision: announce(address, fields), isServed: true, isServedElsewhere }
}

/** Only health speaks against it. */
function unhealthy(
  where: 'nowhere' | 'here' | 'elsewhere',
  address = vip,
  code: ReasonCode = 'no-ready-endpoint',
): Verdict {
  return {
    decision: { kind: 'withheld', address, code, text: '', object: '', services: ['shop/web'] },
    otherwise: announce(address),
    isServed: where !== 'nowhere',
    isServedElsewhere: where === 'elsewhere',
  }
}

/** A person speaks against it. */
function refused(address = vip, code: ReasonCode = 'opted-out'): Verdict {
  return {
    decision: { kind: 'withheld', address, code, text: '', object: '', services: ['shop/web'] },
    isServed: false,
    isServedElsewhere: false,
  }
}

class Bench {
  readonly verdicts = new Map<string, Verdict>()
  readonly admission: Admission
  nowMs = 1_000_000

  constructor(fields: Record<string, unknown> = {}, options: Partial<AdmissionOptions> = {}) {
    const { guards, damping } = makeConfig(fields)
    this.admission = new Admission({
      verdicts: this.verdicts,
      guards,
      damping,
      waitsForDataplane: false,
      ...options,
    })
  }

  /** Begins with sessions up and nothing announced. */
  begin(announced: string[] = []): this {
    this.admission.setSessions(bothFamilies, this.nowMs)
    this.admission.begin(announced, this.nowMs)
    return this
  }

  set(verdict: Verdict | undefined, address = verdict?.decision.address ?? vip): string {
    if (verdict === undefined) this.verdicts.delete(address)
    else this.verdicts.set(address, verdict)
    this.admission.update([address], this.nowMs)
    return this.at(address)
  }

  pass(milliseconds: number): this {
    this.nowMs += milliseconds
    this.admission.tick(this.nowMs)
    return this
  }

  /** `announced`, `held: guard`, a reason code, or `gone`. */
  at(address = vip): string {
    const decision = this.admission.decisions.get(address)
    if (decision === undefined) return 'gone'
    if (decision.kind === 'withheld') return decision.code
    return decision.held === undefined ? 'announced' : `held: ${decision.held.by}`
  }
}

describe('gate', () => {
  test('nothing is decided before it begins', () => {
    const bench = new Bench()

    expect(bench.set(healthy())).toBe('gone')
    bench.begin()
    expect(bench.at()).toBe('announced')
  })

  test('an address waits for a session of its family', () => {
    const bench = new Bench()
    bench.admission.begin([], bench.nowMs)

    expect(bench.set(healthy())).toBe('no-session')
    bench.admission.setSessions({ ipv4: false, ipv6: true }, bench.nowMs)
    expect(bench.at()).toBe('no-session')
    bench.admission.setSessions({ ipv4: true, ipv6: false }, bench.nowMs)
    expect(bench.at()).toBe('announced')
  })

  test('losing every session withdraws nothing', () => {
    const bench = new Bench().begin()
    bench.set(healthy())
    bench.admission.setSessions({ ipv4: false, ipv6: false }, bench.nowMs)

    expect(bench.set(healthy(vip, { prepend: 1 }))).toBe('announced')
  })

  test('an address waits until the node forwards it', () => {
    const bench = new Bench({}, { waitsForDataplane: true }).begin()

    expect(bench.set(healthy())).toBe('dataplane-not-programmed')
    expect([...bench.admission.unprogrammed]).toEqual([vip])
    bench.admission.setProgrammed(['10.9.0.9'], bench.nowMs)
    expect(bench.at()).toBe('dataplane-not-programmed')
    bench.admission.setProgrammed([vip], bench.nowMs)
    expect(bench.at()).toBe('announced')
    expect([...bench.admission.unprogrammed]).toEqual([])
  })

  test('a detector that fails is named in the reason, and withdraws nothing', () => {
    const bench = new Bench({}, { waitsForDataplane: true })
    bench.verdicts.set('10.9.0.2', healthy('10.9.0.2'))
    bench.begin(['10.9.0.2']).set(healthy())
    bench.admission.setDataplaneProblem('kube-proxy does not answer', bench.nowMs)

    expect(bench.admission.decisions.get(vip)).toMatchObject({ text: 'kube-proxy does not answer' })
    expect(bench.at('10.9.0.2')).toBe('announced')
    bench.admission.setProgrammed([], bench.nowMs)
    expect(bench.admission.decisions.get(vip)).toMatchObject({
      text: 'the node does not forward this address yet',
    })
  })

  test('what an earlier process has announced passed the gate then', () => {
    const bench = new Bench({}, { waitsForDataplane: true })
    bench.verdicts.set(vip, healthy())
    bench.admission.begin([vip], bench.nowMs)

    expect(bench.at()).toBe('announced')
  })

  test('what an earlier process has announced and nobody wants any more goes', () => {
    const bench = new Bench()

    expect(bench.admission.begin([vip], bench.nowMs)).toEqual([vip])
    expect(bench.at()).toBe('gone')
  })

  test('an address that was withdrawn must pass the gate again', () => {
    const bench = new Bench({}, { waitsForDataplane: true }).begin()
    bench.set(healthy())
    bench.admission.setProgrammed([vip], bench.nowMs)
    bench.set(refused())

    expect(bench.set(healthy())).toBe('dataplane-not-programmed')
  })
})

describe('guards', () => {
  test('whatever a person decides passes at once', () => {
    const bench = new Bench({
      guards: { lastAnnouncer: 'always', withdrawShare: 0, withdrawMinimum: 0 },
    }).begin()
    bench.set(healthy())
    expect(bench.set(refused())).toBe('opted-out')
    bench.set(healthy())
    expect(bench.set(undefined)).toBe('gone')
  })

  test('the last node that can serve an address keeps it whatever is said of the node', () => {
    const bench = new Bench().begin()
    bench.set(healthy())

    expect(bench.set(unhealthy('here', vip, 'node-not-ready'))).toBe('held: last-announcer')
    expect(bench.pass(3_600_000).at()).toBe('held: last-announcer')
    expect(bench.set(healthy())).toBe('announced')
  })

  test('a node that does not announce is not made to by a guard', () => {
    expect(new Bench().begin().set(unhealthy('here'))).toBe('no-ready-endpoint')
  })

  test('with another node that has served it for long, the withdrawal is immediate', () => {
    const bench = new Bench().begin()
    bench.set(healthy(vip, {}, true))
    bench.pass(1_000)

    expect(bench.set(unhealthy('elsewhere', vip, 'no-endpoint-on-node'))).toBe('no-endpoint-on-node')
  })

  test('a pod that moves: the old node keeps the address until the new one has had time to announce it', () => {
    const bench = new Bench().begin()
    bench.set(healthy())

    expect(bench.set(unhealthy('elsewhere', vip, 'no-endpoint-on-node'))).toBe('held: last-announcer')
    expect(bench.pass(299).at()).toBe('held: last-announcer')
    expect(bench.pass(1).at()).toBe('no-endpoint-on-node')
  })

  test('without any usable endpoint the address goes at once, or never when so configured', () => {
    const usual = new Bench().begin()
    usual.set(healthy())
    expect(usual.set(unhealthy('nowhere'))).toBe('no-ready-endpoint')

    const cautious = new Bench({ guards: { lastAnnouncer: 'always' } }).begin()
    cautious.set(healthy())
    expect(cautious.set(unhealthy('nowhere'))).toBe('held: last-announcer')
  })

  test('the guard of the last announcer can be off', () => {
    const bench = new Bench({ guards: { lastAnnouncer: 'off' } }).begin()
    bench.set(healthy())

    expect(bench.set(unhealthy('here', vip, 'node-not-ready'))).toBe('node-not-ready')
  })

  test('no more than the share of all addresses goes at once on health alone, the rest follows a window later', () => {
    const addresses = Array.from({ length: 20 }, (_, index) => `10.9.1.${index + 1}`)
    const bench = new Bench({
      guards: { withdrawShare: 0.25, withdrawMinimum: 0, windowSeconds: 60 },
    }).begin()
    for (const address of addresses) bench.set(healthy(address))
    const states = () => addresses.map((address) => bench.at(address))
    for (const address of addresses) bench.set(unhealthy('nowhere', address))

    expect(states().filter((state) => state === 'no-ready-endpoint')).toHaveLength(5)
    expect(states().filter((state) => state === 'held: withdrawal-share')).toHaveLength(15)
    bench.pass(60_000)
    expect(states().filter((state) => state === 'no-ready-endpoint').length).toBeLessThanOrEqual(10)
    for (const address of addresses) bench.set(healthy(address))
    expect(new Set(bench.pass(60_000) && states())).toEqual(new Set(['announced']))
  })

  test('few addresses may all go: the share has a minimum', () => {
    const bench = new Bench({ guards: { withdrawShare: 0, withdrawMinimum: 2 } }).begin()
    for (const address of ['10.9.0.1', '10.9.0.2', '10.9.0.3']) bench.set(healthy(address))

    expect(bench.set(unhealthy('nowhere', '10.9.0.1'))).toBe('no-ready-endpoint')
    expect(bench.set(unhealthy('nowhere', '10.9.0.2'))).toBe('no-ready-endpoint')
    expect(bench.set(unhealthy('nowhere', '10.9.0.3'))).toBe('held: withdrawal-share')
    expect(bench.set(healthy('10.9.0.1'))).toBe('announced')
  })

  test('a node whose pods all moved elsewhere may withdraw everything', () => {
    const bench = new Bench({ guards: { withdrawShare: 0, withdrawMinimum: 0 } }).begin()
    bench.set(healthy(vip, {}, true))
    bench.pass(1_000)

    expect(bench.set(unhealthy('elsewhere', vip, 'no-endpoint-on-node'))).toBe('no-endpoint-on-node')
  })
})

describe('damping', () => {
  const damping = { freeChanges: 2, holdDownSeconds: 1, maxHoldDownSeconds: 8, forgetSeconds: 100 }

  test('coming back waits longer each time, going never', () => {
    const bench = new Bench({ damping }).begin()
    bench.set(healthy())
    const waited: number[] = []
    for (let flap = 0; flap < 8; flap++) {
      expect(bench.set(unhealthy('nowhere'))).toBe('no-ready-endpoint')
      const since = bench.nowMs
      bench.set(healthy())
      while (bench.at() === 'damped') bench.pass(100)
      waited.push(bench.nowMs - since)
    }

    expect(waited).toEqual([0, 0, 1000, 2000, 4000, 8000, 8000, 8000])
  })

  test('a quiet time is forgiving', () => {
    const bench = new Bench({ damping }).begin()
    bench.set(healthy())
    for (let flap = 0; flap < 3; flap++) {
      bench.set(unhealthy('nowhere'))
      bench.set(healthy())
      bench.pass(1_000)
    }
    bench.pass(1_000_000)
    for (let flap = 0; flap < 2; flap++) {
      bench.set(unhealthy('nowhere'))
      expect(bench.set(healthy())).toBe('announced')
    }
    bench.set(unhealthy('nowhere'))

    expect(bench.set(healthy())).toBe('damped')
    expect(bench.pass(1_000).at()).toBe('announced')
  })

  test('what a person does never counts', () => {
    const bench = new Bench({ damping }).begin()
    for (let round = 0; round < 50; round++) {
      expect(bench.set(healthy())).toBe('announced')
      expect(bench.set(refused())).toBe('opted-out')
    }
  })

  test('weights that change all the time are said now and then; a policy that changes is said at once', () => {
    const bench = new Bench({ damping }).begin()
    const said: unknown[] = []
    for (let weight = 1; weight <= 100; weight++) {
      bench.set(healthy(vip, { weight }))
      const decision = bench.admission.decisions.get(vip)
      said.push(decision?.kind === 'announce' ? decision.weight : undefined)
      bench.pass(100)
    }
    expect(new Set(said).size).toBeLessThan(8)
    bench.set(healthy(vip, { weight: 100, communities: ['65000:1'] }))
    expect(bench.admission.decisions.get(vip)).toMatchObject({ communities: ['65000:1'] })
    expect(bench.pass(8_000).admission.decisions.get(vip)).toMatchObject({ weight: 100 })
  })
})

describe('drain', () => {
  test('draining announces with GRACEFUL_SHUTDOWN, drained withdraws, serving restores', () => {
    const bench = new Bench().begin()
    bench.set(healthy())
    bench.admission.setPhase('draining', bench.nowMs)
    expect(bench.admission.decisions.get(vip)).toEqual({ ...announce(), drained: true })
    bench.admission.setPhase('drained', bench.nowMs)
    expect(bench.at()).toBe('node-drained')
    bench.admission.setPhase('serving', bench.nowMs)
    expect(bench.admission.decisions.get(vip)).toEqual(announce())
  })

  test('a node on its way out announces nothing new', () => {
    const bench = new Bench().begin()
    bench.admission.setPhase('draining', bench.nowMs)

    expect(bench.set(healthy())).toBe('node-drained')
    bench.admission.setPhase('serving', bench.nowMs)
    expect(bench.at()).toBe('announced')
  })

  test('a drain withdraws also what a guard holds', () => {
    const bench = new Bench().begin()
    bench.set(healthy())
    bench.set(unhealthy('here', vip, 'node-not-ready'))
    bench.admission.setPhase('drained', bench.nowMs)

    expect(bench.at()).toBe('node-drained')
  })

  test('a Service made while the node is drained waits for its end', () => {
    const bench = new Bench().begin()
    bench.admission.setPhase('drained', bench.nowMs)

    expect(bench.set(healthy())).toBe('node-drained')
    expect(bench.set(refused())).toBe('opted-out')
  })
})
