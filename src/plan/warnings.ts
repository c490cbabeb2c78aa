/** What is planned as asked, and may still surprise. */
import type { Intent } from '../intent/model.ts'
import type { Device } from './model.ts'
import type { DeviceSettings } from './overrides.ts'
import type { Problems } from './problems.ts'

/** One warning for each place in the file that set the width, however many devices it holds for. */
export function warnOfNarrowPaths(
  devices: readonly Device[],
  overrides: ReadonlyMap<string, DeviceSettings>,
  problems: Problems,
): void {
  const narrow = devices.flatMap((device) => {
    const alike = Map.groupBy(device.interfaces, (entry) => entry.peerDevice.replace(/\d+$/, ''))
    const widest = Math.max(0, ...[...alike.values()].map((entries) => entries.length))
    if (device.role === 'external' || widest <= device.maximumPaths) return []
    const settings = overrides.get(device.name)
    const isOverridden = settings?.maximumPaths !== undefined
    return [{ device, widest, path: isOverridden ? `${settings.path}.set.maximumPaths` : 'bgp.maximumPaths' }]
  })
  for (const [path, list] of Map.groupBy(narrow, (entry) => entry.path)) {
    const { device, widest } = list.reduce((most, entry) => (entry.widest > most.widest ? entry : most))
    const others = list.length === 1 ? '' : `, and ${list.length - 1} more devices like it`
    problems.add({
      code: 'WEFT_PLAN_WIDTH',
      severity: 'warning',
      message: `${device.name} has ${widest} equal neighbours but may use ${device.maximumPaths} at once${others}`,
      path,
      found: String(device.maximumPaths),
      expected: `${widest} or more`,
      hint: 'links beyond that number carry nothing until another fails',
    })
  }
}

/** Asked for a default route, yet in need of every route: better said than silently done. */
export function warnOfFullRoutes(
  intent: Intent,
  fullRoutes: ReadonlyMap<string, boolean>,
  problems: Problems,
): void {
  if (intent.bgp.nodeRoutes !== 'default') return
  const sites = intent.sites.filter((site) => fullRoutes.get(site.name)).map((site) => site.name)
  if (sites.length === 0) return
  problems.add({
    code: 'WEFT_PLAN_NODE_ROUTES',
    severity: 'warning',
    message: `nodes of ${sites.join(', ')} learn every route: a default route alone would not always lead to a node of the same rack`,
    path: 'bgp.nodeRoutes',
    found: 'default',
    expected: 'full or auto, in sites with ibgp racks or without spines',
  })
}
