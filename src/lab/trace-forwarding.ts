import { inNamespace } from '../linux/namespace.ts'
import { contains, parsePrefix } from '../net/prefix.ts'
import type { Plan } from '../plan/model.ts'
import type { ExpectedTables } from '../verify/simulate/expected-routes.ts'
import { forEachLimited } from './concurrency.ts'
import { namespaceOf } from './names.ts'
import { cablesOf, familyOf } from './probe/hosts.ts'
import { ShellPool } from './shells.ts'

/** What a device does with packets to an address. */
export type Hop =
  | { kind: 'forwards'; next: { device: string; weight: number }[] }
  /** It is the device's own, or a pod's. */
  | { kind: 'delivers' }
  | { kind: 'drops' }

/** Device → what it does, for all devices that packets come to. */
export type Forwarding = Map<string, Hop>

/** Whether the plan says who has an address; those of Services are given out by agents. */
export function isPlaced(plan: Plan, address: string): boolean {
  const inner = hostPrefixOf(address)
  const pools = [...plan.globalServices, ...plan.sites.flatMap(({ services }) => services)]
  const isPlannedService = plan.devices.some(({ vips }) => vips.some((vip) => vip.split('/')[0] === address))
  return isPlannedService || !pools.some(({ prefix }) => contains(parsePrefix(prefix), inner))
}

/** What the plan's tables do with packets to an address, from a device to wherever they may come. */
export function plannedForwarding(tables: ExpectedTables, from: string, address: string): Forwarding {
  const inner = hostPrefixOf(address)
  const forwarding: Forwarding = new Map()
  const waiting = [from]
  for (let device = waiting.pop(); device !== undefined; device = waiting.pop()) {
    if (forwarding.has(device)) continue
    const [best] = [...(tables.get(device) ?? [])]
      .map(([prefix, route]) => ({ prefix: parsePrefix(prefix), route }))
      .filter(({ prefix }) => contains(prefix, inner))
      .sort((a, b) => b.prefix.length - a.prefix.length)
    const hop: Hop =
      best === undefined || best.route.discard
        ? { kind: 'drops' }
        : best.route.local
          ? { kind: 'delivers' }
          : {
              kind: 'forwards',
              next: best.route.nextHops.map((next) => ({ device: next.device, weight: 1 })),
            }
    forwarding.set(device, hop)
    if (hop.kind === 'forwards') waiting.push(...hop.next.map((next) => next.device))
  }
  return forwarding
}

function hostPrefixOf(address: string) {
  return parsePrefix(`${address}/${familyOf(address) === 'ipv6' ? 128 : 32}`)
}

/** What the kernels of a lab do with packets to an address, from a host to wherever they may come. */
export async function readForwarding(
  lab: { name: string; plan: Plan },
  from: string,
  address: string,
): Promise<Forwarding> {
  const cables = cablesOf(lab.plan)
  const shells = new ShellPool(4, { env: process.env })
  const forwarding: Forwarding = new Map()
  try {
    for (let level = [from]; level.length > 0; ) {
      const next = new Set<string>()
      await forEachLimited(level, 4, async (device) => {
        const hop = await readHop(
          shells,
          lab.name,
          device,
          address,
          (name) => cables.get(`${device}/${name}`)?.device,
        )
        forwarding.set(device, hop)
        if (hop.kind === 'forwards') for (const { device: name } of hop.next) next.add(name)
      })
      level = [...next].filter((device) => !forwarding.has(device))
    }
    return forwarding
  } finally {
    shells.close()
  }
}

interface RawRoute {
  type?: string
  dev?: string
  nexthops?: { dev: string; weight?: number }[]
}

async function readHop(
  shells: ShellPool,
  lab: string,
  device: string,
  address: string,
  neighborAt: (interfaceName: string) => string | undefined,
): Promise<Hop> {
  const flag = familyOf(address) === 'ipv6' ? '-6' : '-4'
  const argv = inNamespace(namespaceOf(lab, device), [
    'ip',
    flag,
    '-json',
    'route',
    'get',
    'fibmatch',
    address,
  ])
  // No route at all is a refusal, with a reason instead of a list.
  const said = await shells.run(`${argv.join(' ')} || true`)
  if (!said.startsWith('[')) return { kind: 'drops' }
  const [route] = JSON.parse(said) as RawRoute[]
  if (route === undefined || ['blackhole', 'unreachable', 'prohibit'].includes(route.type ?? ''))
    return { kind: 'drops' }
  const hops = route.nexthops ?? (route.dev === undefined ? [] : [{ dev: route.dev }])
  const next = hops.flatMap(({ dev, weight }) => {
    const neighbor = neighborAt(dev)
    return neighbor === undefined ? [] : [{ device: neighbor, weight: weight ?? 1 }]
  })
  return route.type === 'local' || next.length === 0 ? { kind: 'delivers' } : { kind: 'forwards', next }
}

/** Every way through, with the share of flows that a perfect hash would give it; loops are cut where they close. */
export function listPaths(
  forwarding: Forwarding,
  from: string,
): { devices: string[]; ideal: number; isDelivered: boolean }[] {
  const found: { devices: string[]; ideal: number; isDelivered: boolean }[] = []
  const walk = (devices: string[], ideal: number) => {
    const hop = forwarding.get(devices.at(-1) as string)
    if (hop?.kind !== 'forwards') {
      found.push({ devices, ideal, isDelivered: hop?.kind === 'delivers' })
      return
    }
    const total = hop.next.reduce((sum, { weight }) => sum + weight, 0)
    for (const { device, weight } of hop.next) {
      const share = (ideal * weight) / total
      if (devices.includes(device))
        found.push({ devices: [...devices, device], ideal: share, isDelivered: false })
      else walk([...devices, device], share)
    }
  }
  walk([from], 1)
  return found
}
