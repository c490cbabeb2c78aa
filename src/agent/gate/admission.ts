import type { DampingConfig, GuardConfig } from '../config.ts'
import type { Announce, Decision, Hold, ReasonCode, Verdict } from '../desired/decision.ts'
import { afterChange, allowedAtMs, type Pace, untroubled } from './damping.ts'
import { WithdrawalBudget } from './withdrawal-budget.ts'

/*
 * Between what the objects say (verdicts) and what is done (decisions): the part that remembers.
 *
 *   gate     an address is announced the first time only when a BGP session of its family is up and the node is known
 *            to forward it. From then on neither can withdraw it: a detector that breaks, or a session that is lost, is
 *            no reason to tell the other neighbors anything (fail static).
 *   guards   what health alone would withdraw stays while this is the last node that can serve it, while another node
 *            has not had time to announce it, or while too many others have just gone.
 *   damping  what health brings back or re-weights waits longer with every change.
 *   drain    `draining` adds GRACEFUL_SHUTDOWN, `drained` withdraws everything.
 *
 * Whatever a person did (deleted, changed, opted out, drained) passes all of it at once.
 *
 * Who else announces is learned from the EndpointSlices of other nodes, not from BGP: a leaf that prefers this node's own
 * path never mentions another, so that no route from elsewhere proves nothing. A dead node counts until Kubernetes marks
 * its endpoints not ready; a dead agent counts and rightly so, since its routes stay; a node whose FRR is dead is the
 * price. The moment between an endpoint and its route is bridged by `moveMilliseconds`.
 *
 * Pure but for its memory: the clock is an argument, and `nextDeadlineMs` says when to call `tick`. Before `begin` it
 * decides nothing: half a picture of the cluster is no history.
 */

export type DrainPhase = 'serving' | 'draining' | 'drained'

export interface AdmissionOptions {
  verdicts: ReadonlyMap<string, Verdict>
  guards: GuardConfig
  damping: DampingConfig
  /** Whether `setProgrammed` must have named an address before it is announced. */
  waitsForDataplane: boolean
}

interface Track {
  isAnnounced: boolean
  last?: Announce
  /** The last withdrawal was the doing of health. */
  isRecovering: boolean
  servedElsewhereSinceMs: number | undefined
  pace: Pace
}

export class Admission {
  readonly #options: AdmissionOptions
  readonly #budget: WithdrawalBudget
  readonly #decisions = new Map<string, Decision>()
  readonly #tracks = new Map<string, Track>()
  readonly #deadlines = new Map<string, number>()
  readonly #unprogrammed = new Set<string>()
  readonly #programmed = new Set<string>()
  #hasBegun = false
  #announced = 0
  #sessions = { ipv4: false, ipv6: false }
  #phase: DrainPhase = 'serving'
  #dataplaneProblem: string | undefined

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#budget = new WithdrawalBudget(options.guards)
  }

  /** What is to be done about each address. */
  get decisions(): ReadonlyMap<string, Decision> {
    return this.#decisions
  }

  /** Addresses that wait for the data plane only. */
  get unprogrammed(): ReadonlySet<string> {
    return this.#unprogrammed
  }

  /** Nothing waits for a session. */
  get hasAllSessions(): boolean {
    return this.#withheldFor(['no-session']).length === 0
  }

  /** When to call `tick`, if at all. */
  get nextDeadlineMs(): number | undefined {
    return this.#deadlines.size === 0 ? undefined : Math.min(...this.#deadlines.values())
  }

  /** Begins: from now on there are decisions. What an earlier process has announced has passed the gate. */
  begin(announced: Iterable<string>, nowMs: number): string[] {
    this.#hasBegun = true
    for (const address of announced) {
      this.#trackOf(address).isAnnounced = true
      this.#announced++
    }
    return this.update([...this.#tracks.keys(), ...this.#options.verdicts.keys()], nowMs)
  }

  /** Looks at addresses whose verdict may have changed; returns them. */
  update(addresses: Iterable<string>, nowMs: number): string[] {
    if (!this.#hasBegun) return []
    const touched = [...new Set(addresses)]
    for (const address of touched) this.#settle(address, nowMs)
    return touched
  }

  setSessions(sessions: { ipv4: boolean; ipv6: boolean }, nowMs: number): string[] {
    const isNew = sessions.ipv4 !== this.#sessions.ipv4 || sessions.ipv6 !== this.#sessions.ipv6
    this.#sessions = sessions
    if (!isNew) return []
    return this.update(this.#withheldFor(['no-session', 'dataplane-not-programmed']), nowMs)
  }

  /** The node forwards these addresses. */
  setProgrammed(addresses: Iterable<string>, nowMs: number): string[] {
    const named = [...addresses].filter((address) => this.#unprogrammed.has(address))
    for (const address of named) this.#programmed.add(address)
    const hadProblem = this.#dataplaneProblem !== undefined
    this.#dataplaneProblem = undefined
    return this.update(hadProblem ? [...this.#unprogrammed] : named, nowMs)
  }

  /** Nobody can tell at the moment what the node forwards; said in the reason of what waits. */
  setDataplaneProblem(problem: string, nowMs: number): string[] {
    if (problem === this.#dataplaneProblem) return []
    this.#dataplaneProblem = problem
    return this.update([...this.#unprogrammed], nowMs)
  }

  setPhase(phase: DrainPhase, nowMs: number): string[] {
    if (phase === this.#phase) return []
    this.#phase = phase
    return this.update(this.#tracks.keys(), nowMs)
  }

  /** Looks again at what has waited long enough. */
  tick(nowMs: number): string[] {
    const due = [...this.#deadlines].filter(([, atMs]) => atMs <= nowMs).map(([address]) => address)
    return this.update(due, nowMs)
  }

  #withheldFor(codes: readonly ReasonCode[]): string[] {
    return [...this.#decisions.values()]
      .filter((decision) => decision.kind === 'withheld' && codes.includes(decision.code))
      .map(({ address }) => address)
  }

  #trackOf(address: string): Track {
    const known = this.#tracks.get(address)
    if (known !== undefined) return known
    const track: Track = {
      isAnnounced: false,
      isRecovering: false,
      servedElsewhereSinceMs: undefined,
      pace: untroubled,
    }
    this.#tracks.set(address, track)
    return track
  }

  #settle(address: string, nowMs: number): void {
    const verdict = this.#options.verdicts.get(address)
    this.#deadlines.delete(address)
    this.#unprogrammed.delete(address)
    if (verdict === undefined) {
      this.#forget(address)
      return
    }
    const track = this.#trackOf(address)
    track.servedElsewhereSinceMs = verdict.isServedElsewhere
      ? (track.servedElsewhereSinceMs ?? nowMs)
      : undefined
    const decision = this.#decide(address, verdict, track, nowMs)
    this.#note(address, track, decision)
    this.#decisions.set(address, decision)
  }

  #forget(address: string): void {
    if (this.#tracks.get(address)?.isAnnounced) this.#announced--
    this.#tracks.delete(address)
    this.#decisions.delete(address)
    this.#programmed.delete(address)
    this.#budget.refund(address)
  }

  #note(address: string, track: Track, decision: Decision): void {
    const isAnnounced = decision.kind === 'announce'
    this.#announced += Number(isAnnounced) - Number(track.isAnnounced)
    track.isAnnounced = isAnnounced
    if (decision.kind === 'announce') {
      track.last = decision
      track.isRecovering = false
      this.#budget.refund(address)
      this.#programmed.delete(address)
    } else {
      delete track.last
    }
  }

  #decide(address: string, verdict: Verdict, track: Track, nowMs: number): Decision {
    const { decision } = verdict
    const wanted = decision.kind === 'announce' ? decision : verdict.otherwise
    if (wanted === undefined) {
      track.isRecovering = false
      return decision
    }
    if (this.#phase === 'drained') {
      track.isRecovering = false
      return withhold(wanted, 'node-drained', 'the node is drained: weft undrain brings it back', 'Node')
    }
    if (decision.kind === 'withheld') {
      if (!track.isAnnounced) return decision
      const held = this.#guard(address, verdict, decision.code, track, nowMs)
      if (held !== undefined) return { ...this.#dress(wanted), ...weightOf(track.last), held }
      track.isRecovering = true
      return decision
    }
    return track.isAnnounced
      ? this.#keep(address, decision, track, nowMs)
      : this.#admit(address, decision, track, nowMs)
  }

  /** For an address that is not announced: what is still missing. */
  #admit(address: string, wanted: Announce, track: Track, nowMs: number): Decision {
    if (this.#phase !== 'serving') {
      return withhold(wanted, 'node-drained', 'the node is being drained: it announces nothing new', 'Node')
    }
    if (!this.#sessions[wanted.family]) {
      const family = wanted.family === 'ipv4' ? 'IPv4' : 'IPv6'
      return withhold(wanted, 'no-session', `no BGP session for ${family} routes is established`, 'bgpd')
    }
    if (this.#options.waitsForDataplane && !this.#programmed.has(address)) {
      this.#unprogrammed.add(address)
      const text = this.#dataplaneProblem ?? 'the node does not forward this address yet'
      return withhold(wanted, 'dataplane-not-programmed', text, 'data plane of the node')
    }
    if (track.isRecovering) {
      const atMs = allowedAtMs(track.pace, this.#options.damping)
      if (atMs > nowMs) {
        this.#deadlines.set(address, atMs)
        const seconds = Math.ceil((atMs - nowMs) / 1000)
        const text = `its endpoints came and went ${track.pace.changes} times: announced again in ${seconds} s`
        return withhold(wanted, 'damped', text, `Services ${wanted.services.join(', ')}`)
      }
      track.pace = afterChange(track.pace, nowMs, this.#options.damping)
    }
    return this.#dress(wanted)
  }

  /** For an address that is announced: what it says now. A weight is health's doing, all else a person's. */
  #keep(address: string, wanted: Announce, track: Track, nowMs: number): Decision {
    const before = track.last?.weight
    if (before === undefined || wanted.weight === undefined || before === wanted.weight)
      return this.#dress(wanted)
    const atMs = allowedAtMs(track.pace, this.#options.damping)
    if (atMs > nowMs) {
      this.#deadlines.set(address, atMs)
      return { ...this.#dress(wanted), weight: before }
    }
    track.pace = afterChange(track.pace, nowMs, this.#options.damping)
    return this.#dress(wanted)
  }

  #dress(wanted: Announce): Announce {
    return this.#phase === 'draining' ? { ...wanted, drained: true } : wanted
  }

  /** Why health may not withdraw this address now; spends from the budget when it may. */
  #guard(
    address: string,
    { isServed, isServedElsewhere }: Verdict,
    against: ReasonCode,
    track: Track,
    nowMs: number,
  ): Hold | undefined {
    const { lastAnnouncer, moveMilliseconds } = this.#options.guards
    if (isServedElsewhere) {
      const freeAtMs = (track.servedElsewhereSinceMs ?? nowMs) + moveMilliseconds
      if (lastAnnouncer === 'off' || freeAtMs <= nowMs) return undefined
      this.#deadlines.set(address, freeAtMs)
      return {
        by: 'last-announcer',
        against,
        text: 'another node has just begun to serve it and may not announce it yet',
      }
    }
    if (lastAnnouncer === 'always' || (lastAnnouncer === 'while-served' && isServed)) {
      const text = isServed
        ? 'no other node can serve it'
        : 'no endpoint is usable anywhere: without this route nobody would know the address'
      return { by: 'last-announcer', against, text }
    }
    if (this.#budget.hasRoom(this.#announced, nowMs)) {
      this.#budget.spend(address, nowMs)
      return undefined
    }
    this.#deadlines.set(address, Math.max(this.#budget.roomAtMs, nowMs + 1000))
    return {
      by: 'withdrawal-share',
      against,
      text: 'too many addresses lost their last endpoint within a short time: a cause they share is more likely',
    }
  }
}

function weightOf(last: Announce | undefined): { weight?: number } {
  return last?.weight === undefined ? {} : { weight: last.weight }
}

function withhold({ address, services }: Announce, code: ReasonCode, text: string, object: string): Decision {
  return { kind: 'withheld', address, code, text, object, services }
}
