/**
 * Which devices and links a drill's words mean in one fabric: everything that fits is found, and the seed picks one.
 *
 * Pure: what traffic passes through is given.
 */
import { WeftError } from '../../diagnostics/error.ts'
import { findNearest } from '../../intent/nearest.ts'
import type { Device, Link, Plan } from '../../plan/model.ts'
import { roles } from '../../plan/roles.ts'
import { clientHost } from '../names.ts'
import type { DeviceSelector, LinkSelector, PlaceSelector } from './fault-schema.ts'
import { pickOne } from './random.ts'

export interface Field {
  plan: Plan
  /** What the drill's flows may pass through, by the routes as they are. */
  footprint: Footprint
  /** Nodes with a pod of the Service web. */
  announcers: readonly string[]
  random: () => number
}

export interface Footprint {
  devices: ReadonlySet<string>
  /** Ids. */
  links: ReadonlySet<string>
}

/** What was chosen last: `it`. */
export type It = { kind: 'device' | 'link' | 'rack' | 'site'; name: string } | null

/** Says that a drill makes no sense in a fabric: not an error, but nothing was shown either. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable'
}

/** Says that what was meant is there, but no traffic meets it: nothing can be shown by breaking it. */
export class NotMet extends Error {
  override readonly name = 'NotMet'
}

/** Picks a device that fits, or says why none does. */
export function chooseDevice(selector: DeviceSelector, field: Field, it: It): string {
  const candidates = devicesOf(selector, field, it)
  const found = pickOne(candidates, field.random)
  if (found !== undefined) return found.name
  if (typeof selector !== 'string' && selector.carrying !== undefined) {
    const { carrying: _, ...anywhere } = selector
    if (devicesOf(anywhere, field, it).length > 0)
      throw new NotMet(`no ${describeSelector(anywhere)} carries this drill's traffic`)
  }
  throw new NotApplicable(`there is no ${describeSelector(selector)} in this fabric`)
}

/** Picks a link between two kinds of devices, or says why there is none. */
export function chooseLink(selector: LinkSelector, field: Field, it: It): Link {
  const { plan, footprint } = field
  if (selector === 'it') {
    const link = it?.kind === 'link' ? plan.links.find(({ id }) => id === it.name) : undefined
    if (link === undefined)
      throw badTarget('"it" is no link here', 'name the link, or choose one in an earlier step')
    return link
  }
  if (typeof selector === 'string') return namedLink(plan, selector)
  const some = new Set(devicesOf(selector.between, field, it).map(({ name }) => name))
  const others = new Set(devicesOf(selector.and, field, it).map(({ name }) => name))
  const between = plan.links.filter(
    ({ a, b }) =>
      (some.has(a.device) && others.has(b.device)) || (some.has(b.device) && others.has(a.device)),
  )
  const what = `link between ${describeSelector(selector.between)} and ${describeSelector(selector.and)}`
  if (between.length === 0) throw new NotApplicable(`there is no ${what} in this fabric`)
  const fitting =
    selector.carrying === undefined ? between : between.filter(({ id }) => footprint.links.has(id))
  const found = pickOne(fitting, field.random)
  if (found === undefined) throw new NotMet(`no ${what} carries this drill's traffic`)
  return found
}

/** Picks the site or the rack (`<site>-<rack>`) of a device that fits. */
export function choosePlace(kind: 'site' | 'rack', selector: PlaceSelector, field: Field): string {
  if (typeof selector === 'string') return namedPlace(kind, selector, field.plan)
  const devices = devicesOf({ ...selector, role: undefined } as DeviceSelector, field, null)
  const names = new Set(
    devices.flatMap(({ site, rack }) => {
      if (site === null) return []
      if (kind === 'site') return [site]
      return rack === null ? [] : [`${site}-${rack}`]
    }),
  )
  const found = pickOne([...names], field.random)
  if (found === undefined) throw new NotApplicable(`there is no such ${kind} in this fabric`)
  return found
}

/** Everything that fits, in the plan's order. */
export function devicesOf(
  selector: DeviceSelector,
  { plan, footprint, announcers }: Field,
  it: It,
): Device[] {
  if (selector === 'it') {
    const device = it?.kind === 'device' ? plan.devices.find(({ name }) => name === it.name) : undefined
    if (device === undefined)
      throw badTarget('"it" is no device here', 'name the device, or choose one in an earlier step')
    return [device]
  }
  if (typeof selector === 'string') {
    const named = plan.devices.filter(({ name }) => name === selector)
    if (named.length > 0) return named
    if ((roles as readonly string[]).includes(selector))
      return plan.devices.filter(({ role }) => role === selector)
    throw unknownDevice(plan, selector)
  }
  return plan.devices.filter(
    (device) =>
      (selector.role === undefined || device.role === selector.role) &&
      (selector.site === undefined || device.site === selector.site) &&
      (selector.rack === undefined || device.rack === selector.rack) &&
      (selector.carrying === undefined || footprint.devices.has(device.name)) &&
      (selector.announcing === undefined ||
        announcers.includes(device.name) === (selector.announcing === 'web')),
  )
}

/** The node that a drill's words for a target mean, seen from where traffic starts. */
export function chooseTarget(words: string, from: string, field: Field): string {
  const { plan, announcers, random } = field
  const own = plan.devices.find(({ name }) => name === from)
  const nodes = plan.devices.filter(({ role, name }) => role === 'node' && name !== from)
  const candidates: Device[] =
    words === 'another node'
      ? nodes
      : words === 'announcing node'
        ? nodes.filter(({ name }) => announcers.includes(name))
        : words === 'near node'
          ? nodes.filter(({ site }) => site === own?.site)
          : words === 'far node'
            ? farthest(nodes, own)
            : devicesOf(words, field, null)
  const found = pickOne(candidates, random)
  if (found === undefined) throw new NotApplicable(`there is no ${words} in this fabric`)
  return found.name
}

/**
 * Who stands for the users of a Service: the client beyond the edge, else a spine, else a leaf. Not a node: it reaches a
 * Service by its own proxy, past the routes that drills are about.
 */
export function chooseUsers({ plan, random }: Field): string {
  if (plan.devices.some(({ role }) => role === 'external')) return clientHost
  const spines = plan.devices.filter(({ role }) => role === 'spine')
  const found = pickOne(
    spines.length > 0 ? spines : plan.devices.filter(({ role }) => role === 'leaf'),
    random,
  )
  if (found === undefined) throw new NotApplicable('nobody in this fabric could use a Service')
  return found.name
}

/** A selector in words. */
function describeSelector(selector: DeviceSelector): string {
  if (typeof selector === 'string') return selector
  const { role, site, rack, carrying, announcing } = selector
  return [
    role ?? 'device',
    site === undefined ? '' : `in ${site}`,
    rack === undefined ? '' : `in rack ${rack}`,
    carrying === undefined ? '' : 'that carries traffic',
    announcing === undefined ? '' : announcing === 'web' ? 'with a pod of web' : 'without a pod of web',
  ]
    .filter((word) => word !== '')
    .join(' ')
}

function farthest(nodes: readonly Device[], own: Device | undefined): Device[] {
  const elsewhere = nodes.filter(({ site }) => site !== own?.site)
  if (own === undefined || elsewhere.length > 0) return elsewhere
  const otherRacks = nodes.filter(({ rack }) => rack !== own.rack)
  return otherRacks.length > 0 ? otherRacks : [...nodes]
}

function namedLink(plan: Plan, name: string): Link {
  const reversed = name.split('--').toReversed().join('--')
  const found = plan.links.find(({ id }) => id === name || id === reversed)
  if (found !== undefined) return found
  const nearest = findNearest(
    name,
    plan.links.map(({ id }) => id),
  )
  throw badTarget(
    `this fabric has no link "${name}"`,
    nearest === null ? 'links are named <device>--<device>' : `did you mean "${nearest}"?`,
  )
}

function namedPlace(kind: 'site' | 'rack', name: string, plan: Plan): string {
  if (kind === 'site') {
    if (plan.sites.some((site) => site.name === name)) return name
    throw badTarget(
      `this fabric has no site "${name}"`,
      `it has ${plan.sites.map((site) => site.name).join(', ')}`,
    )
  }
  const racks = new Set(
    plan.devices.flatMap(({ site, rack }) => (site === null || rack === null ? [] : [`${site}-${rack}`])),
  )
  const found = [...racks].filter((rack) => rack === name || rack.endsWith(`-${name}`))
  if (found.length === 1) return found[0]!
  throw badTarget(
    found.length === 0 ? `this fabric has no rack "${name}"` : `${found.length} racks are called "${name}"`,
    `write one of ${[...racks].slice(0, 6).join(', ')}`,
  )
}

function unknownDevice(plan: Plan, name: string): WeftError {
  const nearest = findNearest(name, [...roles, ...plan.devices.map((device) => device.name)])
  return badTarget(
    `this fabric has no device "${name}"`,
    nearest === null
      ? 'write a device name, a role such as leaf, or conditions'
      : `did you mean "${nearest}"?`,
  )
}

function badTarget(message: string, hint: string): WeftError {
  return new WeftError('WEFT_DRILL_TARGET', message, { hint, exitCode: 2 })
}
