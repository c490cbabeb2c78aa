/** Routes beyond the place they are meant for, and aggregates that promise what is not there. */
import type { PeerIntent, Scope } from '../../intent/model.ts'
import { contains, parsePrefix } from '../../net/prefix.ts'
import type { Device } from '../../plan/model.ts'
import type { Spread } from '../routes/spread.ts'
import type { Check, Hit } from './check.ts'
import type { VerifyContext } from './context.ts'

const inFabric = new Set<Device['role']>(['node', 'leaf', 'spine', 'super-spine', 'border-leaf'])

export const scopeLeak: Check = {
  id: 'scope-leak',
  title: 'A route travels further than it may',
  severity: 'error',
  why: 'The scope of a Service address says who may reach it, and host routes of nodes and pods end at the border of their site. A route that goes further makes something reachable that was not meant to be, and fills tables that were not sized for it.',
  mend: 'plan again from the intent: each border has a deny for it at the sender and at the receiver',
  *findOnRoute(spread: Spread, context: VerifyContext): Generator<Hit> {
    for (const [name, selection] of spread.selections) {
      const device = context.devices.get(name)!
      if (spread.origins.has(name) || mayHold(device, spread, context)) continue
      const from = selection.paths[0]?.via.remote.device
      yield {
        message: `${name} (${place(device)}) holds ${spread.prefix} of ${spread.origin.name}, which ${limit(spread)}${from === undefined ? '' : `; ${from} told it`}`,
        devices: [name, spread.origin.name],
        path: spread.origin.path,
        like: `${spread.kind} ${spread.scope} ${inFabric.has(device.role) && device.site === spread.origin.site}`,
      }
    }
    yield* marksOutside(spread, context)
  },
}

/** Communities are nobody's business outside, and would mean something else in another Weft fabric. */
function* marksOutside(spread: Spread, context: VerifyContext): Generator<Hit> {
  for (const [name, { attributes, local }] of spread.selections) {
    if (local || attributes.communities.size === 0 || context.devices.get(name)!.role !== 'external') continue
    yield {
      message: `${name} is told the communities of ${spread.prefix}: ${[...attributes.communities].join(', ')}`,
      devices: [name, spread.origin.name],
      path: context.devices.get(name)!.path,
      like: `communities ${name}`,
    }
  }
}

function mayHold(device: Device, { kind, scope, origin, prefix }: Spread, context: VerifyContext): boolean {
  const isHere = device.site === origin.site
  switch (kind) {
    case 'switch':
      return isHere
    case 'node':
    case 'pod':
      return isHere && inFabric.has(device.role)
    case 'service':
      return serviceMayBeAt(device, scope, origin, context)
    case 'aggregate':
      return device.role !== 'external' || sends(context, device, ['nodes', 'pods', 'service-pools'])
    case 'external':
      return device.role !== 'external' || (prefix.endsWith('/0') && sends(context, device, ['default']))
  }
}

function serviceMayBeAt(
  device: Device,
  scope: Scope | null,
  origin: Device,
  context: VerifyContext,
): boolean {
  const isHere = device.site === origin.site
  if (scope === 'rack') return isHere && device.rack === origin.rack && device.rack !== null
  if (scope === 'site') return isHere && inFabric.has(device.role)
  if (scope === 'global') return device.role !== 'edge-router' && device.role !== 'external'
  return device.role !== 'external' || sends(context, device, ['services'])
}

/** Without the intent nobody knows what a peer was promised, so nothing is said about it. */
function sends({ intent }: VerifyContext, device: Device, wanted: PeerIntent['send']): boolean {
  const peer = intent?.peers.find((candidate) => candidate.name === device.name)
  return peer === undefined || peer.send.some((what) => wanted.includes(what))
}

function place(device: Device): string {
  return device.site === null ? 'a peer' : `${device.role} in ${device.site}`
}

function limit({ kind, scope, origin }: Spread): string {
  if (kind === 'service') return `has scope ${scope}`
  if (kind === 'aggregate') return 'it was not to be told'
  if (kind === 'external') return 'is another peer’s'
  return `is to stay in ${origin.site}`
}

export const aggregateBlackhole: Check = {
  id: 'aggregate-blackhole',
  title: 'A router announces an aggregate and cannot reach a part of it',
  severity: 'error',
  why: 'Whoever originates an aggregate attracts traffic for all of it and discards what it has no specific route for (RFC 7938 §8.2). Clients see timeouts, not an unreachable network.',
  mend: 'let every part of the aggregate reach the router that announces it, or take the part out of the segment',
  *findOnRoute({ kind, prefix, origin, scope, selections }: Spread, context: VerifyContext): Generator<Hit> {
    if (kind !== 'node' && kind !== 'pod' && kind !== 'service') return
    for (const { device, aggregate, outer } of aggregatesOf(context)) {
      if (device.site !== origin.site || selections.has(device.name)) continue
      if (kind === 'service' && scope !== defaultScope(context, origin, prefix)) continue
      if (!contains(outer, parsePrefix(prefix))) continue
      const base = { devices: [device.name, origin.name], like: `${kind} ${aggregate}` }
      if (kind === 'service') {
        yield {
          ...base,
          message: `${device.name} announces ${aggregate} as soon as one address of it has scope edge, and has no route to those with the pool's own scope, ${scope}, such as ${prefix} of ${origin.name}`,
          path: `sites.${origin.site}.addresses.services`,
          severity: 'warning',
          mend: 'give the pool scope edge, or tell the peer `services` instead of `service-pools`',
        }
        continue
      }
      yield {
        ...base,
        message: `${device.name} announces ${aggregate} and has no route to ${prefix} of ${origin.name}: what is sent there is discarded`,
        path: context.pathOfSetting([origin.name], 'podCidr', origin.path),
      }
    }
  },
}

const aggregatesByContext = new WeakMap<VerifyContext, AggregateOrigin[]>()

interface AggregateOrigin {
  device: Device
  aggregate: string
  outer: ReturnType<typeof parsePrefix>
}

function aggregatesOf(context: VerifyContext): AggregateOrigin[] {
  const known = aggregatesByContext.get(context)
  if (known !== undefined) return known
  const list = context.plan.devices.flatMap((device) =>
    device.originates
      .filter(({ via }) => via === 'aggregate')
      .map(({ prefix }) => ({ device, aggregate: prefix, outer: parsePrefix(prefix) })),
  )
  aggregatesByContext.set(context, list)
  return list
}

function defaultScope({ plan }: VerifyContext, origin: Device, prefix: string): Scope | undefined {
  const inner = parsePrefix(prefix)
  const site = plan.sites.find(({ name }) => name === origin.site)
  return [...(site?.services ?? []), ...plan.globalServices].find((pool) =>
    contains(parsePrefix(pool.prefix), inner),
  )?.scope
}

export const siteWithoutDefault: Check = {
  id: 'site-without-default',
  title: 'The nodes of a site have no default route, though a peer gives one',
  severity: 'warning',
  why: 'Images, time and updates come from outside. A site that no default route reaches, neither from its own edge nor over the DCI, learns so when the first pod pulls an image.',
  mend: 'give the site an edge and a peer with `receive: [default]`, or DCI routers to a site that has one',
  *findOnRoute({ prefix, selections, origins }: Spread, { plan }: VerifyContext): Generator<Hit> {
    if (!prefix.endsWith('/0') || origins.size === 0) return
    const family = prefix.includes(':') ? 'IPv6' : 'IPv4'
    for (const site of plan.sites) {
      if (family === 'IPv6' && !site.nodes.some((text) => text.includes(':'))) continue
      const nodes = plan.devices.filter((device) => device.role === 'node' && device.site === site.name)
      const without = nodes.filter((node) => !selections.has(node.name))
      const [first] = without
      if (first === undefined) continue
      yield {
        message: `${without.length === nodes.length ? `all ${nodes.length} nodes` : `${without.length} of ${nodes.length} nodes`} of ${site.name} have no ${family} default route, such as ${first.name}`,
        devices: [first.name],
        path: `sites.${site.name}`,
        like: `${site.name} ${family}`,
      }
    }
  },
}
