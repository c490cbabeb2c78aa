/**
 * Verifies a changed plan again by what the change can reach, after the plan before it was verified as a whole.
 *
 * A site's own routes never leave it: others see its aggregates. So a change of racks and spines of one site concerns the
 * failures of that site. The others are cut down to what carries routes between sites and one rack each: that rack loses
 * another site exactly when the routers at the border do, and its own way to them has not changed. Where that reasoning
 * does not hold (routers between sites, filters, service addresses, which are known everywhere), everything is played.
 */
import type { Device, Plan, Session, SessionEnd } from '../../plan/model.ts'
import { type AnalysisOptions, FailureAnalyst } from './analysis.ts'
import { classifyFailures, listFailures } from './failure.ts'
import { type FailureReport, reportFailures } from './report.ts'

export interface Reverification {
  /** Sites whose failures were played; none when nothing changed. */
  sites: string[]
  /** Only failures of these sites; what was found for others before still holds. Null when nothing changed. */
  report: FailureReport | null
}

/** Plays the single failures that a change from a verified plan may have made different. */
export function reverifyChange(
  before: Plan,
  after: Plan,
  options: Pick<AnalysisOptions, 'domains'> & { minimumWidth?: number } = { domains: ['link', 'device'] },
): Reverification {
  const { domains, minimumWidth = 1 } = options
  const touched = touchedSites(before, after)
  if (touched?.size === 0) return { sites: [], report: null }
  const plan = touched === null ? after : cutDown(after, touched)
  const sites = touched === null ? after.sites.map(({ name }) => name) : [...touched]
  const analyst = new FailureAnalyst(plan)
  const { network, symmetry } = analyst
  const inside = new Set(sites)
  const failures = listFailures(network, domains).filter(({ anchor }) =>
    anchor.some((device) => inside.has(network.devices[device]!.site ?? '')),
  )
  const analysis = analyst.play(classifyFailures(symmetry, network, failures))
  return { sites, report: reportFailures(analysis, minimumWidth) }
}

/** Sites in whose inside something differs; null when something differs that all sites have to do with. */
function touchedSites(before: Plan, after: Plan): Set<string> | null {
  const shared = ({ policies, prefixSets, communities, bfdProfiles, frr }: Plan) =>
    JSON.stringify([policies, prefixSets, communities, frr, Object.keys(bfdProfiles).length === 0])
  if (shared(before) !== shared(after)) return null
  for (const [name, profile] of Object.entries(before.bfdProfiles)) {
    const now = after.bfdProfiles[name]
    if (now !== undefined && JSON.stringify(now) !== JSON.stringify(profile)) return null
  }
  if (after.devices.some(({ vips }) => vips.length > 0) || before.devices.some(({ vips }) => vips.length > 0))
    return null
  const differing = [
    ...differences(before.devices, after.devices, ({ name }) => name, sameDevice).flatMap((device) => [
      device,
    ]),
    ...sessionDevices(before, after),
  ]
  const sites = new Set<string>()
  for (const { role, site } of differing) {
    if (site === null || role === 'dci-router' || role === 'border-leaf' || role === 'edge-router')
      return null
    sites.add(site)
  }
  return sites
}

function sessionDevices(before: Plan, after: Plan): Device[] {
  const differing = differences(before.sessions, after.sessions, ({ link }) => link, sameSession)
  const names = new Set(differing.flatMap(({ a, b }) => [a.device, b.device]))
  return [before, after].flatMap(({ devices }) =>
    names.size === 0 ? [] : devices.filter(({ name }) => names.has(name)),
  )
}

/** Everything that only one plan has, or has otherwise. Plans of one intent have the same order nearly everywhere. */
function differences<T>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (item: T) => string,
  isSame: (one: T, other: T) => boolean,
): T[] {
  const found: T[] = []
  let start = 0
  const shorter = Math.min(before.length, after.length)
  while (start < shorter && keyOf(before[start]!) === keyOf(after[start]!)) start++
  for (let at = 0; at < start; at++) if (!isSame(before[at]!, after[at]!)) found.push(after[at]!)
  let end = 0
  while (
    end < shorter - start &&
    keyOf(before[before.length - 1 - end]!) === keyOf(after[after.length - 1 - end]!)
  )
    end++
  for (let at = 1; at <= end; at++)
    if (!isSame(before[before.length - at]!, after[after.length - at]!)) found.push(after[after.length - at]!)
  const old = new Map(before.slice(start, before.length - end).map((item) => [keyOf(item), item]))
  for (const item of after.slice(start, after.length - end)) {
    const known = old.get(keyOf(item))
    old.delete(keyOf(item))
    if (known === undefined || !isSame(known, item)) found.push(item)
  }
  return [...found, ...old.values()]
}

function sameDevice(one: Device, other: Device): boolean {
  return (
    one.asn === other.asn &&
    one.role === other.role &&
    one.site === other.site &&
    one.maximumPaths === other.maximumPaths &&
    one.originates.length === other.originates.length &&
    one.originates.every((entry, index) => {
      const twin = other.originates[index]!
      return entry.prefix === twin.prefix && entry.via === twin.via && entry.policy === twin.policy
    })
  )
}

function sameSession(one: Session, other: Session): boolean {
  return (
    one.type === other.type &&
    one.bfd === other.bfd &&
    one.families.length === other.families.length &&
    one.timers.holdSeconds === other.timers.holdSeconds &&
    one.timers.keepaliveSeconds === other.timers.keepaliveSeconds &&
    sameEnd(one.a, other.a) &&
    sameEnd(one.b, other.b)
  )
}

function sameEnd(one: SessionEnd, other: SessionEnd): boolean {
  return (
    one.device === other.device &&
    one.import === other.import &&
    one.export === other.export &&
    one.acceptAsPath === other.acceptAsPath &&
    one.routeReflectorClient === other.routeReflectorClient &&
    one.removePrivateAs === other.removePrivateAs &&
    one.defaultOriginate === other.defaultOriginate &&
    one.accept?.length === other.accept?.length &&
    (one.accept ?? []).every((entry, index) => {
      const twin = other.accept![index]!
      return entry.prefix === twin.prefix && entry.ge === twin.ge && entry.le === twin.le
    })
  )
}

/** The plan with the racks of other sites left out, but one each. */
function cutDown(plan: Plan, sites: ReadonlySet<string>): Plan {
  const kept = new Map<string, string>()
  const devices = plan.devices.filter(({ site, rack }) => {
    if (site === null || rack === null || sites.has(site)) return true
    if (!kept.has(site)) kept.set(site, rack)
    return kept.get(site) === rack
  })
  const names = new Set(devices.map(({ name }) => name))
  const sessions = plan.sessions.filter(({ a, b }) => names.has(a.device) && names.has(b.device))
  return { ...plan, devices, sessions }
}
