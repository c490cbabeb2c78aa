/** What changes between two plans, and which sessions it resets. */
import type { Device, Plan, Session, SessionEnd } from './model.ts'

export interface PlanDiff {
  devices: { added: string[]; removed: string[]; changed: DeviceChange[] }
  sessions: { added: string[]; removed: string[]; changed: SessionChange[] }
  prefixes: { added: string[]; removed: string[] }
  /** Policies, prefix sets and communities whose content changed: applied by route refresh, without a reset. */
  policies: string[]
}

export interface DeviceChange {
  device: string
  field: string
  before: string
  after: string
}

export interface SessionChange {
  /** Id of the session's link. */
  session: string
  changes: string[]
  /** The TCP connection is torn down and set up again: traffic moves to other paths meanwhile. */
  resets: boolean
}

/** Fields of a device that its configuration states; interfaces are seen through links and sessions. */
const deviceFields = [
  'hostname',
  'role',
  'asn',
  'routerId',
  'loopbacks',
  'podCidrs',
  'vips',
  'maximumPaths',
] as const

/** FRR resets a session when one of these changes; the rest is applied to the running session. */
const resettingFields = ['type', 'unnumbered', 'families', 'timers', 'gtsm', 'password'] as const
const softFields = ['bfd'] as const

const resettingEndFields = ['interface', 'neighborAddress'] as const
const softEndFields = [
  'import',
  'export',
  'accept',
  'acceptAsPath',
  'maximumPrefixes',
  'routeReflectorClient',
  'nextHopSelf',
  'removePrivateAs',
  'defaultOriginate',
] as const satisfies (keyof SessionEnd)[]

/** The difference from `before` to `after`. Equal plans give an empty difference. */
export function diffPlans(before: Plan, after: Plan): PlanDiff {
  const devicesBefore = new Map(before.devices.map((device) => [device.name, device]))
  const devicesAfter = new Map(after.devices.map((device) => [device.name, device]))
  return {
    devices: {
      ...addedAndRemoved(devicesBefore, devicesAfter),
      changed: [...devicesAfter.values()].flatMap((device) => {
        const old = devicesBefore.get(device.name)
        return old === undefined ? [] : deviceChanges(old, device)
      }),
    },
    sessions: diffSessions(before, after, devicesBefore, devicesAfter),
    prefixes: addedAndRemoved(originatedPrefixes(before), originatedPrefixes(after)),
    policies: changedEntries(
      { ...before.policies, ...before.prefixSets },
      { ...after.policies, ...after.prefixSets },
    ),
  }
}

/** Does the difference contain anything? */
export function isEmptyDiff(diff: PlanDiff): boolean {
  const lists = [diff.devices, diff.sessions].flatMap((part) => [part.added, part.removed, part.changed])
  return [...lists, diff.prefixes.added, diff.prefixes.removed, diff.policies].every(
    (list) => list.length === 0,
  )
}

function diffSessions(
  before: Plan,
  after: Plan,
  devicesBefore: ReadonlyMap<string, Device>,
  devicesAfter: ReadonlyMap<string, Device>,
): PlanDiff['sessions'] {
  const sessionsBefore = new Map(before.sessions.map((session) => [session.link, session]))
  const sessionsAfter = new Map(after.sessions.map((session) => [session.link, session]))
  const changed = [...sessionsAfter.values()].flatMap((session): SessionChange[] => {
    const old = sessionsBefore.get(session.link)
    if (old === undefined) return []
    const hard = [
      ...fieldsThatDiffer(old, session, resettingFields),
      ...(['a', 'b'] as const).flatMap((side) => [
        ...fieldsThatDiffer(old[side], session[side], resettingEndFields).map(
          (field) => `${session[side].device} ${field}`,
        ),
        ...identityChanges(devicesBefore.get(old[side].device)!, devicesAfter.get(session[side].device)!),
      ]),
    ]
    const soft = [
      ...fieldsThatDiffer(old, session, softFields),
      ...(['a', 'b'] as const).flatMap((side) =>
        fieldsThatDiffer(old[side], session[side], softEndFields).map(
          (field) => `${session[side].device} ${field}`,
        ),
      ),
    ]
    const changes = [...hard, ...soft]
    return changes.length === 0 ? [] : [{ session: session.link, changes, resets: hard.length > 0 }]
  })
  return { ...addedAndRemoved(sessionsBefore, sessionsAfter), changed }
}

/** A new AS number or router ID resets every session of the device (RFC 4271 §4.2: both are in OPEN). */
function identityChanges(before: Device, after: Device): string[] {
  return fieldsThatDiffer(before, after, ['asn', 'routerId']).map((field) => `${after.name} ${field}`)
}

function deviceChanges(before: Device, after: Device): DeviceChange[] {
  return fieldsThatDiffer(before, after, deviceFields).map((field) => ({
    device: after.name,
    field,
    before: String(before[field]),
    after: String(after[field]),
  }))
}

function originatedPrefixes(plan: Plan): Map<string, true> {
  return new Map(
    plan.devices.flatMap((device) => device.originates.map(({ prefix }) => [prefix, true as const])),
  )
}

function addedAndRemoved(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>) {
  return {
    added: [...after.keys()].filter((key) => !before.has(key)),
    removed: [...before.keys()].filter((key) => !after.has(key)),
  }
}

function changedEntries(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].filter((key) => !isEqual(before[key], after[key])).sort()
}

function fieldsThatDiffer<T extends Session | SessionEnd | Device, F extends keyof T>(
  before: T,
  after: T,
  fields: readonly F[],
): F[] {
  return fields.filter((field) => !isEqual(before[field], after[field]))
}

/** Plans are JSON made by the same code, so equal values print equally. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
