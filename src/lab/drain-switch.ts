import { setTimeout as delay } from 'node:timers/promises'
import type { ConfigChange } from '../frr/config-transaction.ts'
import { type ConfigBlock, parseConfig } from '../frr/config-tree.ts'
import { FrrDaemon } from '../frr/daemon.ts'
import { readRunningConfig } from '../frr/show-daemon.ts'
import { readRoutes } from '../linux/ip.ts'
import type { Plan } from '../plan/model.ts'
import { namespaceOf } from './names.ts'
import type { LabState } from './state.ts'

/*
 * Takes a switch or router out of service without losing a packet: whatever it announces carries GRACEFUL_SHUTDOWN
 * (RFC 8326) on the way out, so its neighbours use their other ways, and its own tables stay as they are.
 *
 * That is why it is not FRR's `bgp graceful-shutdown`: the command also lowers what the switch itself has learned. A
 * leaf then sends what still arrives up again, to a spine that sends it back: a loop for as long as the spine needs to
 * hear. Here every export policy is called by one that adds the community and nothing else; on iBGP sessions, where
 * FRR gives the community no meaning, it lowers the preference as well.
 *
 * Nothing is written to FRR's files: a switch that reboots is in service again.
 */

const prefix = 'WEFT-DRAIN-'
/** Neighbours have moved when nothing has changed for so long. */
const quietMs = 400
const pollMs = 80

export interface SwitchDrain {
  /** Prefixes that neighbours still send to the switch: nobody else has them. */
  left: string[]
}

/** Drains a switch and waits until its neighbours have moved what they can. */
export async function drainSwitch(state: LabState, device: string, timeoutMs = 15_000): Promise<SwitchDrain> {
  await changeExports(state, device, drainChanges)
  return { left: await untilQuiet(state, device, (before, now) => now.length < before.length, timeoutMs) }
}

/** Brings a drained switch back and waits until its neighbours use it again. */
export async function undrainSwitch(state: LabState, device: string, timeoutMs = 15_000): Promise<void> {
  await changeExports(state, device, undrainChanges)
  await untilQuiet(state, device, (before, now) => now.length > before.length, timeoutMs)
}

async function changeExports(
  state: LabState,
  device: string,
  changesOf: (running: string) => ConfigChange[],
): Promise<void> {
  const bgpd = new FrrDaemon('bgpd', { pathspace: namespaceOf(state.name, device) })
  try {
    await bgpd.configure(changesOf(await readRunningConfig(bgpd)))
  } finally {
    bgpd.close()
  }
}

/** The lines that put the community on everything that leaves; none when it is there already. */
export function drainChanges(running: string): ConfigChange[] {
  const exports = readExports(running).filter(({ policy }) => !policy.startsWith(prefix))
  const maps = new Map(
    exports.map(({ policy, isInternal }) => [mapName(policy, isInternal), { policy, isInternal }]),
  )
  return [
    ...[...maps].flatMap(([name, { policy, isInternal }]) => {
      const context = [`route-map ${name} permit 10`]
      return [
        { context, line: `call ${policy}` },
        { context, line: 'set community graceful-shutdown additive' },
        ...(isInternal ? [{ context, line: 'set local-preference 0' }] : []),
      ]
    }),
    ...exports.map(({ context, neighbor, policy, isInternal }) => ({
      context,
      line: `neighbor ${neighbor} route-map ${mapName(policy, isInternal)} out`,
      undo: `neighbor ${neighbor} route-map ${policy} out`,
    })),
  ]
}

/** The lines that take it off again. */
export function undrainChanges(running: string): ConfigChange[] {
  const exports = readExports(running).filter(({ policy }) => policy.startsWith(prefix))
  const planned = (policy: string) => policy.slice(prefix.length).replace(/-IBGP$/, '')
  const maps = parseConfig(running).filter(({ line }) => line.startsWith(`route-map ${prefix}`))
  return [
    ...exports.map(({ context, neighbor, policy }) => ({
      context,
      line: `neighbor ${neighbor} route-map ${planned(policy)} out`,
      undo: `neighbor ${neighbor} route-map ${policy} out`,
    })),
    ...maps.map(({ line }) => ({ context: [], line: `no ${line}`, undo: line })),
  ]
}

function mapName(policy: string, isInternal: boolean): string {
  return `${prefix}${policy}${isInternal ? '-IBGP' : ''}`
}

interface Export {
  context: string[]
  /** Peer group or neighbor. */
  neighbor: string
  policy: string
  isInternal: boolean
}

function readExports(running: string): Export[] {
  const router = parseConfig(running).find(({ line }) => line.startsWith('router bgp '))
  if (router === undefined) return []
  const isInternal = (neighbor: string) =>
    router.children.some(({ line }) => line === `neighbor ${neighbor} remote-as internal`)
  return router.children
    .filter(({ line }) => line.startsWith('address-family '))
    .flatMap((family: ConfigBlock) =>
      family.children.flatMap(({ line }) => {
        const [, neighbor, policy] = /^neighbor (\S+) route-map (\S+) out$/.exec(line) ?? []
        if (neighbor === undefined || policy === undefined) return []
        return [{ context: [router.line, family.line], neighbor, policy, isInternal: isInternal(neighbor) }]
      }),
    )
}

/** Waits until what neighbours send to the device has changed as it should and then stays. */
async function untilQuiet(
  state: LabState,
  device: string,
  hasChanged: (before: readonly string[], now: readonly string[]) => boolean,
  timeoutMs: number,
): Promise<string[]> {
  const started = performance.now()
  const first = await readUses(state, device)
  let last = first
  let changedAt = started
  for (;;) {
    await delay(pollMs)
    const now = await readUses(state, device)
    if (now.join() !== last.join()) changedAt = performance.now()
    last = now
    const quietFor = performance.now() - changedAt
    // The first look may have come after the change: then there is none left to wait for.
    if (quietFor > (hasChanged(first, now) ? quietMs : 3 * quietMs))
      return [...new Set(now.map((use) => use.split(' ')[1]!))]
    if (performance.now() - started > timeoutMs) return [...new Set(now.map((use) => use.split(' ')[1]!))]
  }
}

/** `<neighbour> <prefix>` for everything that neighbours send to the device, without its own loopbacks. */
async function readUses({ name: lab, plan }: LabState, device: string): Promise<string[]> {
  const own = loopbacksOf(plan, device)
  const families = plan.sessions.some((session) => session.families.includes('ipv6'))
    ? (['ipv4', 'ipv6'] as const)
    : (['ipv4'] as const)
  const neighbours = plan.links.flatMap(({ a, b }) =>
    a.device === device ? [b] : b.device === device ? [a] : [],
  )
  const uses = await Promise.all(
    neighbours.flatMap((end) =>
      families.map(async (family) => {
        const routes = await readRoutes({ namespace: namespaceOf(lab, end.device), family })
        return routes
          .filter((route) =>
            route.nextHops.some((hop) => hop.device === end.interface && hop.gateway !== undefined),
          )
          .filter((route) => !own.includes(route.destination))
          .map((route) => `${end.device} ${route.destination}`)
      }),
    ),
  )
  return uses.flat().sort()
}

function loopbacksOf(plan: Plan, device: string): string[] {
  return plan.devices.find(({ name }) => name === device)?.loopbacks ?? []
}
