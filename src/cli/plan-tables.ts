import type { CapacityRow, Device, Plan, ScaleRow, Session } from '../plan/model.ts'
import { formatTable } from './table.ts'

/*
 * The plan as tables for people. Programs read `-o json`, which is the whole plan.
 */

export const sections = ['capacity', 'devices', 'sessions', 'prefixes'] as const
export type Section = (typeof sections)[number]

/** One section of the plan, all sites or one. */
export function formatSection(plan: Plan, section: Section, site: string | null): string {
  const isOfSite = (candidate: string | null) => site === null || candidate === site
  const devices = plan.devices.filter((device) => isOfSite(device.site))
  switch (section) {
    case 'capacity':
      return [
        formatCapacity(plan.capacity.filter((row) => row.site === null || isOfSite(row.site))),
        formatScale(plan.scale.filter((row) => isOfSite(row.site))),
      ].join('\n\n')
    case 'devices':
      return formatDevices(devices, countSessions(plan.sessions))
    case 'sessions': {
      const names = new Set(devices.map((device) => device.name))
      return formatSessions(
        plan,
        plan.sessions.filter(({ a, b }) => names.has(a.device) || names.has(b.device)),
      )
    }
    case 'prefixes':
      return formatPrefixes(devices)
  }
}

/** The plan in one line. */
export function formatSummary(plan: Plan): string {
  const counts = new Map<string, number>()
  for (const { role } of plan.devices) counts.set(role, (counts.get(role) ?? 0) + 1)
  const roles = [...counts].map(([role, count]) => `${count} ${count === 1 ? role : pluralOf(role)}`)
  const { major, minor } = plan.frr
  return [
    `${plan.name}: ${plan.sites.length} ${plan.sites.length === 1 ? 'site' : 'sites'}`,
    `${plan.devices.length} devices (${roles.join(', ')})`,
    `${plan.links.length} links`,
    `${plan.sessions.length} sessions`,
    `FRR ${major}.${minor}`,
  ].join(', ')
}

function formatCapacity(rows: readonly CapacityRow[]): string {
  return formatTable(rows, [
    { header: 'SITE', value: (row) => row.site ?? 'all' },
    { header: 'RESOURCE', value: (row) => row.resource },
    { header: 'USED', value: (row) => row.used, align: 'right' },
    { header: 'TOTAL', value: (row) => row.total, align: 'right' },
    { header: 'SPARE', value: (row) => row.total - row.used, align: 'right' },
    { header: 'RUNS OUT', value: (row) => row.runsOut },
  ])
}

function formatScale(rows: readonly ScaleRow[]): string {
  return formatTable(rows, [
    { header: 'SITE', value: (row) => row.site },
    { header: 'ROLE', value: (row) => row.role },
    { header: 'DEVICES', value: (row) => row.devices, align: 'right' },
    { header: 'SESSIONS EACH', value: (row) => row.sessions, align: 'right' },
    { header: 'PREFIXES EACH', value: (row) => row.prefixes, align: 'right' },
  ])
}

function formatDevices(devices: readonly Device[], sessionCounts: ReadonlyMap<string, number>): string {
  return formatTable(devices, [
    { header: 'DEVICE', value: (device) => device.name },
    { header: 'ROLE', value: (device) => device.role },
    { header: 'RACK', value: (device) => device.rack, isOptional: true },
    { header: 'AS', value: (device) => String(device.asn), align: 'right' },
    { header: 'LOOPBACK', value: (device) => device.loopbacks.join(' ') },
    { header: 'PODS', value: (device) => device.podCidrs.join(' '), isOptional: true },
    {
      header: 'SESSIONS',
      value: (device) => sessionCounts.get(device.name) ?? 0,
      align: 'right',
      isOptional: true,
    },
  ])
}

function formatSessions(plan: Plan, sessions: readonly Session[]): string {
  return formatTable(sessions, [
    { header: 'A', value: ({ a }) => `${a.device}/${a.interface}` },
    { header: 'B', value: ({ b }) => `${b.device}/${b.interface}` },
    { header: 'LINK', value: (session) => session.class, isOptional: true },
    { header: 'TYPE', value: (session) => session.type, isOptional: true },
    { header: 'CARRIES', value: (session) => session.families.join('+'), isOptional: true },
    {
      header: 'TIMERS',
      value: ({ timers }) => `${timers.keepaliveSeconds}/${timers.holdSeconds} s`,
      isOptional: true,
    },
    { header: 'BFD', value: (session) => describeBfd(plan, session) },
    { header: 'A ACCEPTS', value: ({ a }) => a.import, isOptional: true },
    { header: 'B ACCEPTS', value: ({ b }) => b.import, isOptional: true },
    { header: 'PROTECTION', value: describeProtection, isOptional: true },
  ])
}

function formatPrefixes(devices: readonly Device[]): string {
  const rows = devices.flatMap((device) =>
    device.originates.map((origination) => ({ device: device.name, ...origination })),
  )
  return formatTable(rows, [
    { header: 'PREFIX', value: (row) => row.prefix },
    { header: 'ANNOUNCED BY', value: (row) => row.device },
    { header: 'VIA', value: (row) => row.via },
    { header: 'POLICY', value: (row) => row.policy },
  ])
}

function describeBfd(plan: Plan, { bfd }: Session): string {
  const profile = bfd === null ? undefined : plan.bfdProfiles[bfd]
  return profile === undefined ? '-' : `${profile.transmitMilliseconds} ms x ${profile.multiplier}`
}

function describeProtection({ gtsm, password }: Session): string {
  return [...(gtsm ? ['gtsm'] : []), ...(password === null ? [] : ['md5'])].join('+')
}

function countSessions(sessions: readonly Session[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { a, b } of sessions) {
    counts.set(a.device, (counts.get(a.device) ?? 0) + 1)
    counts.set(b.device, (counts.get(b.device) ?? 0) + 1)
  }
  return counts
}

function pluralOf(role: string): string {
  return role.endsWith('leaf') ? role.replace(/leaf$/, 'leaves') : `${role}s`
}
