import { createHash } from 'node:crypto'
import { WeftError } from '../diagnostics/error.ts'

/*
 * Every name a lab leaves on the machine, in one place, because clean-up has to find all of them again:
 * network namespaces and FRR instances `weft-<lab>-<device>`, FRR's sockets under /var/run/frr/<instance>, and the
 * lab's own folder. Processes additionally carry WEFT_LAB=<lab> in their environment, which survives the loss of
 * everything else.
 */

export const labsDirectory = '/run/weft/labs'
export const frrRunDirectory = '/var/run/frr'
export const labEnvironmentKey = 'WEFT_LAB'
/** The host beyond the edge that stands in for the rest of the world. */
export const clientHost = 'client'

/** Network namespace and FRR instance (`-N`) of a device. */
export function namespaceOf(lab: string, device: string): string {
  return `weft-${lab}-${device}`
}

export interface LabPaths {
  root: string
  state: string
  configs: string
  logs: string
  lock: string
}

/** Files of one lab. The lock lies outside the lab's folder, so that removing the folder cannot free it. */
export function pathsOf(lab: string): LabPaths {
  const root = `${labsDirectory}/${lab}`
  return {
    root,
    state: `${root}/lab.json`,
    configs: `${root}/configs`,
    logs: `${root}/logs`,
    lock: `${labsDirectory}/.${lab}.lock`,
  }
}

/** The numbers that a lab was planned with, for an intent beside which no lock was written yet. */
export function keptLockPath(lab: string): string {
  return `${pathsOf(lab).root}/weft.lock`
}

/** Refuses a lab name that cannot be part of a namespace, an FRR instance and a path. */
export function checkLabName(lab: string): void {
  if (/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(lab)) return
  throw new WeftError('WEFT_LAB_NAME', `"${lab}" cannot name a lab`, {
    hint: 'use 1 to 32 lower-case letters, digits and hyphens, such as --name demo',
    exitCode: 2,
  })
}

/** Refuses device names that FRR would not take as an instance name (no dots, no slashes, short enough for a socket). */
export function checkDeviceName(device: string): void {
  if (/^[A-Za-z0-9_-]{1,40}$/.test(device)) return
  throw new WeftError('WEFT_LAB_DEVICE_NAME', `device "${device}" cannot run in the lab under that name`, {
    hint: 'FRR accepts letters, digits, hyphens and underscores in an instance name, at most 40 here: rename the device',
    exitCode: 2,
  })
}

/**
 * Which of the machine's namespaces belong to `lab`. Lab names may begin alike (`two` and `two-sites`): a namespace
 * belongs to the longest known name that fits.
 */
export function namespacesOfLab(
  lab: string,
  knownLabs: readonly string[],
  namespaces: readonly string[],
): string[] {
  const longer = knownLabs.filter((other) => other.startsWith(`${lab}-`))
  return namespaces.filter(
    (name) => name.startsWith(`weft-${lab}-`) && !longer.some((other) => name.startsWith(`weft-${other}-`)),
  )
}

/** A MAC address that depends on the interface's name only, so that link-local addresses stay from boot to boot. */
export function macOf(device: string, interfaceName: string): string {
  const digest = createHash('sha256').update(`${device}/${interfaceName}`).digest()
  // 02: unicast and locally administered.
  return ['02', ...[...digest.subarray(0, 5)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':')
}

/** The link-local address the kernel derives from a MAC (RFC 4291, appendix A). */
export function linkLocalOf(mac: string): string {
  const bytes = mac.split(':').map((part) => Number.parseInt(part, 16))
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0] = bytes
  const groups = [((b0 ^ 2) << 8) | b1, (b2 << 8) | 0xff, 0xfe00 | b3, (b4 << 8) | b5]
  return `fe80::${groups.map((group) => group.toString(16)).join(':')}`
}
