/*
 * Settings that Weft never writes and other people do: put on top of a random fabric at run time, so that the model of
 * FRR is compared beyond what plans use. Each is what an operator could type; the simulator reads the same lines.
 */
import type { ConfigChange } from '../../src/frr/config-transaction.ts'
import type { Device, Plan } from '../../src/plan/model.ts'
import { viewDevice } from '../../src/render/view.ts'

export interface Tweak {
  device: number
  kind: number
  /** Chooses among what the device has. */
  target: number
}

/** The lines of a tweak, and the device that they are for; null where it means nothing. */
export function tweakChanges(
  plan: Plan,
  { device, kind, target }: Tweak,
): { device: Device; changes: ConfigChange[] } | null {
  const candidates = plan.devices.filter(({ role }) => role !== 'external')
  const chosen = candidates[device % candidates.length]!
  const changes = tweaks[kind % tweaks.length]!(plan, chosen, target)
  return changes === null ? null : { device: chosen, changes }
}

type Make = (plan: Plan, device: Device, target: number) => ConfigChange[] | null

const tweaks: readonly Make[] = [
  inBgp('no bgp bestpath as-path multipath-relax'),
  inBgp('bgp always-compare-med'),
  inBgp('bgp bestpath compare-routerid'),
  inBgp('bgp bestpath as-path ignore'),
  inBgp('bgp bestpath bandwidth skip-missing'),
  inBgp('bgp bestpath bandwidth default-weight-for-missing'),
  inBgp('bgp bestpath bandwidth ignore'),
  inBgp('no bgp ebgp-requires-policy'),
  inFamily('maximum-paths 1'),
  // Nodes redistribute through a filter already.
  (plan, device, target) =>
    device.role === 'node' ? null : inFamily('redistribute connected')(plan, device, target),
  forGroup('allowas-in 1'),
  forGroup('weight 77'),
  // FRR refuses it towards internal neighbours.
  (plan, device, target) =>
    viewDevice(plan, device).neighbors[target % viewDevice(plan, device).neighbors.length]!.session.type ===
    'ibgp'
      ? null
      : forGroup('as-override')(plan, device, target),
  forGroup('next-hop-self'),
  forOneAs('remove-private-AS'),
  forOneAs('remove-private-AS all'),
  forOneAs('remove-private-AS all replace-AS'),
  forGroup('default-originate'),
  noForGroup('send-community large'),
  noForGroup('send-community'),
  aggregate('summary-only'),
  aggregate(''),
  inExport('set metric 7'),
  inExport('set origin incomplete'),
  inExport('set as-path prepend last-as 2'),
  inExport('set community no-export additive'),
  inExport('set community 65000:1 65000:2'),
  inExport('set extcommunity bandwidth 5'),
  inExport('set extcommunity bandwidth num-multipaths'),
  inExport('set extcommunity bandwidth cumulative'),
  inImport('set local-preference 90'),
  inImport('set weight 9'),
  inImport('set metric 3'),
  inImport('set large-community none'),
  inImport('set community graceful-shutdown additive'),
]

function inBgp(line: string): Make {
  return (_, { asn }) => [{ context: [`router bgp ${asn}`], line }]
}

function inFamily(line: string): Make {
  return (_, { asn }) => [{ context: [`router bgp ${asn}`, 'address-family ipv4 unicast'], line }]
}

function forGroup(words: string): Make {
  return (plan, device, target) =>
    inFamily(`neighbor ${groupOf(plan, device, target)} ${words}`)(plan, device, target)
}

/**
 * Neighbours that get the same are one update group to FRR, and which of their AS numbers it keeps is that of the first
 * among them: with several, that is not modelled, and `weft verify configs` says so.
 */
function forOneAs(words: string): Make {
  return (plan, device, target) => {
    const group = groupOf(plan, device, target)
    const { neighbors } = viewDevice(plan, device)
    const numbers = new Set(
      neighbors.filter(({ own }) => own.group === group).map((found) => found.peerDevice.asn),
    )
    return numbers.size > 1 ? null : forGroup(words)(plan, device, target)
  }
}

function noForGroup(words: string): Make {
  return (plan, device, target) =>
    inFamily(`no neighbor ${groupOf(plan, device, target)} ${words}`)(plan, device, target)
}

function groupOf(plan: Plan, device: Device, target: number): string {
  const { neighbors } = viewDevice(plan, device)
  return neighbors[target % neighbors.length]!.own.group
}

/** Summarises one of the site's segments somewhere in the middle of it. */
function aggregate(words: string): Make {
  return (plan, device, target) => {
    const site = plan.sites.find(({ name }) => name === device.site)!
    const segments = [site.nodes, site.switches, [site.services[0]!.prefix]]
    const prefix = segments[target % segments.length]!.find((text) => !text.includes(':'))
    if (prefix === undefined || device.originates.some((known) => known.prefix === prefix)) return null
    return inFamily(`aggregate-address ${prefix} ${words}`.trim())(plan, device, target)
  }
}

function inExport(line: string): Make {
  return inPolicy(({ own }) => own.export, line)
}

function inImport(line: string): Make {
  return inPolicy(({ own }) => own.import, line)
}

type Side = (neighbor: ReturnType<typeof viewDevice>['neighbors'][number]) => string

/** Before all other entries, which then have their say as well. */
function inPolicy(policy: Side, line: string): Make {
  return (plan, device, target) => {
    const { neighbors } = viewDevice(plan, device)
    const name = policy(neighbors[target % neighbors.length]!).replace(/^[^.]*\./, '')
    const context = [`route-map ${name} permit 1`]
    return [
      { context, line },
      { context, line: 'on-match next' },
    ]
  }
}
