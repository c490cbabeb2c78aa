/** Filters of two ends that disagree, prefixes that nobody takes, and loops that AS numbers make. */
import type { Device } from '../../plan/model.ts'
import type { Offer } from '../routes/offers.ts'
import type { Spread } from '../routes/spread.ts'
import type { Check, Hit } from './check.ts'
import type { VerifyContext } from './context.ts'

export const filtersDisagree: Check = {
  id: 'filters-disagree',
  title: 'One end announces what the other end refuses',
  severity: 'error',
  why: 'Both ends of a session were meant to expect the same routes. Where they do not, the sender believes that the route is known, and the receiver drops it without a word: `show bgp neighbors … filtered-routes` is the only trace.',
  mend: 'permit it at both ends, or at neither; plan again from the intent',
  *findOnRoute(spread: Spread, context: VerifyContext): Generator<Hit> {
    for (const offer of spread.refused()) {
      if (offer.refusal === 'loop') continue
      const { local, remote } = offer.adjacency
      // A policy that permits nothing is a finding of its own.
      if (!context.plan.policies[remote.import]!.terms.some(({ action }) => action === 'permit')) continue
      const receiver = context.devices.get(remote.device)!
      yield {
        message: `${local.device} announces ${spread.prefix} (${describe(spread)}) to ${remote.device}, which refuses it by ${filterName(offer)}`,
        devices: [remote.device, local.device],
        path: receiver.role === 'node' || receiver.role === 'external' ? receiver.path : spread.origin.path,
        like: `${spread.kind} ${local.export} ${remote.import} ${offer.refusal}`,
      }
    }
  },
}

function filterName({ adjacency: { local, remote }, refusal }: Offer): string {
  if (refusal === 'prefix-list') return `its list of what ${local.device} may announce`
  if (refusal === 'as-path') return `its AS-path filter ${remote.acceptAsPath}`
  return `policy ${remote.import}`
}

export const prefixUnaccepted: Check = {
  id: 'prefix-unaccepted',
  title: 'Nobody accepts a prefix that a device announces',
  severity: 'error',
  why: 'A loopback, pod prefix or Service address that its first neighbour refuses does not exist for anybody else. The device itself shows it as announced.',
  mend: 'let the neighbour’s filters know it: a pod prefix must have the length `perNode` says, a Service address must lie in a pool',
  *findOnRoute(
    { kind, prefix, origin, origins, selections }: Spread,
    context: VerifyContext,
  ): Generator<Hit> {
    if (kind === 'aggregate' || prefix.endsWith('/0')) return
    const isAlone = context.routed.adjacencies.get(origin.name)!.length === 0
    if (isAlone || selections.size > origins.size) return
    yield {
      message: `${origin.name} announces ${prefix} (${describe({ kind, scope: null })}) and none of its neighbours takes it`,
      devices: [origin.name],
      path: pathOfPrefix(context, origin, kind),
      like: `${kind} ${origin.role} ${origin.site} ${pathOfPrefix(context, origin, kind)}`,
    }
  },
}

function pathOfPrefix(context: VerifyContext, origin: Device, kind: Spread['kind']): string {
  if (kind === 'external') return `${origin.path}.receive`
  const key = kind === 'pod' ? 'podCidr' : kind === 'service' ? 'vips' : 'loopback'
  return context.pathOfSetting([origin.name], key, origin.path)
}

export const routeMissing: Check = {
  id: 'route-missing',
  title: 'A router does not know a node of its own site',
  severity: 'error',
  why: 'Within a site everybody knows the loopback and the pods of every node, or has a leaf with a default route to ask. A router that does not, sends such packets out of the site or drops them. With iBGP attachment a leaf that does not reflect is enough: measured, nodes of one rack then lose every packet to each other.',
  mend: 'let the neighbours above and below tell it; leaves of ibgp racks must be route reflectors for their nodes',
  *findOnRoute(spread: Spread, context: VerifyContext): Generator<Hit> {
    const { kind, selections, origin, origins, prefix } = spread
    const isNobodys = selections.size <= origins.size
    if ((kind !== 'node' && kind !== 'pod') || isNobodys) return
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
    for (const device of context.fabricOf(origin.site)) {
      if (selections.has(device.name)) continue
      const sessions = context.routed.adjacencies
        .get(device.name)!
        .filter(({ session }) => session.families.includes(family))
      // Told a default route only; and what is refused, or has no session, is a finding of its own.
      const isLean = sessions.some(({ twin }) => twin.local.defaultOriginate !== null)
      const isRefused = spread.refused().some(({ adjacency }) => adjacency.remote.device === device.name)
      if (sessions.length === 0 || isLean || isRefused) continue
      yield {
        message: `${device.name} has no route to ${prefix} (${describe({ kind, scope: null })} ${origin.name}), though ${selections.size} devices have`,
        devices: [device.name, origin.name],
        path: device.path,
        like: `${kind} ${device.role} ${device.rack === origin.rack}`,
      }
    }
  },
}

export const asLoop: Check = {
  id: 'as-loop',
  title: 'A router drops a route because its own AS number is in the path',
  severity: 'error',
  why: 'BGP takes its own number in a path for a loop (RFC 4271 §9.1.2). Where two places that must hear each other share a number, each drops the other’s routes: sessions are up, tables look full, and these two cannot talk.',
  mend: 'give each rack, pod and site numbers of its own; leave `asn` out of overrides that select several racks',
  *findOnRoute(spread: Spread, context: VerifyContext): Generator<Hit> {
    const { selections, prefix, origin, kind } = spread
    // Further away there is an aggregate; and an aggregate is known to its twin by its parts.
    if (kind === 'aggregate') return
    const seen = new Set<string>()
    for (const { adjacency, route, refusal } of spread.refused()) {
      const { local, remote } = adjacency
      if (refusal !== 'loop' || selections.has(remote.device) || seen.has(remote.device)) continue
      seen.add(remote.device)
      const device = context.devices.get(remote.device)!
      if (device.role === 'external' || sharesByDesign(device, origin)) continue
      yield {
        message: `${device.name} drops ${prefix} of ${origin.name}: its own AS ${device.asn} is in the path [${route.asPath.join(' ')}] that ${local.device} tells it`,
        devices: [device.name, origin.name],
        path: context.pathOfSetting([device.name, origin.name], 'asn', device.path),
        like: `${device.asn} ${device.role}`,
      }
    }
  },
}

/** Spines of a pod, super-spines and edge routers share a number, and so does a rack with ibgp attachment. */
function sharesByDesign(device: Device, origin: Device): boolean {
  if (device.asn !== origin.asn || device.site !== origin.site) return false
  return device.rack === null
    ? device.role === origin.role && device.pod === origin.pod
    : device.rack === origin.rack
}

function describe({ kind, scope }: Pick<Spread, 'kind' | 'scope'>): string {
  const names = {
    switch: 'loopback of a switch',
    node: 'loopback of a node',
    pod: 'pods of a node',
    service: 'service address',
    aggregate: 'aggregate',
    external: 'from a peer',
  }
  return scope === null ? names[kind] : `${names[kind]}, scope ${scope}`
}
