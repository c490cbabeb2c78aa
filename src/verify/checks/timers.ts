import type { Check, Hit } from './check.ts'
import {
  detectionMilliseconds,
  kindOfSession,
  nameSession,
  sessionPath,
  type VerifyContext,
} from './context.ts'

export const timerConflict: Check = {
  id: 'timer-conflict',
  title: 'Timers of a session defeat one another',
  severity: 'warning',
  why: 'BFD is there to be faster than the hold time, and the hold time to be longer than a lost keepalive or two. Where the order is wrong, one of them does nothing or tears the session down for nothing.',
  mend: 'keep the hold time at three keepalives or more, and BFD well below it',
  *find(context: VerifyContext): Generator<Hit> {
    for (const session of context.plan.sessions) {
      const { keepaliveSeconds, holdSeconds } = session.timers
      const hit = (message: string, path: string, severity: 'error' | 'warning' = 'warning'): Hit => ({
        message: `${nameSession(session)}: ${message}`,
        devices: [session.a.device, session.b.device],
        path,
        like: `${path} ${kindOfSession(context, session)} ${message.slice(0, 8)}`,
        severity,
      })
      const timersPath = sessionPath(context, session, 'timers')
      if (session.bfd !== null && holdSeconds > 0) {
        const detection = detectionMilliseconds(context.plan, session)
        if (detection >= holdSeconds * 1000) {
          yield hit(
            `BFD needs up to ${detection} ms and the hold time is ${holdSeconds * 1000} ms, so BFD is never first`,
            sessionPath(context, session, 'bfd'),
          )
        }
      }
      if (holdSeconds > 0 && keepaliveSeconds > 0 && holdSeconds < 3 * keepaliveSeconds) {
        yield hit(
          `the hold time of ${holdSeconds} s survives ${Math.ceil(holdSeconds / keepaliveSeconds) - 1} lost keepalive (every ${keepaliveSeconds} s), not two`,
          timersPath,
        )
      }
      if (holdSeconds === 0 && session.bfd === null) {
        yield hit(
          'there is neither a hold time nor BFD, so a dead neighbour is never noticed',
          timersPath,
          'error',
        )
      }
    }
  },
}
