import type { Plan } from '../plan/model.ts'
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
      sysctls: kernelSettings(plan, device),
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
