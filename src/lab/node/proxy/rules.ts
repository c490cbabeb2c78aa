import type { Family } from '../../../net/address.ts'
import { formatAddress, parseAddress } from '../../../net/address.ts'
import { assignBuckets, bucketCount } from './affinity.ts'
import type { Backend, Frontend, ProxiedPort } from './service-ports.ts'

/*
 * Service ports as one nftables ruleset, applied as a whole: the kernel swaps old for new between two packets, and
 * connections that are already tracked keep the endpoint they have.
 *
 * A packet costs one map lookup, whatever the number of Services: (address, protocol, port) leads to the chain of its
 * Service port, whose single rule picks an endpoint and translates. Three things can be done to a connection:
 *
 * - translated only: from a pod of this node (its answers pass here anyway) and external traffic with policy Local,
 *   whose endpoint sees the client's own address;
 * - translated and sent from the node's loopback: everything else, because the answer must come back through this
 *   node to be translated back. The address is named explicitly: links are unnumbered and VIPs sit on lo, so
 *   `masquerade` would have to guess, and could pick the VIP;
 * - refused (no endpoint: a reset or an ICMP error, so that clients fail at once) or dropped (policy Local and no
 *   endpoint here: the route is about to move, and a retry may reach a node that has one).
 */

const proxyTable = 'weft-proxy'
const sourceNatMark = '0x00004000'

export interface ProxyRulesInput {
  ports: readonly ProxiedPort[]
  /** The node's loopbacks; the first of each family is what translated connections are sent from. */
  nodeAddresses: readonly string[]
  /** Where this node's pods live. */
  podCidrs: readonly string[]
}

/** The nftables text that replaces this node's whole Service table in one transaction. */
export function renderProxyRules({ ports, nodeAddresses, podCidrs }: ProxyRulesInput): string {
  const families = ([4, 6] as const).map((family) => familyRules(family, ports, nodeAddresses, podCidrs))
  const body = [
    ...families.flatMap((rules) => rules.sets),
    ...chain('refuse', ['meta l4proto tcp reject with tcp reset', 'reject with icmpx port-unreachable']),
    ...chain('discard', ['drop']),
    ...families.flatMap((rules) => rules.chains),
    // Before destination NAT, so that the address the client asked for is still there to be looked up.
    ...chain('check-forwarded', [
      'type filter hook prerouting priority -110',
      ...families.map((rules) => `ct state new ${rules.destination} vmap @refused-${rules.family}`),
    ]),
    ...chain('check-own', [
      'type filter hook output priority -110',
      ...families.map((rules) => `ct state new ${rules.destination} vmap @refused-${rules.family}`),
    ]),
    ...chain('translate-forwarded', [
      'type nat hook prerouting priority -100',
      ...families.map((rules) => `${rules.destination} vmap @services-${rules.family}`),
    ]),
    ...chain('translate-own', [
      'type nat hook output priority -100',
      ...families.map((rules) => `${rules.destination} vmap @services-${rules.family}`),
    ]),
    ...chain('send-from-node', [
      'type nat hook postrouting priority 100',
      ...families.flatMap((rules) => rules.sourceNat),
    ]),
  ]
  return [
    // Declared first, so that the deletion also works the first time.
    `table inet ${proxyTable}`,
    `delete table inet ${proxyTable}`,
    `table inet ${proxyTable} {`,
    ...body.map((line) => `  ${line}`),
    '}',
    '',
  ].join('\n')
}

interface FamilyRules {
  family: Family
  destination: string
  sets: string[]
  chains: string[]
  sourceNat: string[]
}

function familyRules(
  family: Family,
  allPorts: readonly ProxiedPort[],
  nodeAddresses: readonly string[],
  podCidrs: readonly string[],
): FamilyRules {
  const ports = allPorts.filter((port) => port.family === family)
  const ip = family === 4 ? 'ip' : 'ip6'
  const type = family === 4 ? 'ipv4_addr' : 'ipv6_addr'
  const pods = podCidrs.filter((cidr) => cidr.includes(':') === (family === 6))
  const nodeAddress = nodeAddresses.find((address) => address.includes(':') === (family === 6))
  const services: string[] = []
  const refused: string[] = []
  const chains: string[] = []
  for (const port of ports) {
    for (const frontend of port.frontends) {
      const element = `${frontend.address} . ${port.protocol} . ${frontend.port} :`
      const outcome = outcomeOf(port, frontend)
      if (outcome === 'forward') services.push(`${element} goto ${chainName(port, frontend)}`)
      else refused.push(`${element} goto ${outcome}`)
    }
    chains.push(...portChains(port, ip, pods))
  }
  const destination = `${ip} daddr . meta l4proto . th dport`
  const localBackends = [...new Set(ports.flatMap((port) => port.local.map((backend) => backend.address)))]
  const source = nodeAddress === undefined ? 'masquerade' : `snat ${ip} to ${bare(nodeAddress)}`
  return {
    family,
    destination,
    sets: [
      ...set('map', `services-${family}`, `${type} . inet_proto . inet_service : verdict`, services),
      ...set('map', `refused-${family}`, `${type} . inet_proto . inet_service : verdict`, refused),
      ...set(
        'set',
        `to-itself-${family}`,
        `${type} . ${type}`,
        localBackends.map((address) => `${address} . ${address}`),
      ),
    ],
    chains,
    sourceNat: [
      `meta nfproto ipv${family} meta mark & ${sourceNatMark} == ${sourceNatMark} meta mark set meta mark & 0xffffbfff ${source} fully-random`,
      // A pod that reached itself through a Service would discard a packet from its own address.
      `ct status dnat ${ip} saddr . ${ip} daddr @to-itself-${family} ${source} fully-random`,
    ],
  }
}

function outcomeOf(port: ProxiedPort, frontend: Frontend): 'forward' | 'refuse' | 'discard' {
  if (port.anywhere.length === 0 && port.local.length === 0) return 'refuse'
  // External traffic to a Local Service is sorted in its chain: pods of this node may still go anywhere.
  if (frontend.localOnly && frontend.reach === 'internal' && port.local.length === 0) return 'discard'
  return 'forward'
}

/** The chains one Service port needs: what to do with each kind of traffic, and the choice of an endpoint. */
function portChains(port: ProxiedPort, ip: string, pods: readonly string[]): string[] {
  const forwarded = port.frontends.filter((frontend) => outcomeOf(port, frontend) === 'forward')
  const entries = new Map(forwarded.map((frontend) => [chainName(port, frontend), frontend]))
  const anywhere = endpointChain(port, 'any')
  const local = endpointChain(port, 'local')
  const lines: string[] = []
  for (const [name, frontend] of entries) lines.push(...chain(name, entryRules(frontend)))
  const targets = lines.join('\n')
  return [
    ...(targets.includes(`goto ${anywhere}`) ? chain(anywhere, choose(port, port.anywhere, ip)) : []),
    ...(targets.includes(`goto ${local}`) ? chain(local, choose(port, port.local, ip)) : []),
    ...lines,
  ]

  function entryRules(frontend: Frontend): string[] {
    const mark = `meta mark set meta mark | ${sourceNatMark}`
    const fromPods = pods.length === 0 ? null : `${ip} saddr { ${pods.join(', ')} }`
    if (!frontend.localOnly) {
      return [
        fromPods === null ? mark : `${fromPods.replace('saddr', 'saddr !=')} ${mark}`,
        `goto ${anywhere}`,
      ]
    }
    const toLocal = port.local.length === 0 ? 'drop' : `goto ${local}`
    if (frontend.reach === 'internal') {
      return [fromPods === null ? mark : `${fromPods.replace('saddr', 'saddr !=')} ${mark}`, toLocal]
    }
    // From inside, a Local address is a detour to what the cluster IP offers: nothing is gained by staying here.
    return [
      ...(fromPods === null ? [] : [`${fromPods} goto ${anywhere}`]),
      `fib saddr type local ${mark} goto ${anywhere}`,
      toLocal,
    ]
  }
}

/** One rule that picks an endpoint: at random, or by the client's address where clients are to stay with theirs. */
function choose(port: ProxiedPort, backends: readonly Backend[], ip: string): string[] {
  const targets = backends.map((backend) => `${backend.address} . ${backend.port}`)
  const rule = `meta l4proto ${port.protocol} dnat ${ip} to`
  if (!port.hasClientAffinity) {
    return [`${rule} numgen random mod ${targets.length} map ${elements(targets)}`]
  }
  return [
    `${rule} jhash ${ip} saddr mod ${bucketCount} seed 0x77656674 map ${elements(assignBuckets(targets))}`,
  ]
}

function elements(targets: readonly string[]): string {
  return `{ ${targets.map((target, index) => `${index} : ${target}`).join(', ')} }`
}

function chainName(port: ProxiedPort, frontend: Frontend): string {
  const kind = `${frontend.reach === 'internal' ? 'in' : 'ex'}${frontend.localOnly ? '-local' : ''}`
  return `${kind}/${portName(port, frontend.port)}`
}

function endpointChain(port: ProxiedPort, kind: 'any' | 'local'): string {
  return `${kind}/${portName(port, port.frontends[0]?.port ?? 0)}`
}

/** The kernel takes 127 characters; longer names keep their beginning and end in a checksum. */
function portName(port: ProxiedPort, number: number): string {
  const name = `${port.service}/${port.protocol}/${number}/ip${port.family}`
  if (name.length <= 110) return name
  let checksum = 0x811c9dc5
  for (const character of name) checksum = Math.imul(checksum ^ character.charCodeAt(0), 0x01000193) >>> 0
  return `${name.slice(0, 100)}.${checksum.toString(16)}`
}

function bare(address: string): string {
  const parsed = parseAddress(address.split('/')[0] ?? '')
  return parsed === null ? address : formatAddress(parsed)
}

function set(kind: 'map' | 'set', name: string, type: string, items: readonly string[]): string[] {
  const list = items.length === 0 ? [] : [`  elements = { ${items.join(', ')} }`]
  return [`${kind} ${name} {`, `  type ${type}`, ...list, '}']
}

function chain(name: string, rules: readonly string[]): string[] {
  return [`chain ${name} {`, ...rules.map((rule) => `  ${rule}`), '}']
}
