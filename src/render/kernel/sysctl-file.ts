/** Parameters that older kernels lack: sysctl passes over a line that starts with `-` when it cannot be set. */
const optional = new Set(['net.ipv4.fib_multipath_hash_seed'])

/** Text for /etc/sysctl.d. */
export function printSysctlFile(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(
    ([key, value]) => `${optional.has(key) ? '-' : ''}${key} = ${value}`,
  )
  return `${lines.join('\n')}\n`
}
