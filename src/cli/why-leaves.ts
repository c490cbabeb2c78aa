import { FrrDaemon } from '../frr/daemon.ts'
import { type BgpPathDetail, readBgpPrefix } from '../frr/show-bgp.ts'
import { unweightedPaths } from '../frr/weighting.ts'
import { namespaceOf } from '../lab/names.ts'
import type { LabState } from '../lab/state.ts'

/** What the router at the other end of a node's link made of an announcement. */
export interface LeafView {
  device: string
  /** Undefined when the router has no path from this node. */
  path: BgpPathDetail | undefined
  /** Whose paths make it ignore the weights of all others. */
  unweighted: string[]
}

/** Looks from the other end of a node's links; only a lab can, where every router is at hand. */
export class Leaves {
  readonly #state: LabState
  readonly #daemons = new Map<string, FrrDaemon>()

  constructor(state: LabState) {
    this.#state = state
  }

  /** Undefined when the link leads nowhere known, or the router there does not answer. */
  async look(node: string, interfaceName: string, address: string): Promise<LeafView | undefined> {
    const ends = this.#state.plan.links
      .map(({ a, b }) => [a, b] as const)
      .flatMap(([a, b]) => [
        [a, b],
        [b, a],
      ])
    const far = ends.find(([near]) => near?.device === node && near.interface === interfaceName)?.[1]
    if (far === undefined) return undefined
    const isIpv6 = address.includes(':')
    const paths = await readBgpPrefix(
      this.#daemon(far.device),
      isIpv6 ? 'ipv6' : 'ipv4',
      `${address}/${isIpv6 ? 128 : 32}`,
    ).catch(() => undefined)
    if (paths === undefined) return undefined
    return {
      device: far.device,
      path: paths.find((path) => path.interface === far.interface),
      unweighted: unweightedPaths(paths).map(
        (path) => path.peerHostname ?? path.interface ?? (path.peer || far.device),
      ),
    }
  }

  close(): void {
    for (const daemon of this.#daemons.values()) daemon.close()
  }

  #daemon(device: string): FrrDaemon {
    const known = this.#daemons.get(device)
    if (known !== undefined) return known
    const daemon = new FrrDaemon('bgpd', { pathspace: namespaceOf(this.#state.name, device) })
    this.#daemons.set(device, daemon)
    return daemon
  }
}
