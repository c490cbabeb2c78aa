import { WeftError } from '../diagnostics/error.ts'
import { type NextHop, readRoutes } from '../linux/ip.ts'
import { watchRoutes } from '../linux/route-monitor.ts'
import type { Device } from '../plan/model.ts'
import { LabReader } from './actual.ts'
import { namespaceOf } from './names.ts'
import type { LabState } from './state.ts'

/*
 * What a lab's kernels do with a prefix: the end of every change that counts.
 */

/** Next hops that a device's kernel has for exactly this prefix; none when it has no such route. */
export async function readNextHops(lab: string, device: string, prefix: string): Promise<NextHop[]> {
  const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
  const destination = /^(0\.0\.0\.0|::)\/0$/.test(prefix) ? 'default' : prefix
  const routes = await readRoutes({ namespace: namespaceOf(lab, device), family })
  return routes.filter((route) => route.destination === destination).flatMap((route) => route.nextHops)
}

/**
 * Waits until a device's kernel forwards a prefix as wanted, and says when that was, in milliseconds since the epoch.
 */
export async function awaitNextHops(
  lab: string,
  device: string,
  prefix: string,
  isWanted: (nextHops: readonly NextHop[]) => boolean,
  timeoutMs?: number,
): Promise<number> {
  const look = async () => isWanted(await readNextHops(lab, device, prefix))
  return await awaitForwarding(lab, [device], prefix, look, timeoutMs)
}

/**
 * Waits until what several kernels do with a prefix is as wanted.
 *
 * Listens to the kernels instead of asking again and again, so the time is that of the change.
 */
export async function awaitForwarding(
  lab: string,
  devices: readonly string[],
  prefix: string,
  isWanted: () => Promise<boolean>,
  timeoutMs = 30_000,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  // An event is only the occasion: the tables say what is true after it.
  const look = async (atMs: number) => {
    if (await isWanted()) resolve(atMs)
  }
  const timer = setTimeout(() => {
    const names = devices.slice(0, 4).join(', ')
    reject(
      new WeftError(
        'WEFT_LAB_ROUTE_TIMEOUT',
        `${names} did not forward ${prefix} as expected within ${timeoutMs / 1000} s`,
        { hint: `look at it with: weft lab vtysh --name ${lab} ${devices[0]} -c 'show ip route ${prefix}'` },
      ),
    )
  }, timeoutMs)
  const monitors = await Promise.all(
    devices.map((device) =>
      watchRoutes({
        namespace: namespaceOf(lab, device),
        onRoute: ({ destination, atMs }) => {
          if (destination === prefix) look(atMs).catch(reject)
        },
        onEnd: reject,
      }),
    ),
  )
  try {
    await look(Date.now())
    return await promise
  } finally {
    clearTimeout(timer)
    for (const monitor of monitors) monitor.stop()
  }
}

/** One device on the way to a prefix. */
export interface Step {
  device: string
  /** Devices that its kernel spreads the prefix over. */
  nextDevices: string[]
  /** AS path of its best route. */
  asPath: string
}

/** Follows a prefix from a device to where it is local, over the first of the equal paths at every step. */
export async function followRoute(state: LabState, from: string, prefix: string): Promise<Step[]> {
  const reader = new LabReader(state.name)
  const devices = new Map(state.plan.devices.map((device) => [device.name, device]))
  const steps: Step[] = []
  try {
    for (let at: string | undefined = from; at !== undefined && steps.length < devices.size; ) {
      const device: Device = devices.get(at)!
      const table = await reader.routes(at, [prefix.includes(':') ? 'ipv6' : 'ipv4'])
      const hops = await readNextHops(state.name, at, prefix)
      const nextDevices: string[] = hops.flatMap(
        (hop) => device.interfaces.find(({ name }) => name === hop.device)?.peerDevice ?? [],
      )
      steps.push({ device: at, nextDevices, asPath: table?.get(prefix)?.asPath ?? '' })
      at = nextDevices[0]
    }
    return steps
  } finally {
    reader.close()
  }
}
