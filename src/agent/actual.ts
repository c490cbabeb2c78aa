import { WeftError } from '../diagnostics/error.ts'
import { type ConfigBlock, parseConfig } from '../frr/config-tree.ts'
import type { VtyReader } from '../frr/daemon.ts'
import { readRunningConfig } from '../frr/show-daemon.ts'
import { readAddresses } from '../linux/ip.ts'
import { formatAddress, parseAddress } from '../net/address.ts'
import { type AgentConfig, isReserved } from './config.ts'
import { findPool } from './desired/decide.ts'

/*
 * What FRR and the kernel really hold of what is the agent's.
 *
 * Neither a `network` statement nor (with the iproute2 of Debian 12) an address can carry a mark, so ownership goes by
 * place: host addresses inside the pools, on `lo` and as `network` statements, are the agent's; except the node's own
 * loopbacks and the service addresses that the base configuration announces. Whatever lies outside is never touched.
 */

export interface ActualState {
  /** Service addresses on `lo`. */
  addresses: Set<string>
  /** Announced addresses with the route map of their statement, empty when it has none. */
  networks: Map<string, string>
  /** The line that leads into the BGP instance. */
  instance: string
  routeMaps: ReadonlySet<string>
  /** With the import check on, FRR announces only what is in its RIB as well, and says nothing about the rest. */
  hasImportCheck: boolean
}

export const loopbackDevice = 'lo'

/** Reads both sides anew. */
export async function readActual(bgpd: VtyReader, config: AgentConfig): Promise<ActualState> {
  const [running, addresses] = await Promise.all([
    readRunningConfig(bgpd),
    readAddresses({ device: loopbackDevice }),
  ])
  const isHost = (family: string, length: number) => length === (family === 'ipv6' ? 128 : 32)
  const own = addresses
    .filter((entry) => isHost(entry.family, entry.prefixLength))
    .flatMap((entry) => ownedAddress(entry.address, config) ?? [])
  return { addresses: new Set(own), ...readBgp(running, config) }
}

/** Reads the BGP part of a running configuration. */
export function readBgp(running: string, config: AgentConfig): Omit<ActualState, 'addresses'> {
  const tree = parseConfig(running)
  const instances = tree.filter((block) => block.line.startsWith('router bgp '))
  const instance = instances.find((block) => !/ (vrf|view) /.test(block.line))
  if (instance === undefined) {
    throw new WeftError('WEFT_AGENT_NO_BGP', 'bgpd has no BGP instance in its running configuration', {
      hint: 'deploy the rendered base configuration: weft render; until then nothing can be announced',
      exitCode: 3,
    })
  }
  checkAs(instance, config)
  return {
    // Without the number FRR never creates an instance, but it needs the number to tell several apart.
    instance: instances.length === 1 ? 'router bgp' : instance.line,
    networks: readNetworks(instance, config),
    routeMaps: new Set(tree.flatMap((block) => /^route-map (\S+) /.exec(block.line)?.[1] ?? [])),
    hasImportCheck: !instance.children.some((child) => child.line === 'no bgp network import-check'),
  }
}

function readNetworks(instance: ConfigBlock, config: AgentConfig): Map<string, string> {
  const networks = new Map<string, string>()
  for (const family of instance.children) {
    if (!/^address-family ipv[46] unicast$/.test(family.line)) continue
    for (const { line } of family.children) {
      const found = /^network (?<address>\S+)\/(?:32|128)(?: route-map (?<map>\S+))?/.exec(line)?.groups
      const address = found?.address === undefined ? undefined : ownedAddress(found.address, config)
      // A v6 /32 is no host prefix, and nobody announces half the internet by accident twice.
      const isHost = line.includes(':') === line.includes('/128')
      if (address !== undefined && isHost) networks.set(address, found?.map ?? '')
    }
  }
  return networks
}

function checkAs(instance: ConfigBlock, config: AgentConfig): void {
  const running = Number(/^router bgp (\d+)/.exec(instance.line)?.[1])
  if (config.localAs === undefined || config.localAs === running) return
  throw new WeftError(
    'WEFT_AGENT_WRONG_AS',
    `bgpd runs AS ${running}, the agent is configured for AS ${config.localAs}`,
    {
      hint: 'the agent’s configuration and FRR’s belong to different nodes or plans: deploy both from one plan',
      exitCode: 2,
    },
  )
}

function ownedAddress(text: string, config: AgentConfig): string | undefined {
  const address = parseAddress(text)
  if (address === null || isReserved(config, address) || findPool(config, address) === undefined)
    return undefined
  return formatAddress(address)
}
