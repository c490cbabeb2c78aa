import type { ConfigChange } from '../../frr/config-transaction.ts'
import { FrrDaemon } from '../../frr/daemon.ts'
import { readRunningConfig } from '../../frr/show-daemon.ts'
import type { Plan } from '../../plan/model.ts'
import { namespaceOf } from '../names.ts'

/*
 * Makes a router announce what it may not, as a careless or a hostile owner of it would: its own export filters let the
 * prefix through, and what the fabric makes of it is what is to be seen. One prefix list carries them all and says, read
 * back, which are announced now.
 */

const listName = 'WEFT-FAULT'

/** Makes a device announce exactly these prefixes beyond its plan; changes nothing when it does already. */
export async function settleAnnouncements(
  lab: string,
  plan: Plan,
  device: string,
  wanted: ReadonlySet<string>,
): Promise<void> {
  const bgpd = new FrrDaemon('bgpd', { pathspace: namespaceOf(lab, device) })
  try {
    const present = readAnnouncements(await readRunningConfig(bgpd))
    await bgpd.configure(announcementChanges(plan, device, present, wanted))
  } finally {
    bgpd.close()
  }
}

/** Which prefixes a running configuration announces because of a fault. */
function readAnnouncements(running: string): Set<string> {
  const entries = running.matchAll(
    new RegExp(`^ip(?:v6)? prefix-list ${listName} seq \\d+ permit (\\S+)$`, 'gm'),
  )
  return new Set([...entries].map(([, prefix]) => prefix!))
}

/** The lines that lead from some announced prefixes to others. */
export function announcementChanges(
  plan: Plan,
  device: string,
  present: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): ConfigChange[] {
  const asn = plan.devices.find(({ name }) => name === device)!.asn
  return (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const of = (prefixes: ReadonlySet<string>) =>
      [...prefixes].filter((prefix) => familyOf(prefix) === family)
    const [before, after] = [of(present), of(wanted)]
    const added = after.filter((prefix) => !before.includes(prefix))
    const removed = before.filter((prefix) => !after.includes(prefix))
    const keyword = family === 'ipv4' ? 'ip' : 'ipv6'
    const routes = [`router bgp ${asn}`, `address-family ${family} unicast`]
    const list = (prefix: string) => `${keyword} prefix-list ${listName} permit ${prefix}`
    const maps = exportMaps(plan, device).map((map) => `route-map ${map} permit ${family === 'ipv4' ? 1 : 2}`)
    return [
      ...added.map((prefix) => ({ context: [], line: list(prefix) })),
      ...(before.length === 0 && added.length > 0
        ? maps.map((map) => ({ context: [map], line: `match ${keyword} address prefix-list ${listName}` }))
        : []),
      ...added.map((prefix) => ({ context: routes, line: `network ${prefix}` })),
      ...removed.map((prefix) => ({ context: routes, line: `no network ${prefix}` })),
      ...(before.length > 0 && after.length === 0
        ? maps.map((map) => ({ context: [], line: `no ${map}` }))
        : []),
      ...removed.map((prefix) => ({ context: [], line: `no ${list(prefix)}` })),
    ]
  })
}

/** Route maps that decide what the device tells its neighbours; planned terms begin at 10. */
function exportMaps(plan: Plan, device: string): string[] {
  const ends = plan.sessions.flatMap(({ a, b }) => [a, b]).filter((end) => end.device === device)
  // A router knows a policy by its name within the site.
  return [...new Set(ends.map((end) => end.export.slice(end.export.indexOf('.') + 1)))]
}

function familyOf(prefix: string): 'ipv4' | 'ipv6' {
  return prefix.includes(':') ? 'ipv6' : 'ipv4'
}
