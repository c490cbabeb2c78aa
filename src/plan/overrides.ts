import type { Intent, OverrideSettings, Selector } from '../intent/model.ts'
import type { Role } from './model.ts'
import type { Problems } from './problems.ts'

/** What a selector is matched against. */
export interface Selectable {
  name: string
  role: Role
  site: string | null
  rack: string | null
}

/** What the overrides say of one device; `path` is the place of the last one that spoke. */
export type DeviceSettings = OverrideSettings & { path: string }

/** Which settings each role can have; the others would be ignored silently, so they are refused. */
const nodeOnly: (keyof OverrideSettings)[] = ['podCidr', 'podCidr6', 'vips']

/** The settings of every device that some override selects; later overrides win key by key. */
export function resolveOverrides(
  intent: Intent,
  devices: readonly Selectable[],
  problems: Problems,
): Map<string, DeviceSettings> {
  const settings = new Map<string, DeviceSettings>()
  for (const override of intent.overrides) {
    const matches = matcher(override.select)
    const selected = devices.filter(matches)
    if (selected.length === 0) {
      problems.add({
        code: 'WEFT_PLAN_SELECTOR_EMPTY',
        message: 'this override selects no device',
        path: `${override.path}.select`,
        found: describeSelector(override.select),
        expected: 'a selector that matches at least one device',
        hint: 'run `weft plan --devices` for the names; `*` matches any run of characters',
      })
    }
    for (const device of selected) {
      const misplaced = nodeOnly.filter((key) => key in override.set && device.role !== 'node')
      for (const key of misplaced) {
        problems.add({
          code: 'WEFT_PLAN_OVERRIDE_ROLE',
          message: `${key} is for nodes, but ${device.name} is a ${device.role}`,
          path: `${override.path}.set.${key}`,
          hint: 'add `role: node` to the selector',
        })
      }
      if (misplaced.length > 0) break
      settings.set(device.name, { ...settings.get(device.name), ...override.set, path: override.path })
    }
  }
  return settings
}

function matcher(select: Selector): (device: Selectable) => boolean {
  const name = select.device === null ? null : globToRegExp(select.device)
  return (device) =>
    (name === null || name.test(device.name)) &&
    (select.role === null || select.role === device.role) &&
    (select.site === null || select.site === device.site) &&
    (select.rack === null || select.rack === device.rack)
}

function globToRegExp(glob: string): RegExp {
  const escaped = glob.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`)
}

function describeSelector(select: Selector): string {
  return Object.entries(select)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ')
}
