import type { Link, Plan } from '../../plan/model.ts'
import type { ActiveFault, Death, FaultSpec } from './model.ts'
import { controlPlaneOf, endsFrom, requireCluster, requireLink, touchedBy } from './targets.ts'

/*
 * What a set of faults does to the machine: a pure function of plan, faults and time.
 *
 * Faults compose because nothing is ever undone step by step. A port is down as long as some fault wants it down, a
 * daemon is dead as long as some fault wants it dead; whoever injects or heals computes this anew and makes the machine
 * agree. The order in which faults come and go therefore cannot matter.
 */

export interface DeviceEffects {
  downPorts: Set<string>
  /** Packets dropped as they arrive. */
  drops: PortDrop[]
  /** Egress limit of each port. */
  rates: Map<string, number>
  /** Ports that send no segment larger than a packet, so that a packet's size can be judged. */
  unsegmentedPorts: Set<string>
  /** Nothing runs in it. */
  isOff: boolean
  /** Daemons and processes that do not run as they should; `isOff` goes before. */
  processes: Map<string, ProcessState>
  /** Prefixes it announces without being allowed to. */
  announcements: Set<string>
}

export interface PortDrop {
  port: string
  /** Id of the fault, which the rule carries as its comment. */
  fault: string
  /** nftables expression; empty for every packet. */
  match: string
}

export type ProcessState = 'killed' | 'terminated' | 'stopped'

export interface ApiEffects {
  device: string
  isUnreachable: boolean
  isErroring: boolean
  delayMilliseconds: number
}

export interface UnreadyPod {
  cluster: string
  namespace: string
  pod: string
}

export interface Effects {
  devices: Map<string, DeviceEffects>
  /** By cluster. */
  apis: Map<string, ApiEffects>
  unreadyPods: UnreadyPod[]
}

export type FlapFault = ActiveFault & { spec: { kind: 'flap' } }

/** When: a moment, for faults that come and go by themselves, or `ever`: everything that they touch at some time. */
export type Moment = number | 'ever'

/** What the given faults, all of them together, do at a moment (milliseconds since 1970). */
export function effectsOf(plan: Plan, faults: readonly ActiveFault[], at: Moment): Effects {
  const effects: Effects = { devices: new Map(), apis: new Map(), unreadyPods: [] }
  for (const fault of faults) addFault(plan, effects, fault, at)
  return effects
}

/** Whether a flapping link is down at a moment: it begins with being down. */
export function isFlappedDown(fault: FlapFault, at: number): boolean {
  const { downMilliseconds, upMilliseconds, count } = fault.spec
  const elapsed = at - Date.parse(fault.since)
  const period = downMilliseconds + upMilliseconds
  return elapsed >= 0 && elapsed < period * count && elapsed % period < downMilliseconds
}

/** When a flapping link next changes after a moment; null when it has come to its end. */
export function nextFlap(fault: FlapFault, after: number): number | null {
  const { downMilliseconds, upMilliseconds, count } = fault.spec
  const start = Date.parse(fault.since)
  const period = downMilliseconds + upMilliseconds
  const round = Math.max(0, Math.floor((after - start) / period))
  const edges = [0, downMilliseconds, period, period + downMilliseconds].map(
    (ms) => start + round * period + ms,
  )
  // The last one comes up and stays so: nothing is waited for after it.
  return edges.find((edge) => edge > after && edge < start + period * count) ?? null
}

/** Whether a fault is a flapping link. */
export function isFlap(fault: ActiveFault): fault is FlapFault {
  return fault.spec.kind === 'flap'
}

function addFault(plan: Plan, effects: Effects, fault: ActiveFault, at: Moment): void {
  const { spec, id } = fault
  switch (spec.kind) {
    case 'carrier': {
      const link = requireLink(plan, spec.link)
      const ends = spec.end === undefined ? [link.a, link.b] : [endsFrom(link, spec.end)[0]]
      for (const { device, interface: port } of ends) of(effects, device).downPorts.add(port)
      return
    }
    case 'flap':
      if (at === 'ever' || (isFlap(fault) && isFlappedDown(fault, at)))
        cutCarrier(effects, requireLink(plan, spec.link))
      return
    case 'silent':
      for (const match of trafficMatches[spec.traffic ?? 'all'])
        dropOn(effects, requireLink(plan, spec.link), spec.from, id, match)
      return
    case 'loss':
      dropOn(effects, requireLink(plan, spec.link), spec.from, id, lossMatch(spec.percent))
      return
    case 'mtu': {
      const link = requireLink(plan, spec.link)
      dropOn(effects, link, undefined, id, `meta length > ${spec.bytes}`)
      for (const { device, interface: port } of [link.a, link.b])
        of(effects, device).unsegmentedPorts.add(port)
      return
    }
    case 'rate': {
      const link = requireLink(plan, spec.link)
      const ends = spec.from === undefined ? [link.a, link.b] : [endsFrom(link, spec.from)[0]]
      for (const { device, interface: port } of ends) {
        const { rates } = of(effects, device)
        rates.set(port, Math.min(rates.get(port) ?? Number.POSITIVE_INFINITY, spec.kilobitsPerSecond))
      }
      return
    }
    case 'daemon':
      addDaemon(effects, spec)
      return
    case 'device':
    case 'rack':
    case 'tier':
      for (const device of touchedBy(plan, spec).devices) killDevice(plan, effects, device, spec.how, id)
      return
    case 'site':
      for (const link of touchedBy(plan, spec).links.map((name) => requireLink(plan, name))) {
        if (spec.how === 'carrier') cutCarrier(effects, link)
        else dropOn(effects, link, undefined, id, '')
      }
      return
    case 'api':
      addApi(plan, effects, spec)
      return
    case 'pod':
      if (spec.how === 'unready')
        effects.unreadyPods.push({ cluster: spec.cluster, namespace: spec.namespace, pod: spec.pod })
      return
    case 'announcement':
      of(effects, spec.device).announcements.add(spec.prefix)
  }
}

/** BFD for single hops and its echoes (RFC 5881 §4); BGP from either side's port (RFC 4271 §8). */
const trafficMatches = {
  all: [''],
  bfd: ['udp dport { 3784, 3785 }'],
  bgp: ['tcp dport 179', 'tcp sport 179'],
} as const

function lossMatch(percent: number): string {
  return `numgen random mod 100000 < ${Math.round(percent * 1000)}`
}

/** Drops what one end sends, or both, where it arrives. */
function dropOn(effects: Effects, link: Link, from: string | undefined, fault: string, match: string): void {
  const receivers = from === undefined ? [link.a, link.b] : [endsFrom(link, from)[1]]
  for (const { device, interface: port } of receivers) of(effects, device).drops.push({ port, fault, match })
}

function cutCarrier(effects: Effects, { a, b }: Link): void {
  for (const { device, interface: port } of [a, b]) of(effects, device).downPorts.add(port)
}

function killDevice(plan: Plan, effects: Effects, device: string, how: Death, fault: string): void {
  for (const link of plan.links.filter(({ a, b }) => a.device === device || b.device === device)) {
    if (how === 'carrier') cutCarrier(effects, link)
    else dropOn(effects, link, undefined, fault, '')
  }
  if (how === 'power') of(effects, device).isOff = true
}

const frrDaemons = ['zebra', 'bfdd', 'bgpd'] as const

function addDaemon(effects: Effects, spec: FaultSpec & { kind: 'daemon' }): void {
  const { processes } = of(effects, spec.device)
  const state = ({ kill: 'killed', restart: 'killed', terminate: 'terminated', stop: 'stopped' } as const)[
    spec.how
  ]
  for (const name of spec.daemon === 'frr' ? frrDaemons : [spec.daemon]) {
    const before = processes.get(name)
    // Dead is more than stopped.
    if (before === undefined || before === 'stopped') processes.set(name, state)
  }
}

function addApi(plan: Plan, effects: Effects, spec: FaultSpec & { kind: 'api' }): void {
  const cluster = requireCluster(plan, spec.cluster)
  const api = effects.apis.get(cluster.name) ?? {
    device: controlPlaneOf(cluster),
    isUnreachable: false,
    isErroring: false,
    delayMilliseconds: 0,
  }
  if (spec.how === 'unreachable') api.isUnreachable = true
  if (spec.how === 'erroring') api.isErroring = true
  if (spec.how === 'slow')
    api.delayMilliseconds = Math.max(api.delayMilliseconds, spec.delayMilliseconds ?? 1000)
  effects.apis.set(cluster.name, api)
}

function of({ devices }: Effects, device: string): DeviceEffects {
  let found = devices.get(device)
  if (found === undefined) {
    found = {
      downPorts: new Set(),
      drops: [],
      rates: new Map(),
      unsegmentedPorts: new Set(),
      isOff: false,
      processes: new Map(),
      announcements: new Set(),
    }
    devices.set(device, found)
  }
  return found
}
