import { FrrDaemon } from '../frr/daemon.ts'
import type { Link } from '../plan/model.ts'
import { awaitForwarding, readNextHops } from './forwarding.ts'
import { namespaceOf } from './names.ts'
import type { LabState } from './state.ts'

/*
 * Takes a node out of service without losing a packet (RFC 8326): it announces its routes with GRACEFUL_SHUTDOWN, and
 * wherever another announcer can be reached traffic moves to that one while the old path still works. The routers
 * nearest to the other announcer move; a leaf whose only way elsewhere leads up again keeps the node, because nothing
 * comes down to it any more. Nothing is written to FRR's files.
 */

/** Drains a node and waits until nothing from outside its rack is sent to it for the prefix. */
export async function drainNode(state: LabState, node: string, prefix: string): Promise<void> {
  await setGracefulShutdown(state, node, 'bgp graceful-shutdown')
  await awaitUse(state, node, prefix, (uses) => uses.every((isUsed) => !isUsed))
}

/** Ends a drain and waits until the node is used over all its links again. */
export async function undrainNode(state: LabState, node: string, prefix: string): Promise<void> {
  await setGracefulShutdown(state, node, 'no bgp graceful-shutdown')
  await awaitUse(state, node, prefix, (uses) => uses.every((isUsed) => isUsed))
}

async function setGracefulShutdown(state: LabState, node: string, line: string): Promise<void> {
  const asn = state.plan.devices.find(({ name }) => name === node)!.asn
  const bgpd = new FrrDaemon('bgpd', { pathspace: namespaceOf(state.name, node) })
  try {
    await bgpd.configure([{ context: [`router bgp ${asn}`], line }])
  } finally {
    bgpd.close()
  }
}

/** Waits until the links of a node are in use, or out of use, as wanted. */
async function awaitUse(
  state: LabState,
  node: string,
  prefix: string,
  isWanted: (uses: boolean[]) => boolean,
): Promise<void> {
  const links = state.plan.links.filter(({ b }) => b.device === node)
  const leaves = links.map(({ a }) => a.device)
  const above = state.plan.links.filter(({ b }) => leaves.includes(b.device))
  const devices = [...new Set([...leaves, ...above.map(({ a }) => a.device)])]
  await awaitForwarding(state.name, devices, prefix, async () => {
    const uses = await Promise.all(links.map((link) => carriesFromAbove(state, link, above, prefix)))
    return isWanted(uses)
  })
}

/** Does traffic for the prefix that comes from above the leaf take this link to the node? */
async function carriesFromAbove(
  { name: lab }: LabState,
  link: Link,
  above: readonly Link[],
  prefix: string,
): Promise<boolean> {
  const uses = async ({ a }: Link) =>
    (await readNextHops(lab, a.device, prefix)).some((hop) => hop.device === a.interface)
  if (!(await uses(link))) return false
  const uplinks = above.filter(({ b }) => b.device === link.a.device)
  const arrivals = await Promise.all(uplinks.map(uses))
  return uplinks.length === 0 || arrivals.some((arrives) => arrives)
}
