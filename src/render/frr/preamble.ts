/*
 * The lines every file starts with, and what FRR makes of them.
 *
 * `frr defaults` and `frr version` are not decoration: they choose the default of everything that is not written.
 * The datacenter profile is the nearer one to what a fabric needs: updates leave at once (in the traditional profile
 * after up to 5 s) and a lost session is tried again within seconds. But it also turns RFC 8212 off, so that a
 * session whose policies are missing passes everything. So whatever differs between the profiles, or between
 * releases, and matters here is written out, `bgp ebgp-requires-policy` first of all; the profile only decides what
 * nobody thought of.
 *
 * The version is the release the intent names, never an older one: FRR 10 reading `frr version 8.4` keeps the
 * defaults of 8.4, among them the missing check of the first AS in a path.
 */
import type { FrrRelease } from '../../intent/model.ts'
import type { Device, Plan } from '../../plan/model.ts'
import { line, type Statement } from './statement.ts'

/** Header of a configuration file: release, profile, host name, log. */
export function renderPreamble({ frr }: Plan, device: Device): Statement[] {
  return [
    line(`frr version ${frr.major}.${frr.minor}`),
    line('frr defaults datacenter'),
    line(`hostname ${device.hostname}`),
    line('log syslog informational'),
  ]
}

/** Is the release older than `major.minor`? */
export function isBefore(release: FrrRelease, major: number, minor = 0): boolean {
  return release.major < major || (release.major === major && release.minor < minor)
}
