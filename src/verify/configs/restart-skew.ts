/*
 * Graceful restart (RFC 4724) works only where the times of both ends fit: whoever restarts must be back, and have told
 * its routes again, before its neighbour forgets them. Each end is configured for itself, often years apart; where one
 * keeps stale routes shorter than the other takes, every restart is an outage that graceful restart was to prevent.
 */
import type { ControlPlane } from '../simulate/control-plane.ts'
import type { ReadRouter } from './links.ts'

export interface RestartSkew {
  /** The one that restarts. */
  router: ReadRouter
  line: number | null
  message: string
  mend: string
}

/** What FRR takes where nothing is written. */
const defaults = { 'restart-time': 120, 'stalepath-time': 360, 'select-defer-time': 360 }
type Timer = keyof typeof defaults

/** Sessions whose ends defeat each other's graceful restart. */
export function restartSkews(routers: readonly ReadRouter[], plane: ControlPlane): RestartSkew[] {
  const byName = new Map(routers.map((entry) => [entry.router.name, entry]))
  return routers.filter(isRestarting).flatMap((entry) =>
    (plane.sides.get(entry.router.name) ?? []).flatMap(({ remote }) => {
      const helper = byName.get(remote.router.name)
      return helper === undefined ? [] : skewsBetween(entry, helper)
    }),
  )
}

function skewsBetween(restarting: ReadRouter, helper: ReadRouter): RestartSkew[] {
  const kept = secondsOf(helper, 'stalepath-time')
  const name = helper.router.name
  const skew = (timer: Timer, what: string): RestartSkew[] => {
    const seconds = secondsOf(restarting, timer)
    if (seconds <= kept) return []
    return [
      {
        router: restarting,
        line: restarting.raw.lines.get(`graceful-restart ${timer}`) ?? null,
        message: `${what} up to ${seconds} s, and ${name} keeps its stale routes for ${kept} s: up to ${seconds - kept} s without routes at a restart`,
        mend: `make "bgp graceful-restart ${timer}" here shorter than "bgp graceful-restart stalepath-time" of ${name}`,
      },
    ]
  }
  return [
    ...skew('restart-time', 'it may take'),
    // Only a neighbour that restarts itself says End-of-RIB for families that could be waited for.
    ...(isRestarting(helper) ? skew('select-defer-time', `it waits for ${name} before it announces,`) : []),
  ]
}

function isRestarting({ raw }: ReadRouter): boolean {
  return raw.options.get('gracefulRestart') === true
}

function secondsOf({ raw }: ReadRouter, timer: Timer): number {
  return (raw.options.get(`graceful-restart ${timer}`) as number | undefined) ?? defaults[timer]
}
