import { FrrDaemon } from '../frr/daemon.ts'
import { awaitNextHops } from './forwarding.ts'
import { namespaceOf } from './names.ts'
import type { LabState } from './state.ts'

/*
 * Takes a node out of service without losing a packet (RFC 8326): it announces its routes with GRACEFUL_SHUTDOWN, every
 * receiver gives them preference 0, and where another announcer exists traffic moves while the old path still works.
 * Nothing is written to FRR's files.
 */

/** Drains a node and waits until its neighbours no longer use it for the prefix. */
export async function drainNode(state: LabState, node: string, prefix: string): Promise<void> {
  await setGracefulShutdown(state, node, 'bgp graceful-shutdown')
  await forEachNeighbor(state, node, (device, toNode) =>
    awaitNextHops(state.name, device, prefix, (hops) => hops.every((hop) => hop.device !== toNode)),
  )
}

/** Ends a drain and waits until the node is used again. */
export async function undrainNode(state: LabState, node: string, prefix: string): Promise<void> {
  await setGracefulShutdown(state, node, 'no bgp graceful-shutdown')
  await forEachNeighbor(state, node, (device, toNode) =>
    awaitNextHops(state.name, device, prefix, (hops) => hops.some((hop) => hop.device === toNode)),
  )
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

async function forEachNeighbor(
  state: LabState,
  node: string,
  work: (device: string, interfaceToNode: string) => Promise<unknown>,
): Promise<void> {
  const links = state.plan.links.filter(({ b }) => b.device === node)
  await Promise.all(links.map(({ a }) => work(a.device, a.interface)))
}
