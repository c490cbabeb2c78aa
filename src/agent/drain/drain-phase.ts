import type { DrainPhase } from '../gate/admission.ts'

/*
 * How a node leaves service: serving → draining → drained, and back at once when nobody asks for it any more.
 *
 * draining: all routes of the node carry GRACEFUL_SHUTDOWN (RFC 8326), so that whoever knows another way takes it while
 * this one still works. drained: service addresses are withdrawn; sessions, loopback and pods stay, at low preference.
 *
 * When has the fabric moved? A node cannot see that: its leaves do not tell it which path they chose. What it knows is
 * when bgpd accepted the change; measured, a leaf moves 111 to 131 ms later and every further hop adds 100 ms. So the
 * node waits a settle time, 2 s by default, which is enough for some 15 hops. A restart of bgpd begins it anew.
 *
 * Pure: the clock is an argument.
 */

export interface DrainState {
  phase: DrainPhase
  sinceMs: number
  /** When bgpd was first known to announce with GRACEFUL_SHUTDOWN. */
  loweredAtMs?: number
}

export interface DrainInputs {
  isRequested: boolean
  /** bgpd has accepted GRACEFUL_SHUTDOWN and has not been lost since. */
  isLowered: boolean
}

export const serving: DrainState = { phase: 'serving', sinceMs: 0 }

/** The state that follows from what is known now. */
export function advanceDrain(
  state: DrainState,
  { isRequested, isLowered }: DrainInputs,
  nowMs: number,
  settleMs: number,
): DrainState {
  if (!isRequested) return state.phase === 'serving' ? state : { phase: 'serving', sinceMs: nowMs }
  if (state.phase === 'drained') return state
  const sinceMs = state.phase === 'draining' ? state.sinceMs : nowMs
  if (!isLowered) return { phase: 'draining', sinceMs }
  const loweredAtMs = state.loweredAtMs ?? nowMs
  return nowMs - loweredAtMs >= settleMs
    ? { phase: 'drained', sinceMs: nowMs }
    : { phase: 'draining', sinceMs, loweredAtMs }
}

/** When to look again, if time alone changes the state. */
export function drainDeadlineMs({ phase, loweredAtMs }: DrainState, settleMs: number): number | undefined {
  return phase === 'draining' && loweredAtMs !== undefined ? loweredAtMs + settleMs : undefined
}
