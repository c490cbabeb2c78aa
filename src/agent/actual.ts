import { WeftError } from '../diagnostics/error.ts'
import { type ConfigBlock, parseConfig } from '../frr/config-tree.ts'
import type { VtyReader } from '../frr/daemon.ts'
import { readRunningConfig } from '../frr/show-daemon.ts'
import { readAddresses, readRoutes } from '../linux/ip.ts'
import { formatAddress, parseAddress } from '../net/address.ts'
import { type AgentConfig, isReserved } from './config.ts'
import { findPool } from './desired/decide.ts'
import type { GuardState } from './port-guard/guard-rules.ts'
import type { PortGuard } from './port-guard/port-guard.ts'

/*
 * What FRR and the kernel really hold of what is the agent's.
 *
 * Neither a `network` statement nor (with the iproute2 of Debian 12) an address can carry a mark, so ownership goes by
 * place: host addresses inside the pools, on `lo` and as `network` statements, are the agent's; except the node's own
 * loopbacks and the service addresses that the base configuration announces. Whatever lies outside is never touched.
 * Local routes do carry a mark, their protocol number, and without it they are somebody else's wherever they lie.
 */

export interface ActualState {
  /** Service addresses that are local to the node, in either form. */
  addresses: Set<string>
  /** Those of them that are a local route and no address on `lo`. */
  localRoutes: Set<string>
  /** Those that are an address on `lo` whose local route somebody has removed: packets to them are not taken. */
  unrouted: Set<string>
  /** Announced addresses with the route map of their statement, empty when it has none. */
  networks: Map<string, string>
  /** The line that leads into the BGP instance. */
  instance: string
  /** Its AS number. */
  asn: number
  routeMaps: Set<string>
  /** Which ports are open; undefined without a port guard. */
  guard: GuardState | undefined
  /** With the import check on, FRR announces only what is in its RIB as well, and says nothing about the rest. */
  hasImportCheck: boolean
  /** Without it zebra chooses one, and may take a service address. */
  hasRouterId: boolean
}

export const loopbackDevice = 'lo'
/** Protocol number of the agent's local routes (/etc/iproute2/rt_protos: none of the known ones). */
export const localRouteProtocol = '198'

/** Reads all sides anew. */
export async function readActual(
  bgpd: VtyReader,
  config: AgentConfig,
  portGuard?: PortGuard,
): Promise<ActualState> {
  const [running, addresses, routes, guard] = await Promise.all([
    readRunningConfig(bgpd),
    readAddresses({ device: loopbackDevice }),
    readLocalTable(config),
    portGuard?.read(),
  ])
  const isHost = (family: string, length: number) => length === (family === 'ipv6' ? 128 : 32)
  const onLoopback = addresses
    .filter((entry) => isHost(entry.family, entry.prefixLength))
    .flatMap((entry) => ownedAddress(entry.address, config) ?? [])
  const visible = new Set(onLoopback)
  return {
    addresses: new Set([...onLoopback, ...routes.ours]),
    localRoutes: new Set(routes.ours.filter((address) => !visible.has(address))),
    unrouted: new Set(onLoopback.filter((address) => !routes.all.has(address))),
    guard,
    ...readBgp(running, config),
  }
}

/** Which service addresses are in the kernel's local table: those with the agent's mark, and all. */
async function readLocalTable(config: AgentConfig): Promise<{ ours: string[]; all: Set<string> }> {
  const read = (family: 'ipv4' | 'ipv6') => readRoutes({ family, table: 'local' })
  const ours: string[] = []
  const all = new Set<string>()
  for (const { destination, type, protocol } of (await Promise.all([read('ipv4'), read('ipv6')])).flat()) {
    const address = type === 'local' ? ownedAddress(destination.replace(/\/\d+$/, ''), config) : undefined
    if (address === undefined) continue
    all.add(address)
    if (protocol === localRouteProtocol) ours.push(address)
  }
  return { ours, all }
}

/** Reads the BGP part of a running configuration. */
export function readBgp(
  running: string,
  config: AgentConfig,
): Omit<ActualState, 'addresses' | 'localRoutes' | 'unrouted' | 'guard'> {
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
    asn: Number(/^router bgp (\d+)/.exec(instance.line)?.[1]),
    networks: readNetworks(instance, config),
    routeMaps: new Set(tree.flatMap((block) => /^route-map (\S+) /.exec(block.line)?.[1] ?? [])),
    hasImportCheck: !instance.children.some((child) => child.line === 'no bgp network import-check'),
    hasRouterId: instance.children.some((child) => child.line.startsWith('bgp router-id ')),
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
