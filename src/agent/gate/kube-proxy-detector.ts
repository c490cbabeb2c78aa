import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../../diagnostics/error.ts'
import { run } from '../../linux/run.ts'
import type { DataplaneDetector, ServiceAddress } from './dataplane-detector.ts'
import { readIptablesRules, readIpvsTable, readNftMap } from './kube-proxy-rules.ts'
import { coveredAddresses } from './port-key.ts'

/*
 * kube-proxy says that it is healthy, and the kernel says which addresses it translates. Its health alone would not do:
 * it is healthy while it has never heard of a Service that was made a moment ago.
 *
 * The mode is found by looking: an nftables table `kube-proxy`, else IPVS services, else iptables chains.
 */
export class KubeProxyDetector implements DataplaneDetector {
  readonly #url: string

  constructor(url = 'http://127.0.0.1:10256') {
    this.#url = url
  }

  async check(addresses: readonly ServiceAddress[], signal: AbortSignal): Promise<string[]> {
    await this.#checkHealth(signal)
    const known = new Set<string>()
    for (const family of [4, 6] as const) {
      const isAsked = addresses.some(({ address }) => address.includes(':') === (family === 6))
      if (isAsked) for (const key of await readRules(family)) known.add(key)
    }
    return coveredAddresses(addresses, known)
  }

  async changed(signal: AbortSignal): Promise<void> {
    await delay(100, undefined, { signal })
  }

  async #checkHealth(signal: AbortSignal): Promise<void> {
    const url = `${this.#url}/healthz`
    const timed = AbortSignal.any([signal, AbortSignal.timeout(2_000)])
    const response = await fetch(url, { signal: timed }).catch((cause) => {
      throw new WeftError('WEFT_AGENT_DATAPLANE', `kube-proxy does not answer at ${url}`, {
        hint: 'is kube-proxy running on this node? dataplane.url in the agent’s configuration names its healthz',
        cause,
      })
    })
    await response.body?.cancel()
    if (response.status !== 200) {
      throw new WeftError('WEFT_AGENT_DATAPLANE', `kube-proxy is not healthy: ${response.status} at ${url}`, {
        hint: 'read kube-proxy’s log on this node',
      })
    }
  }
}

async function readRules(family: 4 | 6): Promise<Set<string>> {
  const nft = await tryRun([
    'nft',
    '-j',
    'list',
    'map',
    family === 4 ? 'ip' : 'ip6',
    'kube-proxy',
    'service-ips',
  ])
  if (nft !== undefined) return readNftMap(nft)
  const ipvs = readIpvsTable(await readFile('/proc/net/ip_vs', 'utf8').catch(() => ''))
  if (ipvs.size > 0) return ipvs
  const iptables = await tryRun([family === 4 ? 'iptables-save' : 'ip6tables-save', '-t', 'nat'])
  if (iptables !== undefined) return readIptablesRules(iptables)
  throw new WeftError('WEFT_AGENT_DATAPLANE', 'no rules of kube-proxy were found in the kernel', {
    hint: 'nft or iptables-save must be there and readable for the agent (CAP_NET_ADMIN)',
  })
}

async function tryRun(argv: [string, ...string[]]): Promise<string | undefined> {
  return await run(argv).then(
    ({ stdout }) => stdout,
    () => undefined,
  )
}
