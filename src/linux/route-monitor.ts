import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../diagnostics/error.ts'
import type { Family, NextHop } from './ip.ts'
import { inNamespace } from './namespace.ts'

/*
 * The kernel's own account of its routing table, as it changes: `ip monitor route` in a namespace.
 *
 * This is what "the route is in the FIB" means: FRR's own show commands can be wrong about the kernel. The monitor is
 * a trigger and a clock. Netlink drops messages when a reader is slow, so whoever needs the truth lists the table
 * again after an event. When the process ends by itself, `onEnd` is called and the owner starts another.
 */

export interface RouteEvent {
  kind: 'set' | 'deleted'
  family: Family
  /** `default`, or a prefix; a host route always carries its /32 or /128. */
  destination: string
  protocol: string
  table: string
  nextHops: NextHop[]
  /** When the monitor read it: milliseconds since the epoch, with microseconds as the fraction. */
  atMs: number
}

export interface RouteMonitorOptions {
  namespace?: string
  /** Only routes out of this device. */
  device?: string
  onRoute: (event: RouteEvent) => void
  onEnd?: (error: WeftError) => void
}

export interface RouteMonitor {
  stop(): void
}

/** Starts watching; resolves when the kernel has the subscription, so that no later change can be missed. */
export async function watchRoutes(options: RouteMonitorOptions): Promise<RouteMonitor> {
  const { namespace, device } = options
  const [command, ...args] = inNamespace(namespace, [
    'ip',
    '-oneline',
    '-tshort',
    'monitor',
    'route',
    ...(device === undefined ? [] : ['dev', device]),
  ])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let isStopped = false
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = parseRouteEvent(line)
    if (event !== undefined) options.onRoute(event)
  })
  const ended = new Promise<never>((_, reject) => {
    const fail = (why: string) => {
      const error = new WeftError('WEFT_ROUTE_MONITOR', `"ip monitor route" ended: ${stderr.trim() || why}`, {
        exitCode: 3,
      })
      if (!isStopped) options.onEnd?.(error)
      reject(error)
    }
    child.on('error', (cause) => fail(cause.message))
    child.on('close', (code, signal) => fail(`exit code ${code ?? signal}`))
  })
  ended.catch(() => {})
  await Promise.race([untilSubscribed(child), ended])
  return {
    stop() {
      isStopped = true
      child.kill()
    },
  }
}

/** Reads one line of `ip -oneline -tshort monitor route`; undefined for anything that is not a route. */
export function parseRouteEvent(line: string): RouteEvent | undefined {
  const found =
    /^\[(\S+)\] (?:\[\S+\])?(Deleted )?(?:(local|unicast|blackhole|unreachable|broadcast|multicast) )?(.*)$/.exec(
      line,
    )
  if (found === null) return undefined
  const [head = '', ...hops] = (found[4] ?? '').split('\\').map((part) => part.trim())
  const [destination, ...words] = head.split(/\s+/)
  if (destination === undefined || !/^(default|[0-9a-f.:]+(\/\d+)?)$/i.test(destination)) return undefined
  const multipath = hops.filter((hop) => hop.startsWith('nexthop '))
  const family: Family =
    destination.includes(':') || (destination === 'default' && /\bvia [0-9a-f]*:/.test(found[4] ?? ''))
      ? 'ipv6'
      : 'ipv4'
  return {
    kind: found[2] === undefined ? 'set' : 'deleted',
    family,
    destination:
      destination === 'default' || destination.includes('/')
        ? destination
        : `${destination}/${family === 'ipv6' ? 128 : 32}`,
    protocol: valueAfter(words, 'proto') ?? 'unspec',
    table: valueAfter(words, 'table') ?? 'main',
    nextHops: (multipath.length > 0 ? multipath.map((hop) => hop.split(/\s+/)) : [words]).flatMap(
      parseNextHop,
    ),
    atMs: parseTimestamp(found[1] ?? ''),
  }
}

function parseNextHop(words: string[]): NextHop[] {
  const device = valueAfter(words, 'dev')
  const via = valueAfter(words, 'via')
  const gateway = via === 'inet6' || via === 'inet' ? valueAfter(words, via) : via
  if (device === undefined && gateway === undefined) return []
  return [
    {
      weight: Number(valueAfter(words, 'weight') ?? 1),
      ...(device === undefined ? {} : { device }),
      ...(gateway === undefined ? {} : { gateway }),
    },
  ]
}

function valueAfter(words: string[], key: string): string | undefined {
  const index = words.indexOf(key)
  return index < 0 ? undefined : words[index + 1]
}

/** Reads local time as iproute2 prints it as epoch milliseconds; Date keeps only the first three of its six digits. */
export function parseTimestamp(text: string): number {
  const microseconds = Number(/\.\d{3}(\d{3})/.exec(text)?.[1] ?? 0)
  return Date.parse(text.replace(/(\.\d{3})\d+/, '$1')) + microseconds / 1000
}

/** `ip monitor` says nothing when it is ready, but its netlink socket with multicast groups shows in /proc. */
export async function untilSubscribed(child: ChildProcessByStdio<null, Readable, Readable>): Promise<void> {
  const deadline = Date.now() + 5_000
  for (;;) {
    const sockets = await readFile(`/proc/${child.pid}/net/netlink`, 'utf8').catch(() => '')
    const isSubscribed = sockets.split('\n').some((row) => {
      const [, protocol, pid, groups] = row.trim().split(/\s+/)
      return protocol === '0' && pid === String(child.pid) && groups !== '00000000'
    })
    if (isSubscribed) return
    if (Date.now() > deadline) {
      child.kill()
      throw new WeftError('WEFT_ROUTE_MONITOR', '"ip monitor" did not subscribe within 5 s', {
        exitCode: 3,
      })
    }
    await delay(1)
  }
}
