import { inNamespace } from '../../linux/namespace.ts'
import { namespaceOf } from '../names.ts'
import { ShellPool } from '../shells.ts'

/** Names of each device's interfaces by their index: from outside, the kernel calls them by number. */
export async function readInterfaceNames(
  lab: string,
  devices: readonly string[],
): Promise<Map<string, Map<number, string>>> {
  const shells = new ShellPool(4, { env: process.env })
  try {
    const entries = await Promise.all(
      devices.map(async (device) => {
        const argv = inNamespace(namespaceOf(lab, device), ['ip', '-json', 'link', 'show'])
        const rows = JSON.parse(await shells.run(argv.join(' '))) as { ifindex: number; ifname: string }[]
        return [device, new Map(rows.map(({ ifindex, ifname }) => [ifindex, ifname]))] as const
      }),
    )
    return new Map(entries)
  } finally {
    shells.close()
  }
}
