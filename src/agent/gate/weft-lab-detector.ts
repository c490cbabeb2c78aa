import type { DataplaneDetector, ServiceAddress } from './dataplane-detector.ts'
import { coveredAddresses, portKey } from './port-key.ts'

interface Programmed {
  revision: number
  ports: { protocol: string; frontends: { address: string; port: number }[] }[]
}

/** Asks the node runtime of `weft lab`, which says what its Service proxy has programmed, and when that changes. */
export class WeftLabDetector implements DataplaneDetector {
  readonly #url: string
  #revision = 0

  constructor(url = 'http://127.0.0.1:10256') {
    this.#url = url
  }

  async check(addresses: readonly ServiceAddress[], signal: AbortSignal): Promise<string[]> {
    const { revision, ports } = (await this.#ask('/programmed', signal)) as Programmed
    this.#revision = revision
    const known = new Set(
      ports.flatMap(({ protocol, frontends }) =>
        frontends.map(({ address, port }) => portKey(address, protocol, port)),
      ),
    )
    return coveredAddresses(addresses, known)
  }

  async changed(signal: AbortSignal): Promise<void> {
    await this.#ask(`/programmed?after=${this.#revision}`, signal)
  }

  async #ask(path: string, signal: AbortSignal): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(45_000)]),
    })
    return await response.json()
  }
}
