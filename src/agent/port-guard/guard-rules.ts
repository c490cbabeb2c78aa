import type { NftObject } from '../../linux/nft.ts'

/*
 * The table `inet weft-guard`: a service address answers on the ports of its Services, and on nothing else.
 *
 * An address on `lo` makes every socket of the host that listens on all addresses reachable through it: sshd, kubelet,
 * exporters, NodePorts. The guard stands in prerouting, after connection tracking (-200) and before destination NAT
 * (-100). There the address is still the one that the client asked for, so NodePorts, which NAT would lead away from it,
 * are closed as well; and what a Service proxy translates afterwards is none of the guard's business. Packets of
 * connections that are tracked pass: a port that goes away ends nothing that is under way. What the host says to itself
 * passes. ICMP passes as far as a host must answer it: echo, and the errors that path MTU discovery and traceroute need.
 *
 * Cost: one set lookup for packets to other addresses, two for service addresses, whatever their number.
 *
 * Programs that take packets before netfilter (XDP and tc, such as Cilium without kube-proxy) are not seen here.
 */

export const guardTable = 'weft-guard'

/** `tcp . 80`, in nftables' words. */
export type GuardedPort = string

/** nft lists them by name or by number, as it is asked. What Kubernetes does not know is not opened. */
const protocols: Record<string, string> = {
  tcp: 'tcp',
  udp: 'udp',
  sctp: 'sctp',
  '6': 'tcp',
  '17': 'udp',
  '132': 'sctp',
}

/** The one way to write a port; undefined for a protocol without ports. */
export function guardedPort(protocol: string | number, port: string | number): GuardedPort | undefined {
  const name = protocols[String(protocol).toLowerCase()]
  return name === undefined ? undefined : `${name} . ${port}`
}

export interface GuardState {
  /** False when the table is missing or is not as it was made: it is then made anew, as a whole. */
  isIntact: boolean
  /** Guarded addresses with their open ports, sorted. */
  ports: Map<string, readonly GuardedPort[]>
}

export interface GuardEdits {
  /** Make the table anew first; `set` then holds every address. */
  rebuild: boolean
  set: { address: string; before: readonly GuardedPort[]; ports: readonly GuardedPort[] }[]
  remove: { address: string; before: readonly GuardedPort[] }[]
}

const families = [
  {
    suffix: '4',
    type: 'ipv4_addr',
    keyword: 'ip',
    icmp: 'icmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem }',
  },
  {
    suffix: '6',
    type: 'ipv6_addr',
    keyword: 'ip6',
    icmp: 'icmpv6 type { echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-neighbor-solicit, nd-neighbor-advert }',
  },
] as const

/** Version of what is in the table, at each of its rules: a rule that was taken away, added or replaced shows. */
const version = 'weft-guard 1'

function chains(): Record<string, { head?: string; rules: string[] }> {
  return {
    arriving: {
      head: 'type filter hook prerouting priority -150; policy accept;',
      rules: [
        'iif "lo" accept',
        ...families.map(({ suffix, keyword }) => `${keyword} daddr @vips${suffix} goto vip${suffix}`),
      ],
    },
    ...Object.fromEntries(
      families.map(({ suffix, keyword, icmp }) => [
        `vip${suffix}`,
        {
          rules: [
            `${keyword} daddr . meta l4proto . th dport @ports${suffix} accept`,
            'ct state established,related accept',
            `${icmp} accept`,
            'counter drop',
          ],
        },
      ]),
    ),
  }
}

/** The table without any element. */
export function renderGuardTable(): string {
  const sets = families.flatMap(({ suffix, type }) => [
    `  set vips${suffix} { type ${type}; }`,
    `  set ports${suffix} { type ${type} . inet_proto . inet_service; }`,
  ])
  const rendered = Object.entries(chains()).flatMap(([name, { head, rules }]) => [
    `  chain ${name} {`,
    ...(head === undefined ? [] : [`    ${head}`]),
    ...rules.map((rule) => `    ${rule} comment "${version}"`),
    '  }',
  ])
  // Declared first, so that the deletion also works the first time.
  const table = `table inet ${guardTable}`
  return [table, `delete ${table}`, `${table} {`, ...sets, ...rendered, '}'].join('\n')
}

/** The commands that turn one state of the sets into another. An address is guarded before and after, never between. */
export function elementCommands(edits: GuardEdits): string[] {
  return families.flatMap(({ suffix }) => {
    const isOfFamily = ({ address }: { address: string }) => address.includes(':') === (suffix === '6')
    const set = edits.set.filter(isOfFamily)
    const remove = edits.remove.filter(isOfFamily)
    const opened = set.flatMap(({ address, before, ports }) =>
      ports.filter((port) => edits.rebuild || !before.includes(port)).map((port) => `${address} . ${port}`),
    )
    const closed = edits.rebuild
      ? []
      : [
          ...set.flatMap(({ address, before, ports }) =>
            before.filter((port) => !ports.includes(port)).map((port) => `${address} . ${port}`),
          ),
          ...remove.flatMap(({ address, before }) => before.map((port) => `${address} . ${port}`)),
        ]
    return [
      ...command('add', `ports${suffix}`, opened),
      ...command(
        'add',
        `vips${suffix}`,
        set.map(({ address }) => address),
      ),
      ...command('delete', `ports${suffix}`, closed),
      ...(edits.rebuild
        ? []
        : command(
            'delete',
            `vips${suffix}`,
            remove.map(({ address }) => address),
          )),
    ]
  })
}

function command(verb: 'add' | 'delete', set: string, elements: readonly string[]): string[] {
  return elements.length === 0 ? [] : [`${verb} element inet ${guardTable} ${set} { ${elements.join(', ')} }`]
}

/** Reads what is there out of nftables' JSON listing of the table. */
export function parseGuardTable(listing: readonly NftObject[]): GuardState {
  const ports = new Map<string, string[]>()
  const rules: string[] = []
  const found = new Set<string>()
  let hasStrays = false
  for (const { chain, rule, set } of listing) {
    if (chain !== undefined) found.add(`chain ${chain.name} ${chain.prio ?? ''}`)
    if (rule !== undefined) rules.push(`${rule.chain} ${rule.comment}`)
    if (set === undefined) continue
    found.add(`set ${set.name}`)
    if (!String(set.name).startsWith('vips')) continue
    for (const address of elementsOf(set)) ports.set(String(address), [])
  }
  for (const { set } of listing) {
    if (set === undefined || !String(set.name).startsWith('ports')) continue
    for (const element of elementsOf(set)) {
      const [address = '', protocol = '', port = ''] = (element as { concat: (string | number)[] }).concat
      const open = ports.get(String(address))
      const canonical = guardedPort(protocol, port)
      if (open === undefined || canonical === undefined) hasStrays = true
      else open.push(canonical)
    }
  }
  for (const open of ports.values()) open.sort()
  return { isIntact: !hasStrays && hasShape(found, rules), ports }
}

function hasShape(found: ReadonlySet<string>, rules: readonly string[]): boolean {
  const shape = chains()
  const expectedRules = Object.entries(shape).flatMap(([name, chain]) =>
    chain.rules.map(() => `${name} ${version}`),
  )
  const expected = [
    ...Object.entries(shape).map(([name, { head }]) => `chain ${name} ${head === undefined ? '' : '-150'}`),
    ...families.flatMap(({ suffix }) => [`set vips${suffix}`, `set ports${suffix}`]),
  ]
  return (
    expected.every((part) => found.has(part)) && rules.toSorted().join() === expectedRules.toSorted().join()
  )
}

function elementsOf(set: Record<string, unknown>): unknown[] {
  return Array.isArray(set.elem) ? set.elem : []
}
