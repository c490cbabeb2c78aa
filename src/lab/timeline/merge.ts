import type { Plan } from '../../plan/model.ts'
import { type CableEnd, cablesOf } from '../probe/hosts.ts'
import type { KernelEvent } from './kernel-lines.ts'
import type { LogEvent } from './log-lines.ts'
import type { TimelineEvent } from './model.ts'

/** What one device said and what its kernel did. */
export interface DeviceEvents {
  device: string
  said: readonly LogEvent[]
  kernel: readonly KernelEvent[]
  /** Interfaces by index. */
  interfaces: ReadonlyMap<number, string>
}

/** More neighbours than this are counted instead of named. */
const namedHops = 4

/** Puts the events of all devices in order, in the plan's names. Pure. */
export function mergeEvents(plan: Plan, devices: readonly DeviceEvents[], zeroAt: number): TimelineEvent[] {
  const names = new Names(plan)
  return devices
    .flatMap((device) => [
      ...device.said.map((event) => ({
        ...event,
        device: device.device,
        // Sessions are with a device; decisions are about a prefix, which stays as it is.
        subject: names.neighbor(device.device, event.subject),
      })),
      ...kernelEvents(device, names),
    ])
    .map(
      ({ atMs, device, source, subject, text }): TimelineEvent => ({
        atMs: atMs - zeroAt,
        device,
        source,
        subject,
        text,
      }),
    )
    .sort((a, b) => a.atMs - b.atMs)
}

function kernelEvents({ device, kernel, interfaces }: DeviceEvents, names: Names): TimelineEvent[] {
  const isUp = new Map<string, boolean>()
  return kernel.flatMap((event): TimelineEvent[] => {
    if (event.kind === 'route') {
      const hops = event.interfaces.map((name) => names.neighbor(device, nameOf(name, interfaces)))
      return [
        {
          atMs: event.atMs,
          device,
          source: 'fib',
          subject: event.prefix,
          text: describeRoute(event.isDeleted, hops),
        },
      ]
    }
    // The kernel repeats itself: a link is up until it is said not to be. Pods' interfaces come and go, and are no links.
    const wasUp = isUp.get(event.interface) ?? true
    if (wasUp === event.isUp || !names.isLink(device, event.interface)) return []
    isUp.set(event.interface, event.isUp)
    const subject = names.neighbor(device, event.interface)
    return [{ atMs: event.atMs, device, source: 'link', subject, text: event.isUp ? 'up' : 'down' }]
  })
}

function describeRoute(isDeleted: boolean, hops: readonly string[]): string {
  if (isDeleted) return 'withdrawn'
  if (hops.length === 0) return 'discarded'
  return hops.length > namedHops ? `via ${hops.length} next hops` : `via ${[...hops].sort().join(', ')}`
}

function nameOf(name: string, interfaces: ReadonlyMap<number, string>): string {
  const index = /^if(\d+)$/.exec(name)?.[1]
  return index === undefined ? name : (interfaces.get(Number(index)) ?? name)
}

/** Says devices where FRR and kernels say interfaces and addresses. */
class Names {
  readonly #cables: Map<string, CableEnd>
  readonly #byAddress = new Map<string, string>()

  constructor(plan: Plan) {
    this.#cables = cablesOf(plan)
    for (const { a, b } of plan.sessions) {
      if (a.neighborAddress !== null) this.#byAddress.set(`${a.device}/${a.neighborAddress}`, b.device)
      if (b.neighborAddress !== null) this.#byAddress.set(`${b.device}/${b.neighborAddress}`, a.device)
    }
  }

  isLink(device: string, name: string): boolean {
    return this.#cables.has(`${device}/${name}`)
  }

  /** The device at the other end; what is none is left as it is. */
  neighbor(device: string, name: string): string {
    const key = `${device}/${name}`
    return this.#cables.get(key)?.device ?? this.#byAddress.get(key) ?? name
  }
}
