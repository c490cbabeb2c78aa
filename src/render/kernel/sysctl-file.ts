import { optionalSettings } from './kernel-settings.ts'

/** Text for /etc/sysctl.d; sysctl passes over a line that starts with `-` when it cannot be set. */
export function printSysctlFile(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(
    ([key, value]) => `${optionalSettings.has(key) ? '-' : ''}${key} = ${value}`,
  )
  return `${lines.join('\n')}\n`
}
