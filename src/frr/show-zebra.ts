import type { VtyReader } from './daemon.ts'
import type { BgpFamily } from './show-bgp.ts'
import { asArray, asNumber, asRecord, asText, type Json, showJson } from './show-json.ts'

interface RibNextHop {
  gateway?: string
  interface?: string
  isActive: boolean
  /** zebra's belief that the kernel has it. After a link flap 8.4 can be wrong: only `ip route` knows. */
  isInFib: boolean
  weight: number
}

export interface RibRoute {
  prefix: string
  protocol: string
  isSelected: boolean
  isInstalled: boolean
  distance: number
  metric: number
  nextHops: RibNextHop[]
}

export interface FrrInterface {
  name: string
  isUp: boolean
  vrf: string
  addresses: string[]
}

/** zebra's routing table of a family; 320 ms of zebra's time at 10,000 routes. */
export async function readRib(zebra: VtyReader, family: BgpFamily): Promise<RibRoute[]> {
  const command = family === 'ipv4' ? 'show ip route json' : 'show ipv6 route json'
  const raw = asRecord(await showJson(zebra, command, { timeoutMs: 60_000 }))
  return Object.values(raw).flatMap((routes) => asArray(routes).map((route) => parseRoute(asRecord(route))))
}

/** Interfaces as zebra sees them. */
export async function readInterfaces(zebra: VtyReader): Promise<FrrInterface[]> {
  const raw = asRecord(await showJson(zebra, 'show interface brief json'))
  return Object.entries(raw).map(([name, value]) => {
    const entry = asRecord(value)
    return {
      name,
      isUp: entry.status === 'up',
      vrf: asText(entry.vrfName),
      // 8.4 lists plain prefixes, later releases may wrap each in an object.
      addresses: asArray(entry.addresses).map(
        (address) => asText(address) || asText(asRecord(address).address),
      ),
    }
  })
}

function parseRoute(raw: Json): RibRoute {
  return {
    prefix: asText(raw.prefix),
    protocol: asText(raw.protocol),
    isSelected: raw.selected === true,
    isInstalled: raw.installed === true,
    distance: asNumber(raw.distance),
    metric: asNumber(raw.metric),
    nextHops: asArray(raw.nexthops).map((hop) => parseNextHop(asRecord(hop))),
  }
}

function parseNextHop(raw: Json): RibNextHop {
  return {
    ...(raw.ip === undefined ? {} : { gateway: asText(raw.ip) }),
    ...(raw.interfaceName === undefined ? {} : { interface: asText(raw.interfaceName) }),
    isActive: raw.active === true,
    isInFib: raw.fib === true,
    weight: asNumber(raw.weight ?? 1),
  }
}
