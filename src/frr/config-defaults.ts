/*
 * What FRR leaves out of its running configuration because it is the default, and what it adds unasked.
 *
 * Each entry was seen in a comparison of a loaded file with `show running-config` on 8.4 or 10.x. The tables err on the
 * side of reporting: a line that is in neither is a difference.
 */

export type DefaultsProfile = 'datacenter' | 'traditional'

/** Lines a file may hold and FRR does not print back, whatever the profile. */
const omittedAlways: readonly RegExp[] = [
  /^service integrated-vtysh-config$/,
  /^ip forwarding$/,
  /^ipv6 forwarding$/,
  /^bgp default ipv4-unicast$/,
  /^bgp network import-check$/,
  /^bgp client-to-client reflection$/,
  /^bgp graceful-shutdown-honor$/,
  // Not a default: 8.4 obeys it and does not print it.
  /^bgp graceful-restart disable-eor$/,
  /^no bgp suppress-fib-pending$/,
  /^no shutdown$/,
  /^detect-multiplier 3$/,
  /^transmit-interval 300$/,
  /^receive-interval 300$/,
  /^minimum-ttl 254$/,
  /^no (echo|passive)-mode$/,
  /^neighbor \S+ send-community( both| all| extended| large)?$/,
  /^zebra work-queue 10$/,
  /^bgp route-map delay-timer 5$/,
]

const omittedByProfile: Readonly<Record<DefaultsProfile, readonly RegExp[]>> = {
  datacenter: [
    /^no bgp ebgp-requires-policy$/,
    /^timers bgp 3 9$/,
    /^bgp default show-hostname$/,
    /^bgp log-neighbor-changes$/,
    /^bgp deterministic-med$/,
  ],
  traditional: [
    /^bgp ebgp-requires-policy$/,
    /^timers bgp 60 180$/,
    /^no bgp log-neighbor-changes$/,
    /^bgp suppress-duplicates$/,
    /^no bgp deterministic-med$/,
  ],
}

/** Lines FRR prints although no file asked for them. */
const addedByFrr: readonly RegExp[] = [
  /^frr version /,
  /^frr defaults /,
  /^hostname /,
  /^domainname /,
  /^agentx$/,
  /^line vty$/,
  /^no bgp enforce-first-as$/,
  /^no ipv6 nd suppress-ra$/,
]

/** Says whether FRR does not print the line because it is the default. */
export function isOmittedDefault(line: string, profile: DefaultsProfile): boolean {
  return [...omittedAlways, ...omittedByProfile[profile]].some((pattern) => pattern.test(line))
}

/** Says whether FRR prints the line by itself. */
export function isAddedByFrr(line: string): boolean {
  return addedByFrr.some((pattern) => pattern.test(line))
}
