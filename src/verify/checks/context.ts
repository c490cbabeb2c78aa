/** What checks look at: the plan, the intent it came from if there is one, and indexes that several of them need. */
import type { SourcePosition } from '../../diagnostics/diagnostic.ts'
import type { Intent, OverrideSettings } from '../../intent/model.ts'
import type { Device, Plan, Session } from '../../plan/model.ts'
import { resolveOverrides } from '../../plan/overrides.ts'
import { Problems } from '../../plan/problems.ts'
import { buildNetwork, type Network } from '../simulate/propagate.ts'

export interface VerifyInput {
  plan: Plan
  /** Null when a plan is verified that came without its intent. */
  intent?: Intent | null
  locate?: (path: string) => SourcePosition | undefined
  /** Up to so many devices every prefix is tried; 300 when left out. */
  exactLimit?: number
}

/** Every prefix of such a plan takes a second or two; beyond it one of each kind has to do. */
const defaultExactLimit = 300

export interface VerifyContext {
  readonly plan: Plan
  readonly intent: Intent | null
  readonly devices: ReadonlyMap<string, Device>
  readonly network: Network
  /** Every prefix is tried, not one of each kind. */
  readonly isExact: boolean
  /** The network without sessions that stay down: what routes can travel over. */
  readonly routed: Network
  readonly locate: (path: string) => SourcePosition | undefined
  /** Nodes, leaves, spines and border leaves of a site. */
  fabricOf(site: string | null): readonly Device[]
  /** Path of the last override that gave one of the devices this setting; `otherwise` when none did. */
  pathOfSetting(devices: readonly string[], key: keyof OverrideSettings, otherwise: string): string
}

/** Nodes are tier 0, super-spines 3; above are the routers that other sites and peers meet. */
const fabricTiers = 3

/** Prepares a plan for the checks. */
export function openContext({
  plan,
  intent = null,
  locate = () => undefined,
  exactLimit = defaultExactLimit,
}: VerifyInput): VerifyContext {
  let fabrics: Map<string | null, Device[]> | null = null
  let overrides: ReturnType<typeof readOverrides> | null = null
  const network = buildNetwork(plan)
  return {
    plan,
    intent,
    devices: new Map(plan.devices.map((device) => [device.name, device])),
    network,
    isExact: plan.devices.length <= exactLimit,
    routed: withoutDead(plan, network),
    locate,
    fabricOf(site) {
      fabrics ??= Map.groupBy(
        plan.devices.filter(({ tier }) => tier <= fabricTiers),
        (device) => device.site,
      )
      return fabrics.get(site) ?? []
    },
    pathOfSetting(devices, key, otherwise) {
      overrides ??= readOverrides(plan, intent)
      const found = overrides.findLast(
        ({ selected, settings }) => key in settings && devices.some((device) => selected.has(device)),
      )
      return found === undefined ? otherwise : `${found.path}.set.${key}`
    },
  }
}

/** Sessions that cannot form for what both ends are: see session-cannot-form. */
function withoutDead(plan: Plan, network: Network): Network {
  const asn = new Map(plan.devices.map((device) => [device.name, device.asn]))
  const dead = plan.sessions.filter(
    ({ type, a, b }) => (asn.get(a.device) === asn.get(b.device)) !== (type === 'ibgp'),
  )
  if (dead.length === 0) return network
  return buildNetwork(plan, { without: { links: new Set(dead.map(({ link }) => link)) } })
}

function readOverrides(plan: Plan, intent: Intent | null) {
  return (intent?.overrides ?? []).map((override) => {
    const alone = { ...intent!, overrides: [override] }
    const selected = resolveOverrides(alone, plan.devices, new Problems())
    return { path: override.path, selected: new Set(selected.keys()), settings: override.set }
  })
}

/** Path of what a session was given by override of either end, or of the class of its link. */
export function sessionPath(context: VerifyContext, session: Session, key: 'timers' | 'bfd'): string {
  const otherwise = key === 'timers' ? 'bgp.timers' : `bfd.${session.class}`
  return context.pathOfSetting([session.a.device, session.b.device], key, otherwise)
}

/** A session as people name it. */
export function nameSession({ a, b }: Session): string {
  return `${a.device} and ${b.device}`
}

/** The longest time after which a session notices a silent failure, in milliseconds. */
export function detectionMilliseconds(plan: Plan, { bfd, timers }: Session): number {
  const profile = bfd === null ? undefined : plan.bfdProfiles[bfd]
  if (profile === undefined) return timers.holdSeconds * 1000
  return Math.max(profile.transmitMilliseconds, profile.receiveMilliseconds) * profile.multiplier
}

/** Sessions that alike devices have with each other: same class of link, roles and peer groups. */
export function kindOfSession(context: VerifyContext, { a, b, class: linkClass }: Session): string {
  const role = (name: string) => context.devices.get(name)?.role
  return `${linkClass} ${role(a.device)} ${role(b.device)}`
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
