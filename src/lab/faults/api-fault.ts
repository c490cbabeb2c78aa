import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../../diagnostics/error.ts'
import { applyNft } from '../../linux/nft.ts'
import type { PlannedCluster } from '../../plan/model.ts'
import { kubernetesDirectory } from '../cluster-config.ts'
import { namespaceOf, pathsOf } from '../names.ts'
import type { LabState } from '../state.ts'
import type { ApiEffects, Effects } from './effects.ts'
import { endHelpers, findHelpers, startHelper } from './helpers.ts'

/*
 * Breaks a cluster's API where everybody in the fabric reaches it: at the loopback address of its node. The lab's own way,
 * by 127.0.0.1 inside that node, stays whole, so that what is broken can still be looked at and mended.
 *
 * Unreachable is a matter of dropping packets. For late and wrong answers a proxy takes the API's place: new connections
 * are turned to it, and those that go past it are reset with their next packet.
 */

const tableName = 'weft_fault_api'
const startTimeoutMs = 10_000

/** Makes a cluster's API as broken as is wanted. */
export async function settleApi(
  state: LabState,
  name: string,
  device: string,
  wanted: Effects,
): Promise<void> {
  // Without power there is nobody to ask, and the proxy died with everything else.
  if (wanted.devices.get(device)?.isOff) return
  const cluster = state.plan.clusters.find((candidate) => candidate.name === name)!
  const api = wanted.apis.get(name)
  const args = api === undefined ? null : proxyArguments(state.name, cluster, api)
  const running = await findHelpers(state.name, 'api-proxy', name)
  const kept = running.find((helper) => args !== null && helper.args.join(' ') === args.join(' '))
  const proxyPort =
    args === null ? null : await proxyPortOf(state.name, name, device, args, kept !== undefined)
  await applyNft(apiRules(cluster.apiUrl, api, proxyPort), { namespace: namespaceOf(state.name, device) })
  endHelpers(running.filter((helper) => helper !== kept))
}

/** Source address by which a proxy's own connections to the API are known; nobody else uses it towards that address. */
export function proxySource(address: string): string {
  return address.includes(':') ? '::1' : '127.0.0.2'
}

/** The rules of the API's node; pure. */
export function apiRules(apiUrl: string, api: ApiEffects | undefined, proxyPort: number | null): string {
  const { hostname, port } = new URL(apiUrl)
  const address = hostname.replace(/^\[|\]$/g, '')
  const ip = address.includes(':') ? 'ip6' : 'ip'
  const target = `${ip} daddr ${address} tcp dport ${port}`
  const others = `${ip} saddr != ${proxySource(address)} ${target}`
  const clear = [`add table inet ${tableName}`, `delete table inet ${tableName}`]
  if (api === undefined) return `${clear.join('\n')}\n`
  const chains = api.isUnreachable
    ? [
        // Before any address translation, in both directions, for the node's own processes too.
        chain('arriving', 'filter', 'prerouting', -160, `${target} counter drop`),
        chain(
          'leaving',
          'filter',
          'output',
          -160,
          `${target} counter drop`,
          `${ip} saddr ${address} tcp sport ${port} counter drop`,
        ),
      ]
    : proxyPort === null
      ? []
      : [
          ...['prerouting', 'output'].map((hook) =>
            chain(`turn_${hook}`, 'nat', hook, -110, `${others} dnat ${ip} to ${hostname}:${proxyPort}`),
          ),
          // What still has the API's port here was connected before, and would go past the proxy.
          chain('refuse', 'filter', 'input', -10, `${others} reject with tcp reset`),
        ]
  return `${[...clear, `table inet ${tableName} {`, ...chains, '}'].join('\n')}\n`
}

function chain(name: string, type: string, hook: string, priority: number, ...rules: string[]): string {
  return [
    ` chain ${name} {`,
    `  type ${type} hook ${hook} priority ${priority}; policy accept;`,
    ...rules.map((rule) => `  ${rule}`),
    ' }',
  ].join('\n')
}

/** Null when no proxy is needed. */
function proxyArguments(lab: string, cluster: PlannedCluster, api: ApiEffects): string[] | null {
  if (!api.isErroring && api.delayMilliseconds === 0) return null
  const certificate = `${kubernetesDirectory(lab, cluster)}/certificates/apiserver`
  const { hostname, port } = new URL(cluster.apiUrl)
  return [
    hostname.replace(/^\[|\]$/g, ''),
    port,
    String(api.delayMilliseconds),
    api.isErroring ? 'erroring' : 'passing',
    existsSync(`${certificate}.key`) ? certificate : 'plain',
  ]
}

async function proxyPortOf(
  lab: string,
  key: string,
  device: string,
  args: readonly string[],
  isRunning: boolean,
): Promise<number> {
  const file = proxyPortFile(lab, key)
  if (!isRunning) {
    await rm(file, { force: true })
    await startHelper(lab, 'api-proxy', key, args, device)
  }
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    const port = Number(await readFile(file, 'utf8').catch(() => '0'))
    if (port > 0) return port
    if (Date.now() > deadline)
      throw new WeftError('WEFT_LAB_PROCESS', `the proxy in front of the API of ${key} does not start`, {
        hint: `its log: ${pathsOf(lab).logs}/faults/api-proxy.log`,
      })
    await delay(10)
  }
}

/** Where a proxy writes the port that it listens on. */
export function proxyPortFile(lab: string, cluster: string): string {
  return `${pathsOf(lab).root}/api-proxy-${cluster}.port`
}
