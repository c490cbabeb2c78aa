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
import { inNamespace } from '../linux/namespace.ts'
import { type Daemon, daemons } from './daemons.ts'
import { namespaceOf } from './names.ts'
import { ShellPool } from './shells.ts'

const kernelReaders = 4
const partEnd = '--'

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

/** Prefix → interfaces of its next hops in the kernel, for routes that BGP installed. */
export type KernelRoutes = Map<string, string[]>

export class LabReader {
  readonly #lab: string
  readonly #open = new Map<string, FrrDaemon>()
  #shells: ShellPool | undefined

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
    this.#shells ??= new ShellPool(kernelReaders, { env: process.env })
    const kernel: KernelRoutes = new Map()
    const flags = families.map((family) => (family === 'ipv4' ? '-4' : '-6'))
    // For an empty table iproute2 may print a line or nothing at all, so the parts are told apart by a mark.
    const commands = flags.map((flag) => `ip -json ${flag} route show proto bgp && echo ${partEnd}`)
    const argv = inNamespace(namespace, ['sh', '-c', `'${commands.join(' && ')}'`])
    const texts = (await this.#shells.run(argv.join(' '))).split(partEnd)
    for (const [index, family] of families.entries()) {
      const anywhere = family === 'ipv4' ? '0.0.0.0/0' : '::/0'
      const length = family === 'ipv4' ? 32 : 128
      for (const { dst, dev, nexthops } of parseKernelRoutes(texts[index])) {
        const prefix = dst === 'default' ? anywhere : dst.includes('/') ? dst : `${dst}/${length}`
        const hops = nexthops?.map((hop) => hop.dev) ?? (dev === undefined ? [] : [dev])
        // The kernel lists equal IPv6 routes apart or together, as it pleases: their hops count together.
        kernel.set(prefix, [...(kernel.get(prefix) ?? []), ...hops])
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
    this.#shells?.close()
    for (const daemon of this.#open.values()) daemon.close()
  }
}

interface KernelRow {
  dst: string
  dev?: string
  nexthops?: { dev: string }[]
}

/** iproute2 prints nothing at all for an empty table. */
function parseKernelRoutes(text: string | undefined): KernelRow[] {
  return text === undefined || text.trim() === '' ? [] : (JSON.parse(text) as KernelRow[])
}

const unspecified = new Set(['', '0.0.0.0', '::'])

function summarize(paths: readonly BgpPath[]): ActualRoute | null {
  const best = paths.find((path) => path.isBest)
  if (best === undefined) return null
  // While a session is being torn down its paths have no peer any more: only their next hop tells them from our own.
  const isLocal = best.peer === '' && best.nextHops.every(({ address }) => unspecified.has(address))
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
