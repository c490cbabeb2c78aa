/** Failure detection: missing, too slow, or more than a router's CPU can carry. */
import type { BfdProfile } from '../../intent/model.ts'
import type { Check, Hit } from './check.ts'
import {
  detectionMilliseconds,
  kindOfSession,
  nameSession,
  sessionPath,
  type VerifyContext,
} from './context.ts'

export const bfdMissing: Check = {
  id: 'bfd-missing',
  title: 'A session has no BFD',
  severity: 'warning',
  why: 'A link that fails without losing its carrier (a broken optic in one direction, a switch whose forwarding hangs) is noticed by BGP only when the hold time is over: traffic is lost for seconds.',
  mend: 'give that class of link a BFD profile, such as `bfd: {node: 100ms x 3}`; towards a peer agree on it with them',
  *find(context: VerifyContext): Generator<Hit> {
    for (const session of context.plan.sessions) {
      if (session.bfd !== null) continue
      const { holdSeconds } = session.timers
      const noticed = holdSeconds === 0 ? 'never' : `after up to ${holdSeconds} s`
      const path = sessionPath(context, session, 'bfd')
      yield {
        message: `${nameSession(session)} have no BFD: a silent failure is noticed ${noticed}`,
        devices: [session.a.device, session.b.device],
        path,
        like: `${path} ${kindOfSession(context, session)}`,
        ...(holdSeconds === 0 && { severity: 'error' as const }),
      }
    }
  },
}

/** Measured with FRR 8.4 and 10.3: share of a core per session end at one packet every 100 ms. */
const coreShareAt100Milliseconds = 0.0055
const tolerable = 0.7

export const bfdOverload: Check = {
  id: 'bfd-overload',
  title: 'A router has more BFD packets to handle than one core can',
  severity: 'warning',
  why: 'bfdd is one thread. When it is late, sessions that are alive are declared dead, several at once, and traffic moves for nothing: worse than detecting a second later. Switches that run BFD in hardware are not concerned.',
  mend: 'use a longer interval on that class of link, 300ms x 3, or hardware that takes over BFD',
  *find(context: VerifyContext): Generator<Hit> {
    const { plan } = context
    for (const device of plan.devices) {
      if (device.role === 'external') continue
      const sessions = context.network.adjacencies.get(device.name)!.map(({ session }) => session)
      const load = sessions.reduce(
        (sum, { bfd }) => sum + coreShare(bfd === null ? undefined : plan.bfdProfiles[bfd]),
        0,
      )
      if (load <= tolerable) continue
      const count = sessions.filter(({ bfd }) => bfd !== null).length
      const busiest = sessions.find(({ bfd }) => bfd !== null)!
      yield {
        message: `${device.name} has ${count} BFD sessions, about ${Math.round(load * 100)} % of a core in bfdd`,
        devices: [device.name],
        path: sessionPath(context, busiest, 'bfd'),
        like: `${device.role} ${sessionPath(context, busiest, 'bfd')}`,
      }
    }
  },
}

function coreShare(profile: BfdProfile | undefined): number {
  if (profile === undefined) return 0
  return (
    (coreShareAt100Milliseconds * 100) / Math.min(profile.transmitMilliseconds, profile.receiveMilliseconds)
  )
}

/** Below this, a pause of an ordinary scheduler is a failure. */
const nervousMilliseconds = 150

export const bfdNervous: Check = {
  id: 'bfd-nervous',
  title: 'BFD declares a neighbour dead sooner than a busy CPU answers',
  severity: 'warning',
  why: 'bfdd in software competes with everything else on the machine. A detection time under 150 ms takes a garbage collection, a firmware pause or a burst of updates for a dead neighbour.',
  mend: 'use 100ms x 3, or keep shorter intervals to links whose both ends have BFD in hardware',
  *find(context: VerifyContext): Generator<Hit> {
    for (const session of context.plan.sessions) {
      if (session.bfd === null) continue
      const milliseconds = detectionMilliseconds(context.plan, session)
      if (milliseconds >= nervousMilliseconds) continue
      const path = sessionPath(context, session, 'bfd')
      yield {
        message: `${nameSession(session)} declare each other dead after ${milliseconds} ms of silence`,
        devices: [session.a.device, session.b.device],
        path,
        like: path,
      }
    }
  },
}

export const detectionSlow: Check = {
  id: 'detection-slow',
  title: 'Detecting a failure alone takes longer than the outage that is allowed',
  severity: 'error',
  why: 'An interruption lasts at least until the failure is noticed. When BFD or the hold time alone takes longer than `survive.outage`, no network can keep that promise for a failure without loss of carrier.',
  mend: 'shorten BFD on that class of link, or allow a longer outage',
  *find(context: VerifyContext): Generator<Hit> {
    for (const expectation of context.plan.expect) {
      if (expectation.kind !== 'survive' || expectation.outageMilliseconds === null) continue
      const allowed = expectation.outageMilliseconds
      for (const session of context.plan.sessions) {
        const milliseconds = detectionMilliseconds(context.plan, session)
        if (milliseconds <= allowed && milliseconds > 0) continue
        const by = session.bfd === null ? 'the hold time' : 'BFD'
        yield {
          message: `between ${nameSession(session)} ${by} notices a silent failure ${milliseconds === 0 ? 'never' : `after up to ${milliseconds} ms`}, and ${allowed} ms of outage are allowed`,
          devices: [session.a.device, session.b.device],
          path: `${expectation.path}.survive.outage`,
          like: `${expectation.path} ${kindOfSession(context, session)}`,
        }
      }
    }
  },
}
