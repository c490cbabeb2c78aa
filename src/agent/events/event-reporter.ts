import type { Decision, ReasonCode } from '../desired/decision.ts'
import { deliveryMends, holdMends, reasonMends } from '../explain/mends.ts'
import { isUnasked } from '../explain/unasked.ts'
import type { EventRecorder } from './event-recorder.ts'

/*
 * Which decisions and states are worth an Event.
 *
 * Only what somebody has to mend: a Service whose address cannot be announced because of what is written in it, a guard
 * that holds a route, a node without bgpd, a drain. That a Service has no endpoint on this node is no news, and an Event
 * for each node and Service would be a burden to the API.
 */

/** Reasons that lie in the Service itself; every node finds the same, and they add to one Event. */
const faults: ReadonlySet<ReasonCode> = new Set([
  'address-invalid',
  'address-reserved',
  'outside-pools',
  'external-ips-not-allowed',
  'annotation-invalid',
  'endpoints-outside-cluster',
  'shared-address-conflict',
])

/** Reasons that lie in this node, told with the Service all the same: its owner wonders. */
const nodeFaults: ReadonlySet<ReasonCode> = new Set(['dataplane-not-programmed', 'damped'])

export class EventReporter {
  readonly #recorder: Pick<EventRecorder, 'record'>
  readonly #node: string
  readonly #decisions: ReadonlyMap<string, Decision>
  /** What was said last about an address; absent when nothing is wrong with it. */
  readonly #told = new Map<string, string>()
  readonly #refused = new Map<string, string>()
  readonly #unweighted = new Map<string, string>()

  constructor(options: {
    recorder: Pick<EventRecorder, 'record'>
    node: string
    decisions: ReadonlyMap<string, Decision>
  }) {
    this.#recorder = options.recorder
    this.#node = options.node
    this.#decisions = options.decisions
  }

  /** Looks at all decisions: what changed and changed back since the last time is not told. */
  look(): void {
    for (const address of this.#told.keys()) if (!this.#decisions.has(address)) this.#told.delete(address)
    for (const [address, decision] of this.#decisions) {
      const finding = this.#findingOf(decision)
      if (finding === undefined) {
        this.#told.delete(address)
        continue
      }
      const key = `${finding.reason}\n${finding.message}`
      if (key === this.#told.get(address)) continue
      this.#told.set(address, key)
      for (const service of decision.services) this.#tellService(service, finding)
    }
  }

  /** Looks at Services that cannot be understood. */
  lookAtRefused(refused: ReadonlyMap<string, string>): void {
    for (const key of this.#refused.keys()) if (!refused.has(key)) this.#refused.delete(key)
    for (const [key, message] of refused) {
      if (this.#refused.get(key) === message) continue
      this.#refused.set(key, message)
      this.#tellService(key, { reason: 'NotUnderstood', message })
    }
  }

  /** Looks at addresses whose weights are ignored, by the neighbors that pass them on without one. */
  lookAtIgnoredWeights(ignored: ReadonlyMap<string, readonly string[]>): void {
    for (const address of this.#unweighted.keys()) if (!ignored.has(address)) this.#unweighted.delete(address)
    for (const [address, neighbors] of ignored) {
      const found = `${neighbors.join(' and ')} has a route to it without a weight: all weights are ignored`
      const message = `${address}: ${found}. ${deliveryMends['weights-ignored']}`
      const before = this.#unweighted.get(address)
      if (before === message) continue
      this.#unweighted.set(address, message)
      for (const service of this.#decisions.get(address)?.services ?? [])
        this.#tellService(service, { reason: 'WeightsIgnored', message })
    }
  }

  /** Says something about the node. */
  tellNode(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.record({ kind: 'Node', name: this.#node }, { type, reason, message })
  }

  #findingOf(decision: Decision): { reason: string; message: string } | undefined {
    if (decision.kind === 'announce') {
      const { held, address } = decision
      return held === undefined
        ? undefined
        : {
            reason: 'AnnouncementHeld',
            message: `${address} stays announced on ${this.#node}: ${held.text}. ${holdMends[held.by]}`,
          }
    }
    const { address, code, text, object } = decision
    if (isUnasked(decision)) return undefined
    const said = text.includes(address) ? text : `${address}: ${text}`
    if (faults.has(code)) {
      return {
        reason: 'NotAnnounced',
        message: `${said} (${code}; ${object}). ${reasonMends[code]}`,
      }
    }
    return nodeFaults.has(code)
      ? {
          reason: 'NotAnnounced',
          message: `${address} on ${this.#node}: ${text} (${code}). ${reasonMends[code]}`,
        }
      : undefined
  }

  #tellService(key: string, { reason, message }: { reason: string; message: string }): void {
    const [namespace = '', name = ''] = key.split('/')
    this.#recorder.record({ kind: 'Service', namespace, name }, { type: 'Warning', reason, message })
  }
}
