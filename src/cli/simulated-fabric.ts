import type { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { parseAddress } from '../net/address.ts'
import { contains, formatPrefix, hostPrefix, parsePrefix } from '../net/prefix.ts'
import type { Device, Plan } from '../plan/model.ts'
import { ControlPlane } from '../verify/simulate/control-plane.ts'
import type { RouteMapEntry, RouterModel } from '../verify/simulate/router-model.ts'
import { networkOfPlan } from '../verify/simulate/router-of-plan.ts'
import type { Output } from './output.ts'
import { findLink, requireDevice } from './plan-devices.ts'
import { loadProject } from './project.ts'

/*
 * The planned fabric, simulated: what `trace`, `routes`, `explain` and `load` ask. Nothing is written, and no lab or
 * router is needed. With `--fail` some links or devices are out of service.
 */

export interface SimulationOptions {
  file: string
  fail?: string[]
  announce?: string[]
}

export interface SimulatedFabric {
  plan: Plan
  plane: ControlPlane
}

/** Adds the options that all of them share. */
export function addSimulationOptions(command: Command): Command {
  return command
    .option('-f, --file <intent>', 'the intent', 'weft.yaml')
    .option('--fail <what...>', 'links (a--b) and devices that are out of service')
    .option(
      '--announce <address@node...>',
      'service addresses that agents announce: ADDRESS@NODE, with :SCOPE, *WEIGHT or both',
    )
}

/** Plans the intent and simulates it. */
export async function simulateFabric(options: SimulationOptions, output: Output): Promise<SimulatedFabric> {
  const { plan } = await loadProject(options.file, output)
  const links = new Set<string>()
  const devices = new Set<string>()
  for (const name of options.fail ?? []) {
    const link = findLink(plan, name)
    if (link !== null) links.add(link.id)
    else devices.add(requireDevice(plan, name).name)
  }
  const network = networkOfPlan(plan, { without: { links, devices } })
  const announcements = (options.announce ?? []).map((text) => readAnnouncement(plan, text))
  return { plan, plane: new ControlPlane({ ...network, routers: announce(network.routers, announcements) }) }
}

interface Announcement {
  node: string
  prefix: string
  scope: string | null
  weight: number | null
}

/** `10.10.21.5@dc1-compute1-n1:global*3`. */
function readAnnouncement(plan: Plan, text: string): Announcement {
  const [, address = '', node = '', scope, weight] =
    /^([^@]+)@([^:*]+)(?::(\w+))?(?:\*(\d{1,5}))?$/.exec(text) ?? []
  const parsed = parseAddress(address)
  const isScope = scope === undefined || ['rack', 'site', 'global', 'edge'].includes(scope)
  if (parsed === null || node === '' || !isScope || (weight !== undefined && Number(weight) < 1))
    throw new WeftError('WEFT_USAGE', `"${text}" is no announcement`, {
      hint: 'such as 10.10.21.5@dc1-compute1-n1, 10.10.21.5@dc1-compute1-n1:global or 10.10.21.5@dc1-compute1-n1*3',
      exitCode: 2,
    })
  const device = requireDevice(plan, node)
  if (device.role !== 'node')
    throw new WeftError('WEFT_USAGE', `${node} is a ${device.role}: only nodes announce service addresses`, {
      hint: `nodes: ${plan.devices
        .filter(({ role }) => role === 'node')
        .slice(0, 4)
        .map(({ name }) => name)
        .join(', ')}`,
      exitCode: 2,
    })
  return {
    node,
    prefix: formatPrefix(hostPrefix(parsed)),
    scope: scope ?? null,
    weight: weight === undefined ? null : Number(weight),
  }
}

/** Adds what agents would say, by the route maps that they would say it with. */
function announce(
  routers: readonly RouterModel[],
  announcements: readonly Announcement[],
): readonly RouterModel[] {
  return announcements.reduce(
    (all, { node, prefix, scope, weight }) =>
      all.map((router) => {
        if (router.name !== node) return router
        const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
        const base = scope === null ? null : `VIP-${scope}`
        const name = weight === null ? base : `ANNOUNCE-${prefix}`
        const entry: RouteMapEntry = {
          sequence: 10,
          action: 'permit',
          matches: [],
          sets: weight === null ? [] : [{ set: 'bandwidth', megabits: weight }],
          call: base,
          onMatch: null,
        }
        const { networks } = router.families[family]
        return {
          ...router,
          routeMaps: weight === null ? router.routeMaps : { ...router.routeMaps, [name!]: [entry] },
          families: {
            ...router.families,
            [family]: {
              ...router.families[family],
              networks: [...networks.filter((known) => known.prefix !== prefix), { prefix, routeMap: name }],
            },
          },
        }
      }),
    [...routers],
  )
}

/** A device by name, or the one that has an address; several may announce a service address. */
export function findSource({ plan }: SimulatedFabric, text: string): Device {
  if (parseAddress(text) === null) return requireDevice(plan, text)
  const owners = ownersOf(plan, text)
  if (owners.length === 1) return owners[0]!
  throw new WeftError(
    'WEFT_ENDPOINT_UNKNOWN',
    owners.length === 0
      ? `no device of this plan has the address ${text}`
      : `${owners.length} devices have the address ${text}`,
    {
      hint:
        owners.length === 0
          ? 'packets start at a device: name one, or one of its addresses'
          : `name one of them: ${owners
              .slice(0, 6)
              .map(({ name }) => name)
              .join(', ')}`,
      exitCode: 2,
    },
  )
}

/** An address as it stands, or the stable address of a device. */
export function findTarget({ plan }: SimulatedFabric, text: string): string {
  if (parseAddress(text) !== null) return text
  const device = requireDevice(plan, text)
  const prefix = device.loopbacks[0] ?? device.originates[0]?.prefix
  if (prefix === undefined)
    throw new WeftError('WEFT_ENDPOINT_UNKNOWN', `${text} has no address of its own`, {
      hint: 'name an address behind it instead',
      exitCode: 2,
    })
  return prefix.split('/')[0]!
}

/** Devices that have an address: their own, in their pod prefix, or announced by them. */
export function ownersOf(plan: Plan, address: string): Device[] {
  const parsed = parseAddress(address)
  if (parsed === null) return []
  const host = hostPrefix(parsed)
  return plan.devices.filter(({ loopbacks, podCidrs, vips, interfaces }) =>
    [
      ...[...loopbacks, ...podCidrs, ...vips].map((prefix) => contains(parsePrefix(prefix), host)),
      ...interfaces.flatMap(({ addresses }) => addresses.map((entry) => entry.split('/')[0] === address)),
    ].includes(true),
  )
}
