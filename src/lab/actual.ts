import { WeftError } from '../diagnostics/error.ts'
import { FrrDaemon } from '../frr/daemon.ts'
import { type BfdPeer, readBfdPeers } from '../frr/show-bfd.ts'
import {
  type BgpFamily,
  type BgpPath,
  type BgpSession,
  readBgpSummary,
  readBgpTable,
} from '../frr/show-bgp.ts'
import { readVersion } from '../frr/show-daemon.ts'
import { readRoutes } from '../linux/ip.ts'
import { type Daemon, daemons } from './daemons.ts'
import { namespaceOf } from './names.ts'

/*
 * Reads a running lab: daemons over their sockets, which stay open, and the kernel's routes from the kernel.
 *
 * zebra's own view of the kernel is never asked: after a link flap FRR 8.4 shows next hops that the kernel no longer
 * has. A daemon that does not answer is a finding (null), not an error.
 */

export interface ActualRoute {
  /** True when the device announces it itself. */
  isLocal: boolean
  width: number
  /** AS path of the best route. */
  asPath: string
}

/** Prefix → next-hop count in the kernel, for routes that BGP installed. */
export type KernelRoutes = Map<string, number>

export class LabReader {
  readonly #lab: string
  readonly #open = new Map<string, FrrDaemon>()

  constructor(lab: string) {
    this.#lab = lab
  }

  /** The connection to a daemon, shared by everyone who reads through this reader. */
  daemon(device: string, name: Daemon): FrrDaemon {
    const key = `${device}/${name}`
    let daemon = this.#open.get(key)
    if (daemon === undefined) {
      daemon = new FrrDaemon(name, { pathspace: namespaceOf(this.#lab, device) })
      this.#open.set(key, daemon)
    }
    return daemon
  }

  /** BGP sessions of a device; null when bgpd does not answer. */
  async sessions(device: string): Promise<BgpSession[] | null> {
    return await whenReachable(
      async () => (await readBgpSummary(this.daemon(device, 'bgpd')))?.sessions ?? [],
    )
  }

  /** BFD sessions of a device; null when bfdd does not answer. */
  async bfdPeers(device: string): Promise<BfdPeer[] | null> {
    return await whenReachable(() => readBfdPeers(this.daemon(device, 'bfdd')))
  }

  /** BGP tables of a device: every prefix with a best path; null when bgpd does not answer. */
  async routes(device: string, families: readonly BgpFamily[]): Promise<Map<string, ActualRoute> | null> {
    return await whenReachable(async () => {
      const routes = new Map<string, ActualRoute>()
      for (const family of families) {
        const table = await readBgpTable(this.daemon(device, 'bgpd'), family)
        for (const [prefix, paths] of table) {
          const route = summarize(paths)
          if (route !== null) routes.set(prefix, route)
        }
      }
      return routes
    })
  }

  /** What BGP has put into the device's kernel. */
  async kernelRoutes(device: string, families: readonly BgpFamily[]): Promise<KernelRoutes> {
    const namespace = namespaceOf(this.#lab, device)
    const kernel: KernelRoutes = new Map()
    for (const family of families) {
      const anywhere = family === 'ipv4' ? '0.0.0.0/0' : '::/0'
      for (const route of await readRoutes({ namespace, family, protocol: 'bgp' })) {
        const prefix = route.destination === 'default' ? anywhere : route.destination
        // The kernel keeps equal IPv6 routes apart or together, as it pleases: count their hops as one.
        kernel.set(prefix, (kernel.get(prefix) ?? 0) + route.nextHops.filter((hop) => hop.device).length)
      }
    }
    return kernel
  }

  /** Daemons of a device that do not answer. */
  async deadDaemons(device: string): Promise<Daemon[]> {
    const answers = await Promise.all(
      daemons.map(async (name) => ({
        name,
        version: await whenReachable(() => readVersion(this.daemon(device, name))),
      })),
    )
    return answers.filter(({ version }) => version === null).map(({ name }) => name)
  }

  close(): void {
    for (const daemon of this.#open.values()) daemon.close()
  }
}

function summarize(paths: readonly BgpPath[]): ActualRoute | null {
  const best = paths.find((path) => path.isBest)
  if (best === undefined) return null
  const isLocal = best.peer === ''
  return {
    isLocal,
    width: isLocal ? 0 : paths.filter((path) => path.isMultipath).length,
    asPath: best.asPath,
  }
}

async function whenReachable<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof WeftError && error.exitCode === 4) return null
    throw error
  }
}
