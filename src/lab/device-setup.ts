import type { Device, Plan } from '../plan/model.ts'
import { renderFrr } from '../render/frr/frr-config.ts'
import { kernelSettings } from '../render/kernel/kernel-settings.ts'
import type { DeviceSetup } from './daemons.ts'
import { clientHost } from './names.ts'
import { clientLinks, clientRouteOperations, interfacesOf, returnRouteOperations } from './topology.ts'

/** What every namespace of the lab gets; the client beyond the edge is a host without daemons. */
export function setupDevices(plan: Plan, options: { hasBfd: boolean; hasAgents: boolean }): DeviceSetup[] {
  const { hasBfd, hasAgents } = options
  // What FRR leaves to an agent, it must do itself where there is none.
  const rendered = hasAgents ? plan : { ...plan, clusters: [] }
  const setups = plan.devices.map((device): DeviceSetup => {
    const { zebra, bgpd, bfdd } = renderFrr(rendered, device).daemons
    return {
      device: device.name,
      configs: { zebra, bgpd, ...(hasBfd ? { bfdd } : {}) },
      sysctls: { ...kernelSettings(plan, device), ...hashAsOnWires(plan, device) },
      interfaces: interfacesOf(plan, device.name),
      ipOperations: returnRouteOperations(plan, device.name),
    }
  })
  if (clientLinks(plan).length > 0)
    setups.push({
      device: clientHost,
      configs: {},
      sysctls: { 'net.ipv4.fib_multipath_hash_policy': '1' },
      interfaces: interfacesOf(plan, clientHost),
      ipOperations: clientRouteOperations(plan),
    })
  return setups
}

/** Addresses, protocol and ports, as the l4 policy takes them (FIB_MULTIPATH_HASH_FIELD_*). */
const addressesAndPorts = String(0x01 | 0x02 | 0x04 | 0x10 | 0x20)

/**
 * Linux gives packets of TCP and of IPv6 a hash where they are sent. On a wire it is lost; veth carries it along, and the
 * l4 policy takes it before it looks at the packet: seeds then count for nothing, half of the ways to an IPv6 address
 * carried no packet, and a TCP connection changed its way with each retransmission. Chosen fields are always looked
 * at. Nodes send more than they forward and keep what they have in a datacenter.
 */
function hashAsOnWires(plan: Plan, device: Device): Record<string, string> {
  if (plan.ecmpHash !== 'l4' || device.role === 'node') return {}
  return {
    'net.ipv4.fib_multipath_hash_policy': '3',
    'net.ipv4.fib_multipath_hash_fields': addressesAndPorts,
    'net.ipv6.fib_multipath_hash_policy': '3',
    'net.ipv6.fib_multipath_hash_fields': addressesAndPorts,
  }
}
