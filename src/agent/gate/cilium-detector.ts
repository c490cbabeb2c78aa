import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../../diagnostics/error.ts'
import type { DataplaneDetector, ServiceAddress } from './dataplane-detector.ts'
import { coveredAddresses, portKey } from './port-key.ts'

const agentSocket = '/var/run/cilium/cilium.sock'

interface CiliumService {
  status?: { realized?: { 'frontend-address'?: { ip?: string; port?: number; protocol?: string } } }
}

/** Asks Cilium's agent for its health (TCP) and for the Services it has realized (its Unix socket). */
export class CiliumDetector implements DataplaneDetector {
  readonly #url: string
  readonly #socketPath: string

  constructor(url = 'http://127.0.0.1:9879', socketPath = agentSocket) {
    this.#url = url
    this.#socketPath = socketPath
  }

  async check(addresses: readonly ServiceAddress[], signal: AbortSignal): Promise<string[]> {
    const timed = AbortSignal.any([signal, AbortSignal.timeout(5_000)])
    const health = await fetch(`${this.#url}/healthz`, { signal: timed, headers: { brief: 'true' } }).catch(
      (cause) => {
        throw new WeftError('WEFT_AGENT_DATAPLANE', `Cilium does not answer at ${this.#url}/healthz`, {
          hint: 'is Cilium’s agent running on this node? dataplane.url in the agent’s configuration names its health port',
          cause,
        })
      },
    )
    await health.body?.cancel()
    if (health.status !== 200) {
      throw new WeftError('WEFT_AGENT_DATAPLANE', `Cilium is not healthy: ${health.status} at ${this.#url}`, {
        hint: 'cilium-dbg status on this node says what is wrong',
      })
    }
    const known = new Set<string>()
    for (const { status } of await this.#readServices(timed)) {
      const { ip, port, protocol } = status?.realized?.['frontend-address'] ?? {}
      if (ip === undefined || port === undefined) continue
      // Releases that do not tell protocols apart say ANY, or nothing.
      const protocols = protocol === undefined || protocol === 'ANY' ? ['tcp', 'udp'] : [protocol]
      for (const name of protocols) known.add(portKey(ip, name, port))
    }
    return coveredAddresses(addresses, known)
  }

  async changed(signal: AbortSignal): Promise<void> {
    await delay(100, undefined, { signal })
  }

  async #readServices(signal: AbortSignal): Promise<CiliumService[]> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const asked = request({ socketPath: this.#socketPath, path: '/v1/service', signal }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.once('end', () => resolve(text))
      response.once('error', reject)
    })
    asked.once('error', reject)
    asked.end()
    const text = await promise.catch((cause: Error) => {
      throw new WeftError(
        'WEFT_AGENT_DATAPLANE',
        `cannot ask Cilium at ${this.#socketPath}: ${cause.message}`,
        {
          hint: 'mount /var/run/cilium into the agent’s pod',
          cause,
        },
      )
    })
    const services: unknown = JSON.parse(text)
    return Array.isArray(services) ? services : []
  }
}
