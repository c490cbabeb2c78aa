/*
 * Graceful restart (RFC 4724), for one case only: FRR on a node restarts while the node's kernel goes on forwarding.
 *
 * Only nodes say that they preserve forwarding; leaves keep a node's routes while its bgpd is away, which FRR does for
 * any neighbour that asks (helper mode). Routes of leaves and spines are never kept: wherever traffic has a second way,
 * taking it is better than trusting a router that does not answer.
 *
 * What keeps a dead node from being held: BFD, a lost link and the hold timer end the session without grace, and so
 * does a NOTIFICATION, since RFC 8538 is off. Grace is left for a TCP connection that closes without a word, which is
 * what killed daemons leave behind.
 *
 * End-of-RIB would make leaves drop what the restarted bgpd has not announced again, and its file does not hold the
 * service addresses: they are the agent's to put back, a moment later. So where an agent runs, a starting bgpd sends none
 * until the agent has done so and lets it (`sendsEndOfRib`); should the agent never come, leaves drop what is left after
 * the stale-path time. It must not stay so: bgpd 8.4 that owes an End-of-RIB and may not send it looks for one to send
 * without pause, at the cost of a core.
 *
 * The times cannot make one side wait for the other longer than that one keeps: restart < stale paths, and a node's
 * leaves never announce families as restarters, so it has nothing to defer for.
 */
import type { DeviceView } from '../view.ts'
import { line, type Statement } from './statement.ts'

/** How long leaves wait for a node's session to come back. */
const restartSeconds = 30
/** How long leaves, the node's zebra and the node's kernel keep what nobody has confirmed since the restart. */
export const staleSeconds = 60
/** A node does not choose routes before its leaves are heard, should they be ones that ask for it. */
const deferSeconds = 10

/** The lines inside `router bgp`. */
export function renderGracefulRestart({ plan, device, neighbors }: DeviceView): Statement[] {
  if (device.role === 'node') {
    const hasAgent = plan.clusters.some(({ nodes }) => nodes.includes(device.name))
    return [
      line('bgp graceful-restart'),
      line('bgp graceful-restart preserve-fw-state'),
      line(`bgp graceful-restart restart-time ${restartSeconds}`),
      line(`bgp graceful-restart select-defer-time ${deferSeconds}`),
      line(`bgp graceful-restart rib-stale-time ${staleSeconds}`),
      ...(hasAgent ? [line('bgp graceful-restart disable-eor')] : []),
      line('no bgp graceful-restart notification'),
    ]
  }
  // Counted from the loss of the session. The default of 360 s would keep a withdrawn service address that long.
  if (neighbors.some(({ peerDevice }) => peerDevice.role === 'node'))
    return [line(`bgp graceful-restart stalepath-time ${staleSeconds}`)]
  return []
}
