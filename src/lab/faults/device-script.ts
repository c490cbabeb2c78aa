import type { DeviceEffects } from './effects.ts'

/*
 * A device's ports made as broken as they should be, as one shell script for its namespace: whatever was done to them
 * before, the script leads to what is wanted now, so it may be run again after any interruption.
 */

/** Table in which everything dropped on purpose is dropped; its rules carry the ids of their faults. */
const dropTable = 'weft_fault'

/**
 * @param touched ports and rules that may have to change
 * @param wanted what every fault together wants of the device; absent for nothing
 */
export function portScript(touched: DeviceEffects, wanted: DeviceEffects | undefined): string {
  const lines: string[] = []
  if (touched.drops.length > 0)
    lines.push("nft -f - <<'END' || exit 1", ...dropRules(wanted?.drops ?? []), 'END')
  for (const port of touched.unsegmentedPorts) {
    const segments = wanted?.unsegmentedPorts.has(port) ? 1 : kernelSegments
    lines.push(`ip link set ${port} gso_max_segs ${segments} || exit 1`)
  }
  for (const port of touched.rates.keys()) lines.push(rateCommand(port, wanted?.rates.get(port)))
  for (const port of touched.downPorts)
    lines.push(`ip link set ${port} ${wanted?.downPorts.has(port) ? 'down' : 'up'} || exit 1`)
  return lines.join('\n')
}

/** The kernel's own limit of a veth (GSO_MAX_SEGS). */
const kernelSegments = 65535

/** One transaction: adding first makes deleting a table that is not there harmless. */
function dropRules(drops: DeviceEffects['drops']): string[] {
  const byPort = Map.groupBy(drops, ({ port }) => port)
  const chains = [...byPort].flatMap(([port, rules]) => [
    // Names of chains begin with a letter and have no dots, unlike those of ports.
    ` chain port_${port.replace(/[^A-Za-z0-9_]/g, '_')} {`,
    // Before anything of the receiver's sees the packet.
    `  type filter hook ingress device "${port}" priority -500; policy accept;`,
    ...rules.map(({ match, fault }) => `  ${match} counter drop comment "${fault}"`),
    ' }',
  ])
  return [
    `add table netdev ${dropTable}`,
    `delete table netdev ${dropTable}`,
    ...(chains.length === 0 ? [] : [`table netdev ${dropTable} {`, ...chains, '}']),
  ]
}

/** A bucket of 10 ms, as the kernel's timer needs it, and at least a few packets. */
function rateCommand(port: string, kilobitsPerSecond: number | undefined): string {
  if (kilobitsPerSecond === undefined) return `tc qdisc del dev ${port} root 2>/dev/null || :`
  const burstBytes = Math.max(16_384, Math.ceil((kilobitsPerSecond * 1000) / 8 / 100))
  return `tc qdisc replace dev ${port} root tbf rate ${kilobitsPerSecond}kbit burst ${burstBytes} latency 50ms || exit 1`
}
