import { portKey } from './port-key.ts'

/* What kube-proxy has put into the kernel, in its three modes: which address, protocol and port it translates. */

/** `nft -j list map ip kube-proxy service-ips`: elements are `address . protocol . port : goto chain`. */
export function readNftMap(json: string): Set<string> {
  const { nftables = [] } = JSON.parse(json) as { nftables?: { map?: { elem?: unknown[] } }[] }
  const keys = new Set<string>()
  for (const element of nftables.flatMap(({ map }) => map?.elem ?? [])) {
    const [key] = Array.isArray(element) ? element : []
    const [address, protocol, port] = concatenation(key)
    if (address !== undefined && protocol !== undefined) keys.add(portKey(address, protocol, Number(port)))
  }
  return keys
}

/** `iptables-save -t nat`: one rule of KUBE-SERVICES a port. */
export function readIptablesRules(text: string): Set<string> {
  const keys = new Set<string>()
  for (const line of text.split('\n')) {
    if (!line.startsWith('-A KUBE-SERVICES ')) continue
    const address = / -d ([0-9a-f.:]+)(?:\/(?:32|128))? /i.exec(line)?.[1]
    const protocol = / -p (\S+) /.exec(line)?.[1]
    const port = / --dport (\d+) /.exec(`${line} `)?.[1]
    if (address !== undefined && protocol !== undefined && port !== undefined)
      keys.add(portKey(address, protocol, Number(port)))
  }
  return keys
}

/** `/proc/net/ip_vs`: `TCP  0A600001:0050 rr`, or `TCP  [2001:0db8:…:0001]:0050 rr`. */
export function readIpvsTable(text: string): Set<string> {
  const keys = new Set<string>()
  for (const line of text.split('\n')) {
    const found =
      /^(?<protocol>TCP|UDP|SCTP) +(?:(?<v4>[0-9A-F]{8})|\[(?<v6>[0-9a-f:]+)\]):(?<port>[0-9A-F]{4}) /.exec(
        line,
      )
    const { protocol, v4, v6, port } = found?.groups ?? {}
    const address =
      v4 === undefined
        ? v6
        : v4
            .match(/../g)
            ?.map((byte) => Number.parseInt(byte, 16))
            .join('.')
    if (address !== undefined && protocol !== undefined)
      keys.add(portKey(address, protocol, Number.parseInt(port ?? '', 16)))
  }
  return keys
}

function concatenation(key: unknown): (string | undefined)[] {
  const parts = typeof key === 'object' && key !== null && 'concat' in key ? key.concat : undefined
  return Array.isArray(parts) ? parts.map(String) : []
}
