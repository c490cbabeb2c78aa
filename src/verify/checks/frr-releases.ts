/** What the FRR release of the plan does differently, where this plan runs into it. */
import type { FrrRelease } from '../../intent/model.ts'
import type { Check, Hit, Severity } from './check.ts'
import type { VerifyContext } from './context.ts'

interface Trap {
  id: string
  severity: Severity
  isIn(release: FrrRelease): boolean
  /** What in this plan runs into it, or null. */
  concerns(context: VerifyContext): { devices: string[]; path: string; text: string } | null
}

function isBefore(release: FrrRelease, major: number, minor = 0): boolean {
  return release.major < major || (release.major === major && release.minor < minor)
}

const traps: readonly Trap[] = [
  {
    id: 'default-originate',
    severity: 'warning',
    isIn: (release) => isBefore(release, 10),
    concerns({ plan }) {
      const session = plan.sessions.find(
        ({ a, b }) => a.defaultOriginate !== null || b.defaultOriginate !== null,
      )
      if (session === undefined) return null
      return {
        devices: [session.a.device],
        path: 'bgp.nodeRoutes',
        text: `${session.a.device} gives its nodes a default route as long as it has a way up, and before release 10 FRR looks at that condition every 5 s: a leaf that lost its last spine attracts traffic for up to 5 s more`,
      }
    },
  },
  {
    id: 'own-host-route',
    severity: 'note',
    isIn: (release) => !isBefore(release, 10, 4),
    concerns({ plan }) {
      const first = new Map<string, string>()
      for (const device of plan.devices) {
        for (const vip of device.vips) {
          const other = first.get(vip)
          if (other !== undefined)
            return {
              devices: [other, device.name],
              path: device.path,
              text: `${other} and ${device.name} both announce ${vip}; from release 10.4 on neither holds the other's route to it, so that a node which takes the address off lo has no route until its leaf tells it again`,
            }
          first.set(vip, device.name)
        }
      }
      return null
    },
  },
]

export const frrVersionTrap: Check = {
  id: 'frr-version-trap',
  title: 'The FRR release has a habit that this plan runs into',
  severity: 'note',
  why: 'The same configuration does different things in different releases, and `frr defaults` and `frr version` lines change them again. Each entry here was met on real daemons.',
  mend: 'run a release without it: `frr: "10.3"`, once your devices have it',
  *find(context: VerifyContext): Generator<Hit> {
    for (const trap of traps) {
      if (!trap.isIn(context.plan.frr)) continue
      const found = trap.concerns(context)
      if (found === null) continue
      const { devices, path, text } = found
      yield { message: text, devices, path, like: trap.id, severity: trap.severity }
    }
  },
}
