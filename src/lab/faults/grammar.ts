import type { Death, FaultSpec } from './model.ts'

/*
 * The words that say what fails. One table, from which the command line has its commands, arguments and options, and
 * from which a sentence in a scenario is read: `link a--b silent from a bfd` and `weft lab fail link a--b --silent
 * --from a --bfd` are the same.
 */

export interface FaultGrammar {
  /** First word. */
  word: string
  summary: string
  arguments: readonly { name: string; summary: string; choices?: readonly string[] }[]
  options: readonly FaultOption[]
  /** What stands after `weft lab fail`. */
  example: string
  build(input: FaultInput): FaultSpec
}

export interface FaultOption {
  name: string
  /** Name of its value; absent for a word that stands alone. */
  value?: string
  summary: string
}

/** What was said: arguments in their order, and options; those that stand alone are `true`. */
export interface FaultInput {
  arguments: readonly string[]
  options: Readonly<Record<string, string | true | undefined>>
  /** Reads an option's value, or gives what it is when it was not said; refuses what cannot be read. */
  number(name: string, read: (text: string) => number | null, example: string, absent?: number): number
  /** Which of several options was said; they exclude each other. */
  one<T extends string>(names: readonly T[], absent: T): T
  /** Refuses options that mean nothing beside what else was said. */
  only(names: readonly string[], beside: string): void
}

const deathOptions: readonly FaultOption[] = [
  { name: 'power', summary: 'its links fall silent and everything in it dies (the default)' },
  { name: 'silent', summary: 'its links stay up and carry nothing; it runs on' },
  { name: 'carrier', summary: 'its links lose their carrier; it runs on' },
]

function deathOf(input: FaultInput): Death {
  return input.one(['power', 'silent', 'carrier'], 'power')
}

export const faultGrammar: readonly FaultGrammar[] = [
  {
    word: 'link',
    summary: 'A link: without carrier, silent, flapping, slow, lossy, or a black hole for large packets.',
    arguments: [{ name: 'link', summary: '<device>--<device>' }],
    options: [
      { name: 'carrier', summary: 'both ports are shut down (the default)' },
      { name: 'end', value: 'device', summary: 'with --carrier: the port of this device only' },
      { name: 'silent', summary: 'carrier stays, packets vanish' },
      { name: 'from', value: 'device', summary: 'only what this device sends' },
      { name: 'bfd', summary: 'with --silent: only BFD' },
      { name: 'bgp', summary: 'with --silent: only BGP' },
      { name: 'flap', value: 'count', summary: 'carrier goes and comes again, so many times' },
      { name: 'down', value: 'time', summary: 'with --flap: time without carrier, 500ms' },
      { name: 'up', value: 'time', summary: 'with --flap: time with carrier, 500ms' },
      { name: 'mtu', value: 'bytes', summary: 'larger packets vanish without an ICMP message' },
      { name: 'rate', value: 'rate', summary: 'no more than this, such as 10mbit' },
      { name: 'loss', value: 'percent', summary: 'this share of the packets vanishes, such as 1%' },
    ],
    example: 'link dc1-spine1--dc1-compute1-leaf1 --silent --from dc1-spine1 --bfd',
    build: buildLink,
  },
  {
    word: 'device',
    summary: 'A switch, router or node.',
    arguments: [{ name: 'device', summary: 'its name' }],
    options: deathOptions,
    example: 'device dc1-spine1 --power',
    build: (input) => ({ kind: 'device', device: input.arguments[0]!, how: deathOf(input) }),
  },
  {
    word: 'daemon',
    summary: 'A daemon of FRR, all of FRR, or the agent of a node.',
    arguments: [
      { name: 'device', summary: 'where it runs' },
      { name: 'daemon', summary: 'which', choices: ['bgpd', 'zebra', 'bfdd', 'frr', 'agent'] },
    ],
    options: [
      { name: 'kill', summary: 'SIGKILL (the default)' },
      { name: 'stop', summary: 'SIGSTOP: it is there and does nothing' },
      { name: 'terminate', summary: 'SIGTERM: it takes its routes away before it goes' },
      { name: 'restart', summary: 'SIGKILL, and started again at once' },
    ],
    example: 'daemon dc1-compute1-leaf1 bgpd --stop',
    build: (input) => ({
      kind: 'daemon',
      device: input.arguments[0]!,
      daemon: input.arguments[1] as 'bgpd',
      how: input.one(['kill', 'stop', 'terminate', 'restart'], 'kill'),
    }),
  },
  {
    word: 'rack',
    summary: 'A rack: its leaves and its nodes.',
    arguments: [{ name: 'rack', summary: '<site>-<rack>' }],
    options: deathOptions,
    example: 'rack dc1-compute1',
    build: (input) => ({ kind: 'rack', rack: input.arguments[0]!, how: deathOf(input) }),
  },
  {
    word: 'tier',
    summary: 'All devices of one role in a site.',
    arguments: [
      { name: 'site', summary: 'its name' },
      { name: 'role', summary: 'spine, super-spine, leaf, border, dci, edge or node' },
    ],
    options: deathOptions,
    example: 'tier dc1 spine',
    build: (input) => ({
      kind: 'tier',
      site: input.arguments[0]!,
      role: input.arguments[1]!,
      how: deathOf(input),
    }),
  },
  {
    word: 'site',
    summary: 'A site: cut off from the others, from the networks beyond the edge, or from all.',
    arguments: [{ name: 'site', summary: 'its name' }],
    options: [
      { name: 'dci', summary: 'from other sites only' },
      { name: 'edge', summary: 'from external networks only' },
      { name: 'silent', summary: 'links stay up and carry nothing (the default)' },
      { name: 'carrier', summary: 'links lose their carrier' },
    ],
    example: 'site dc1 --dci',
    build: (input) => ({
      kind: 'site',
      site: input.arguments[0]!,
      boundary: input.one(['all', 'dci', 'edge'], 'all'),
      how: input.one(['silent', 'carrier'], 'silent'),
    }),
  },
  {
    word: 'pod',
    summary: 'A pod of Kubernetes.',
    arguments: [
      { name: 'cluster', summary: 'its name, or its site' },
      { name: 'pod', summary: '<namespace>/<name>; without namespace: default' },
    ],
    options: [
      { name: 'delete', summary: 'it is deleted (the default)' },
      { name: 'unready', summary: 'it runs and is not ready' },
    ],
    example: 'pod dc1 default/web-0 --unready',
    build: buildPod,
  },
  {
    word: 'api',
    summary: 'The Kubernetes API of a cluster.',
    arguments: [{ name: 'cluster', summary: 'its name, or its site' }],
    options: [
      { name: 'unreachable', summary: 'nothing reaches it (the default)' },
      { name: 'slow', value: 'time', summary: 'every answer is late, such as 2s' },
      { name: 'erroring', summary: 'it answers every request with 503' },
    ],
    example: 'api dc1 --slow 2s',
    build: (input) => {
      const how = input.one(['unreachable', 'slow', 'erroring'], 'unreachable')
      const base = { kind: 'api', cluster: input.arguments[0]!, how } as const
      return how === 'slow' ? { ...base, delayMilliseconds: input.number('slow', readTime, '2s') } : base
    },
  },
  {
    word: 'announce',
    summary: 'A device announces a prefix that it may not.',
    arguments: [
      { name: 'device', summary: 'its name' },
      { name: 'prefix', summary: 'such as 10.0.0.0/8' },
    ],
    options: [],
    example: 'announce dc1-compute1-n1 10.0.0.0/8',
    build: (input) => ({ kind: 'announcement', device: input.arguments[0]!, prefix: input.arguments[1]! }),
  },
]

function buildLink(input: FaultInput): FaultSpec {
  const link = input.arguments[0]!
  const { from, end } = input.options
  const sender = typeof from === 'string' ? { from } : {}
  const isSilent = ['silent', 'bfd', 'bgp'].some((name) => input.options[name] !== undefined)
  const kind = input.one(
    ['carrier', 'silent', 'flap', 'mtu', 'rate', 'loss'],
    isSilent || from !== undefined ? 'silent' : 'carrier',
  )
  switch (kind) {
    case 'carrier':
      input.only(['carrier', 'end'], 'carrier')
      return { kind, link, ...(typeof end === 'string' ? { end } : {}) }
    case 'silent': {
      input.only(['silent', 'from', 'bfd', 'bgp'], 'silent')
      const traffic = input.one(['all', 'bfd', 'bgp'], 'all')
      return { kind, link, ...sender, ...(traffic === 'all' ? {} : { traffic }) }
    }
    case 'flap':
      input.only(['flap', 'down', 'up'], 'flap')
      return {
        kind,
        link,
        count: input.number('flap', readCount, '5'),
        downMilliseconds: input.number('down', readTime, '500ms', 500),
        upMilliseconds: input.number('up', readTime, '500ms', 500),
      }
    case 'mtu':
      input.only(['mtu'], 'mtu')
      return { kind, link, bytes: input.number('mtu', readBytes, '1400') }
    case 'rate':
      input.only(['rate', 'from'], 'rate')
      return { kind, link, ...sender, kilobitsPerSecond: input.number('rate', readRate, '10mbit') }
    case 'loss':
      input.only(['loss', 'from'], 'loss')
      return { kind, link, ...sender, percent: input.number('loss', readPercent, '1%') }
  }
}

function buildPod(input: FaultInput): FaultSpec {
  const [cluster, name] = input.arguments as [string, string]
  const slash = name.indexOf('/')
  return {
    kind: 'pod',
    cluster,
    namespace: slash < 0 ? 'default' : name.slice(0, slash),
    pod: name.slice(slash + 1),
    how: input.one(['delete', 'unready'], 'delete'),
  }
}

/** Kilobits a second, from `10mbit`, `500kbit`, `1gbit`; null for anything else. */
export function readRate(text: string): number | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(k|m|g)(?:bit|bit\/s|bps)?$/i.exec(text) ?? []
  const factor = { k: 1, m: 1000, g: 1_000_000 }[unit?.toLowerCase() ?? '']
  const rate = factor === undefined ? 0 : Math.round(Number(amount) * factor)
  return rate > 0 ? rate : null
}

/** Percent, from `1%` or `0.5%`; null for anything else. */
export function readPercent(text: string): number | null {
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(text)?.[1] ?? 0)
  return percent > 0 && percent <= 100 ? percent : null
}

function readTime(text: string): number | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? []
  const factor = { ms: 1, s: 1000, m: 60_000 }[unit ?? '']
  const milliseconds = factor === undefined ? 0 : Math.round(Number(amount) * factor)
  return milliseconds > 0 ? milliseconds : null
}

function readCount(text: string): number | null {
  return /^[1-9]\d{0,3}$/.test(text) ? Number(text) : null
}

/** IPv6 needs 1280 bytes of every link (RFC 8200 §5), but a broken link asks nobody. */
function readBytes(text: string): number | null {
  return /^[1-9]\d{1,4}$/.test(text) ? Number(text) : null
}
