import type { LinkClass } from '../intent/model.ts'
import type { Plan, Session } from '../plan/model.ts'
import type { RelaxedBfd } from './state.ts'

/*
 * BFD is what limits a lab's size: FRR 8.4 spends 0.55 % of a core on each end of a session at 100 ms, and less in
 * proportion to a longer interval (measured at 50, 100 and 300 ms). A machine that cannot keep up drops sessions that
 * nothing is wrong with. So a lab whose plan asks for more than its share gets slower BFD, first where the least
 * depends on it, and says so.
 */

const coreSecondsPerPacketPair = 0.00055
/** Of all cores: the rest belongs to BGP, the kernel, agents and probes. */
const shareOfMachine = 0.3
const steps = [300, 500, 1000, 2000, 3000]
/** First to be slowed down first: what a site needs within itself stays fast longest. */
const relaxationOrder: readonly LinkClass[] = ['dci', 'edge', 'border', 'fabric', 'node']

export interface BfdBudgetOptions {
  /** Cores of the machine. */
  cores: number
  /** Classes whose timing is being tested: never slowed down. */
  underTest?: readonly LinkClass[]
}

export interface FittedBfd {
  plan: Plan
  relaxed: RelaxedBfd[]
  /** Cores that BFD is expected to use in the end. */
  cores: number
  budgetCores: number
}

/** Slows BFD down, class by class, until the machine can carry it. */
export function fitBfd(plan: Plan, options: BfdBudgetOptions): FittedBfd {
  const budgetCores = options.cores * shareOfMachine
  const slowest = new Map<LinkClass, number>()
  const classes = relaxationOrder.filter((name) => !options.underTest?.includes(name))
  let fitted = plan
  search: for (const step of steps) {
    for (const linkClass of classes) {
      if (bfdCores(fitted) <= budgetCores) break search
      slowest.set(linkClass, step)
      fitted = slowDown(plan, slowest)
    }
  }
  return { plan: fitted, relaxed: describe(plan, fitted), cores: bfdCores(fitted), budgetCores }
}

/** Cores that the plan's BFD sessions use, both ends together. */
export function bfdCores(plan: Plan): number {
  return plan.sessions.reduce((sum, session) => {
    const interval = intervalOf(plan, session)
    return interval === null ? sum : sum + (2 * coreSecondsPerPacketPair * 1000) / interval
  }, 0)
}

/** The plan without BFD. */
export function withoutBfd(plan: Plan): Plan {
  return { ...plan, sessions: plan.sessions.map((session) => ({ ...session, bfd: null })) }
}

function intervalOf(plan: Plan, session: Session): number | null {
  const profile = session.bfd === null ? undefined : plan.bfdProfiles[session.bfd]
  return profile === undefined ? null : Math.max(profile.transmitMilliseconds, profile.receiveMilliseconds)
}

function slowDown(plan: Plan, slowest: ReadonlyMap<LinkClass, number>): Plan {
  const bfdProfiles = { ...plan.bfdProfiles }
  const sessions = plan.sessions.map((session) => {
    const step = slowest.get(session.class)
    const profile = session.bfd === null ? undefined : plan.bfdProfiles[session.bfd]
    const interval = intervalOf(plan, session)
    if (step === undefined || profile === undefined || interval === null || interval >= step) return session
    const name = `${session.bfd}-lab${step}`
    bfdProfiles[name] = { ...profile, transmitMilliseconds: step, receiveMilliseconds: step }
    return { ...session, bfd: name }
  })
  return { ...plan, bfdProfiles, sessions }
}

function describe(before: Plan, after: Plan): RelaxedBfd[] {
  const changes = new Map<string, RelaxedBfd>()
  for (const [index, session] of before.sessions.entries()) {
    const from = intervalOf(before, session)
    const to = intervalOf(after, after.sessions[index] as Session)
    if (from === null || to === null || from === to) continue
    changes.set(`${session.class} ${from} ${to}`, {
      class: session.class,
      fromMilliseconds: from,
      toMilliseconds: to,
    })
  }
  return [...changes.values()]
}
