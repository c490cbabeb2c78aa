/*
 * Kernel parameters of a router or node, each with its reason.
 *
 * Keys are written with dots, as sysctl(8) prints them; in an interface name a dot is written as a slash, which is
 * sysctl's own rule. The order matters in one place: switching forwarding on resets other parameters, so it is first.
 */
import type { Device, Plan } from '../../plan/model.ts'
import { viewDevice } from '../view.ts'

const hashPolicies: Record<Plan['ecmpHash'], string> = { l3: '0', l4: '1', inner: '2' }

/** Parameters that older kernels lack. */
export const optionalSettings: ReadonlySet<string> = new Set(['net.ipv4.fib_multipath_hash_seed'])

/** Kernel parameters of one device, in the order in which they are to be set. */
export function kernelSettings(plan: Plan, device: Device): Record<string, string> {
  return {
    ...forwarding(),
    ...multipath(plan, device),
    ...sourceChecks(),
    ...advertisements(plan, device),
    ...(device.role === 'node' ? serviceAddresses() : {}),
    ...(device.role === 'node' && plan.fastLocalRepair ? fastLocalRepair() : {}),
  }
}

function forwarding(): Record<string, string> {
  return {
    'net.ipv4.ip_forward': '1',
    'net.ipv6.conf.all.forwarding': '1',
    'net.ipv6.conf.default.forwarding': '1',
    // A next hop whose link has no carrier is skipped at once, before any protocol has noticed.
    'net.ipv4.conf.all.ignore_routes_with_linkdown': '1',
    'net.ipv4.conf.default.ignore_routes_with_linkdown': '1',
    'net.ipv6.conf.all.ignore_routes_with_linkdown': '1',
    'net.ipv6.conf.default.ignore_routes_with_linkdown': '1',
    // IPv6 addresses of numbered links and lo outlive `ip link set down`, as IPv4 ones do.
    'net.ipv6.conf.all.keep_addr_on_down': '1',
    'net.ipv6.conf.default.keep_addr_on_down': '1',
  }
}

function multipath(plan: Plan, device: Device): Record<string, string> {
  const policy = hashPolicies[plan.ecmpHash]
  return {
    'net.ipv4.fib_multipath_hash_policy': policy,
    'net.ipv6.fib_multipath_hash_policy': policy,
    // With the same seed on two tiers the second sends everything one way. Linux 6.11 and later; IPv6 uses it too.
    'net.ipv4.fib_multipath_hash_seed': `${device.hashSeed}`,
  }
}

function sourceChecks(): Record<string, string> {
  return {
    /*
     * Off. Strict checking drops what comes in over one link while the way back goes over another, which is the
     * normal case with ECMP and sources on lo. The loose form stops next to nothing on a router that holds a default
     * route, yet drops live traffic in the moment in which the way back is being replaced.
     */
    'net.ipv4.conf.all.rp_filter': '0',
    'net.ipv4.conf.default.rp_filter': '0',
    // 127.0.0.0/8 from outside is never answered (CVE-2020-8558).
    'net.ipv4.conf.all.route_localnet': '0',
    'net.ipv4.conf.default.route_localnet': '0',
    // Routes come from BGP; nobody on a link may talk a host into another one.
    'net.ipv4.conf.all.accept_redirects': '0',
    'net.ipv4.conf.default.accept_redirects': '0',
    'net.ipv6.conf.all.accept_redirects': '0',
    'net.ipv6.conf.default.accept_redirects': '0',
    'net.ipv4.conf.all.accept_source_route': '0',
    'net.ipv4.conf.default.accept_source_route': '0',
    // A hairpin during convergence is not a wrong configuration of the sender.
    'net.ipv4.conf.all.send_redirects': '0',
    'net.ipv4.conf.default.send_redirects': '0',
  }
}

/**
 * Router advertisements carry the neighbours' link-local addresses to zebra, which reads them from a socket of its
 * own. The kernel needs none of them: what it would do is take addresses and a default route from whoever sends them,
 * a pod included (CVE-2020-10749).
 */
function advertisements(plan: Plan, device: Device): Record<string, string> {
  const fabric = viewDevice(plan, device)
    .neighbors.filter(({ session }) => session.unnumbered)
    .map(({ own }) => own.interface.replaceAll('.', '/'))
  return {
    'net.ipv6.conf.all.accept_ra': '0',
    'net.ipv6.conf.default.accept_ra': '0',
    // Point-to-point links with addresses made from MACs: waiting a second for duplicates delays each session.
    'net.ipv6.conf.all.accept_dad': '0',
    'net.ipv6.conf.default.accept_dad': '0',
    // On fabric links said once more: interfaces that exist already keep what they had, whatever `all` says.
    ...Object.fromEntries(
      fabric.flatMap((name) => [
        [`net.ipv6.conf.${name}.disable_ipv6`, '0'],
        [`net.ipv6.conf.${name}.accept_ra`, '0'],
        [`net.ipv6.conf.${name}.accept_ra_defrtr`, '0'],
        [`net.ipv6.conf.${name}.accept_dad`, '0'],
        [`net.ipv4.conf.${name}.rp_filter`, '0'],
      ]),
    ),
  }
}

/**
 * Service addresses on lo belong to many nodes at once. Without these a node would answer ARP requests for them, and
 * ask with them, on any other network it is attached to, and take that network's share of the traffic.
 */
function serviceAddresses(): Record<string, string> {
  return {
    'net.ipv4.conf.all.arp_ignore': '1',
    'net.ipv4.conf.default.arp_ignore': '1',
    'net.ipv4.conf.all.arp_announce': '2',
    'net.ipv4.conf.default.arp_announce': '2',
  }
}

/** A multipath route passes over a next hop whose neighbour entry has failed: the agent fails it when BFD says so. */
function fastLocalRepair(): Record<string, string> {
  return { 'net.ipv4.fib_multipath_use_neigh': '1' }
}
