/** Files of a device, ready to be put in place by whoever deploys: Weft itself writes nothing here. */
import type { Device, Plan } from '../plan/model.ts'
import { printDaemonsFile } from './frr/daemons-file.ts'
import { renderFrr } from './frr/frr-config.ts'
import { kernelSettings } from './kernel/kernel-settings.ts'
import { printSysctlFile } from './kernel/sysctl-file.ts'

export interface RenderedDevice {
  device: string
  /** Text by path, relative to a folder of the device's own. */
  files: Record<string, string>
}

/** Everything that configures one device of the plan. */
export function renderDevice(plan: Plan, device: Device): RenderedDevice {
  const { integrated, daemons } = renderFrr(plan, device)
  return {
    device: device.name,
    files: {
      'frr.conf': integrated,
      'frr/zebra.conf': daemons.zebra,
      'frr/bgpd.conf': daemons.bgpd,
      'frr/bfdd.conf': daemons.bfdd,
      'vtysh.conf': 'service integrated-vtysh-config\n',
      daemons: printDaemonsFile(plan, device),
      'sysctl.conf': printSysctlFile(kernelSettings(plan, device)),
    },
  }
}

/** All devices of the plan, one at a time: ten large sites need not be in memory at once. */
export function* renderPlan(plan: Plan): Iterable<RenderedDevice> {
  for (const device of plan.devices) yield renderDevice(plan, device)
}
