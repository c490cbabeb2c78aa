/** Devices and links of a plan, by the names that users give them on the command line. */
import { WeftError } from '../diagnostics/error.ts'
import { findNearest } from '../intent/nearest.ts'
import type { Device, Link, Plan } from '../plan/model.ts'
import { roles } from '../plan/roles.ts'

/** A device of the plan. */
export function requireDevice(plan: Plan, name: string): Device {
  const device = plan.devices.find((candidate) => candidate.name === name)
  if (device !== undefined) return device
  throw unknownDevice(plan, name)
}

/** A device, or every device of a role. */
export function requireDevices(plan: Plan, deviceOrRole: string): Device[] {
  if (!(roles as readonly string[]).includes(deviceOrRole)) {
    const device = plan.devices.find(({ name }) => name === deviceOrRole)
    if (device !== undefined) return [device]
    throw unknownDevice(plan, deviceOrRole, roles)
  }
  const devices = plan.devices.filter(({ role }) => role === deviceOrRole)
  if (devices.length > 0) return devices
  const present = [...new Set(plan.devices.map(({ role }) => role))]
  throw new WeftError('WEFT_DEVICE_UNKNOWN', `no device of this plan has the role ${deviceOrRole}`, {
    hint: `roles in this plan: ${present.join(', ')}`,
    exitCode: 2,
  })
}

/** A link by the names of its ends, in either order, or null when the name is not that of a link. */
export function findLink(plan: Plan, name: string): Link | null {
  const link = plan.links.find(({ id, a, b }) => id === name || `${b.device}--${a.device}` === name)
  if (link !== undefined) return link
  const [one = '', other = '', ...rest] = name.split('--')
  if (other === '' || rest.length > 0) return null
  const [a, b] = [requireDevice(plan, one).name, requireDevice(plan, other).name]
  const neighbors = plan.links.flatMap((link) =>
    link.a.device === a ? [link.b.device] : link.b.device === a ? [link.a.device] : [],
  )
  throw new WeftError('WEFT_DEVICE_UNKNOWN', `no link joins ${a} and ${b} in this plan`, {
    hint: `${a} is joined to ${listSome(neighbors)}`,
    exitCode: 2,
  })
}

/** Says that there is no such device, and which one, or which other word, may have been meant. */
export function unknownDevice(plan: Plan, name: string, otherWords: readonly string[] = []): WeftError {
  const names = plan.devices.map((device) => device.name)
  const nearest = findNearest(name, [...otherWords, ...names])
  const isRoleMeant = otherWords.length > 0
  return new WeftError(
    'WEFT_DEVICE_UNKNOWN',
    isRoleMeant
      ? `"${name}" is neither a device of this plan nor a role`
      : `there is no device "${name}" in this plan`,
    {
      hint:
        nearest === null
          ? `${isRoleMeant ? `roles: ${otherWords.join(', ')}; ` : ''}devices: ${listSome(names)}; all of them: weft plan --show devices`
          : `did you mean ${nearest}?`,
      exitCode: 2,
    },
  )
}

function listSome(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(', ')}, …` : names.join(', ')
}
