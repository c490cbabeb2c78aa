import { readFile, writeFile } from 'node:fs/promises'
import { applyIpBatch, tryIpBatch } from '../../linux/ip-batch.ts'
import { deleteNamespaces } from '../../linux/namespace.ts'

/*
 * The network of one node's pods, as kernel objects. The runtime sits in the node's namespace and calls this.
 *
 * Every pod has a namespace and a veth pair of its own; the node reaches it by a host route, the pod reaches everything
 * by a default route to the node's end, which is fe80::1 on each of them for both families (RFC 8950's next hop, as on
 * the fabric's links). No bridge: pods that share one answer each other behind the node's back, and the answer of a
 * pod that was reached through a Service on its own node would never be translated back.
 *
 * The pod prefix itself is an `unreachable` route from the first moment to the last. It is what FRR redistributes
 * (exactly this prefix, whether any pod runs or not), and it ends packets to pods that do not exist with an ICMP error
 * instead of sending them back up the default route in a loop.
 */

const gateway = 'fe80::1'

export interface PodNetwork {
  /** The pod's network namespace. */
  netns: string
  /** The node's end of the pod's link. */
  interface: string
  /** One address a family. */
  addresses: string[]
}

/** Lets the node's kernel forward, and gives it the routes of its pod prefixes. */
export async function prepareNode(podCidrs: readonly string[]): Promise<void> {
  await enable('/proc/sys/net/ipv4/ip_forward')
  await enable('/proc/sys/net/ipv6/conf/all/forwarding')
  // `replace` rather than `add`: an earlier runtime of this node left them in place for its pods.
  await applyIpBatch(['link set lo up', ...podCidrs.map((cidr) => `route replace unreachable ${cidr}`)])
}

/** Builds a pod's namespace and link. What an earlier, interrupted attempt left is removed first. */
export async function createPodNetwork(pod: PodNetwork, nodeAddresses: readonly string[]): Promise<void> {
  await removePodNetwork(pod)
  const link = pod.interface
  await applyIpBatch([
    `netns add ${pod.netns}`,
    `link add ${link} type veth peer name eth0 netns ${pod.netns}`,
    `link set ${link} addrgenmode none`,
    `addr add ${gateway}/64 dev ${link} nodad`,
    `link set ${link} up`,
  ])
  await applyIpBatch(
    [
      'link set lo up',
      'link set eth0 addrgenmode none',
      'addr add fe80::2/64 dev eth0 nodad',
      ...pod.addresses.map(
        (address) => `addr add ${hostPrefix(address)} dev eth0${isIpv6(address) ? ' nodad' : ''}`,
      ),
      'link set eth0 up',
      ...pod.addresses.map((address) =>
        isIpv6(address)
          ? `route add ::/0 via ${gateway} dev eth0`
          : `route add 0.0.0.0/0 via inet6 ${gateway} dev eth0`,
      ),
    ],
    { namespace: pod.netns },
  )
  // Last: the route is what makes the pod reachable.
  await applyIpBatch(
    pod.addresses.map((address) => {
      const source = nodeAddresses.find((candidate) => isIpv6(candidate) === isIpv6(address))
      return `route replace ${hostPrefix(address)} dev ${link}${source === undefined ? '' : ` src ${source}`}`
    }),
  )
}

/** Removes a pod's namespace; link and routes go with it. Nothing happens when it is gone already. */
export async function removePodNetwork(pod: PodNetwork): Promise<void> {
  await deleteNamespaces([pod.netns])
  // A namespace that a process still holds keeps the link alive without its name.
  await tryIpBatch([`link delete ${pod.interface}`])
}

async function enable(path: string): Promise<void> {
  if ((await readFile(path, 'utf8')).trim() !== '1') await writeFile(path, '1')
}

function hostPrefix(address: string): string {
  return `${address}/${isIpv6(address) ? 128 : 32}`
}

function isIpv6(address: string): boolean {
  return address.includes(':')
}
