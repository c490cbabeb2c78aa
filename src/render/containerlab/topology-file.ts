/*
 * The plan as a containerlab topology: the same files in containers, for a fabric that is larger than one machine or a
 * reader who has containerlab anyway. clabernetes takes the same file.
 *
 * Containers have no management network: it would be a second way between any two devices, and a fabric that only
 * works over it would look healthy. Parameters and routes are set once the links are there, by a script that needs
 * nothing but a shell.
 */
import { stringify } from 'yaml'
import type { Device, Plan } from '../../plan/model.ts'
import { kernelSettings, optionalSettings } from '../kernel/kernel-settings.ts'

export const startScript = 'start.sh'

/** Text of `<name>.clab.yml`; device folders lie beside it. */
export function printContainerlab(plan: Plan, image: string): string {
  return stringify(
    {
      name: plan.name,
      topology: {
        defaults: { kind: 'linux', image, 'network-mode': 'none' },
        nodes: Object.fromEntries(plan.devices.map((device) => [device.name, containerOf(device)])),
        links: plan.links.map(({ a, b }) => ({
          endpoints: [`${a.device}:${a.interface}`, `${b.device}:${b.interface}`],
        })),
      },
    },
    { lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' },
  )
}

function containerOf({ name, role, site }: Device): object {
  const bound = ['frr.conf', 'daemons', 'vtysh.conf'].map((file) => `${name}/${file}:/etc/frr/${file}`)
  return {
    group: role,
    ...(site === null ? {} : { labels: { 'weft.dev/site': site } }),
    binds: [...bound, `${name}/${startScript}:/etc/weft/${startScript}:ro`],
    exec: [`sh /etc/weft/${startScript}`],
  }
}

/** What a container runs when its links are there: kernel parameters, and on nodes the pod prefixes. */
export function printStartScript(plan: Plan, device: Device): string {
  const settings = Object.entries(kernelSettings(plan, device)).map(([key, value]) => {
    // As sysctl(8) reads them: dots part the path, and a slash stands for a dot in an interface's name.
    const path = key.replace(/[./]/g, (character) => (character === '.' ? '/' : '.'))
    return `echo ${value} >/proc/sys/${path}${optionalSettings.has(key) ? ' 2>/dev/null || true' : ''}`
  })
  const pods = device.podCidrs.map(
    (prefix) => `ip ${prefix.includes(':') ? '-6 ' : ''}route replace unreachable ${prefix}`,
  )
  return ['#!/bin/sh', '# Written by weft lab export.', ...settings, ...pods, ''].join('\n')
}
