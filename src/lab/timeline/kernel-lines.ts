import { parseRouteEvent, parseTimestamp } from '../../linux/route-monitor.ts'

/** What a kernel said about a change, before names are put to numbers. */
export type KernelEvent =
  | { kind: 'link'; namespace: number; atMs: number; interface: string; isUp: boolean }
  | {
      kind: 'route'
      namespace: number
      atMs: number
      prefix: string
      isDeleted: boolean
      /** Interfaces of its next hops; those of other namespaces come as `if<index>`. */
      interfaces: string[]
    }

/** Reads a line of `ip -oneline -tshort monitor all-nsid link route`; undefined for what is of no interest. */
export function parseKernelLine(line: string): KernelEvent | undefined {
  const found = /^\[(\S+)\] \[nsid (\d+)\](?:\[\S+\])?(.*)$/.exec(line)
  if (found === null) return undefined
  const [, time = '', number, rest = ''] = found
  const namespace = Number(number)
  const link = /^\d+: ([^:@\s]+)(?:@\S+)?: <([^>]*)>/.exec(rest.trim())
  if (link !== null) {
    const [, name = '', flags = ''] = link
    return {
      kind: 'link',
      namespace,
      atMs: parseTimestamp(time),
      interface: name,
      isUp: flags.split(',').includes('LOWER_UP'),
    }
  }
  const route = parseRouteEvent(`[${time}] ${rest.trim()}`)
  // What the kernel does by itself for addresses is no routing decision, and neither is its multicast.
  if (route === undefined || route.protocol === 'kernel' || /^(fe80|ff)/i.test(route.destination))
    return undefined
  const anywhere = route.family === 'ipv6' ? '::/0' : '0.0.0.0/0'
  return {
    kind: 'route',
    namespace,
    atMs: route.atMs,
    prefix: route.destination === 'default' ? anywhere : route.destination,
    isDeleted: route.kind === 'deleted',
    interfaces: route.nextHops.flatMap(({ device }) => (device === undefined ? [] : [device])),
  }
}
