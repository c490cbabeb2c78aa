import { Command } from 'commander'
import type { Device } from '../plan/model.ts'
import { type ControlPlane, isLocal } from '../verify/simulate/control-plane.ts'
import { nextHopsOf } from '../verify/simulate/forwarding.ts'
import { type OrderEffect, orderEffects } from '../verify/simulate/order-effects.ts'
import { openOutput } from './output.ts'
import { requireDevices } from './plan-devices.ts'
import { type PrefixArgument, readPrefixArgument } from './prefix-argument.ts'
import {
  addSimulationOptions,
  type SimulatedFabric,
  type SimulationOptions,
  simulateFabric,
} from './simulated-fabric.ts'
import { formatTable } from './table.ts'

interface RoutesOptions extends SimulationOptions {
  on?: string
  all?: boolean
}

interface Row {
  device: string
  role: string
  site: string | null
  prefix: string
  local: boolean
  discard: boolean
  nextHops: { interface: string; router: string; weight: number }[]
  asPath: readonly number[]
  localPreference: number
  communities: string[]
  dependsOnOrder: boolean
}

/** More rows than this are counted by kind unless `--all` asks for each. */
const manyRows = 40

/** `weft routes`. */
export function routesCommand(): Command {
  return addSimulationOptions(
    new Command('routes')
      .description(
        'Shows who has a route to a prefix or address in the planned fabric, over which next hops, with which path ' +
          'and communities. An address is looked up as routers do: the longest match of each counts.',
      )
      .argument('<prefix>', 'prefix or address'),
  )
    .option('--on <device|role>', 'only this device, or devices of this role')
    .option('--all', 'every device in a row of its own, however many')
    .addHelpText(
      'after',
      `
Examples:
  weft routes 10.10.21.5                      who has a way to a service address
  weft routes 10.20.19.0/24 --on border-leaf  what the border leaves hold of another site
  weft routes 0.0.0.0/0 --on dc1-compute1-n1
  weft routes 10.10.19.1 --fail dc1-spine1    after a failure`,
    )
    .action(async (text: string, options: RoutesOptions, command: Command) => {
      const output = openOutput(command)
      const wanted = readPrefixArgument(text)
      const fabric = await simulateFabric(options, output)
      const devices = options.on === undefined ? fabric.plan.devices : requireDevices(fabric.plan, options.on)
      const rows = devices.flatMap((device) => rowOf(fabric, device, wanted) ?? [])
      const without = devices.filter(({ name }) => !rows.some((row) => row.device === name))
      if (output.format === 'json') {
        output.printJson({ prefix: text, routes: rows, without: without.map(({ name }) => name) })
        return
      }
      if (rows.length > 0)
        output.print(rows.length > manyRows && !options.all ? formatGroups(rows) : formatRows(rows))
      if (without.length > 0) {
        const names = without.slice(0, 8).map(({ name }) => name)
        output.print(
          `${rows.length > 0 ? '\n' : ''}no route on ${without.length} of ${devices.length}: ${names.join(' ')}${without.length > 8 ? ' …' : ''}`,
        )
      }
      const tied = rows.filter(({ dependsOnOrder }) => dependsOnOrder)
      if (tied.length > 0)
        output.print(
          `\n* next hops depend on which path came first: ${tied
            .map(({ device }) => device)
            .slice(0, 8)
            .join(' ')}`,
        )
      if (rows.length === 0) process.exitCode = 1
    })
}

function rowOf(
  { plane, plan }: SimulatedFabric,
  device: Device,
  { text, isAddress }: PrefixArgument,
): Row | null {
  const candidates = isAddress ? plane.covering(text) : [text]
  const prefix = candidates.find((candidate) => plane.table(candidate).entries.has(device.name))
  if (prefix === undefined) return null
  const entry = plane.table(prefix).entries.get(device.name)!
  const { best } = entry.decision
  const names = new Map(Object.entries(plan.communities).map(([name, value]) => [value, name]))
  return {
    device: device.name,
    role: device.role,
    site: device.site,
    prefix,
    local: isLocal(entry),
    discard: best.source === 'aggregate',
    nextHops: nextHopsOf(plane.routers.get(device.name)!, entry),
    asPath: best.route.asPath,
    localPreference: best.route.localPreference,
    communities: [
      ...best.route.largeCommunities.map((value) => names.get(value) ?? value),
      ...best.route.communities.map((value) => (value === '65535:0' ? 'GRACEFUL_SHUTDOWN' : value)),
    ],
    dependsOnOrder: orderedAt(plane, prefix).has(device.name),
  }
}

const ordered = new WeakMap<readonly OrderEffect[], Set<string>>()

/** Devices whose next hops depend on the order of arrival. */
function orderedAt(plane: ControlPlane, prefix: string): Set<string> {
  const effects = orderEffects(plane, prefix)
  const known = ordered.get(effects) ?? new Set(effects.map(({ router }) => router))
  ordered.set(effects, known)
  return known
}

function formatRows(rows: readonly Row[]): string {
  return formatTable(rows, [
    { header: 'DEVICE', value: ({ device, dependsOnOrder }) => `${device}${dependsOnOrder ? '*' : ''}` },
    { header: 'ROLE', value: ({ role }) => role, isOptional: true },
    { header: 'PREFIX', value: ({ prefix }) => prefix },
    { header: 'WIDTH', value: ({ nextHops, local }) => (local ? null : nextHops.length), align: 'right' },
    { header: 'NEXT HOPS', value: describeHops },
    { header: 'AS PATH', value: ({ asPath }) => asPath.join(' ') },
    { header: 'PREF', value: ({ localPreference }) => localPreference, align: 'right', isOptional: true },
    { header: 'COMMUNITIES', value: ({ communities }) => communities.join(' '), isOptional: true },
  ])
}

function describeHops({ local, discard, nextHops }: Row): string {
  if (local) return discard ? 'own aggregate' : 'announced here'
  const names = nextHops.map(({ router, weight }) => (weight === 1 ? router : `${router}*${weight}`))
  return names.length > 4 ? `${names.slice(0, 3).join(' ')} … ${names.length - 3} more` : names.join(' ')
}

/** Devices of one site and role with as many next hops count together. */
function formatGroups(rows: readonly Row[]): string {
  const groups = [
    ...Map.groupBy(rows, ({ site, role, prefix, local, nextHops, asPath }) =>
      [site, role, prefix, local, nextHops.length, asPath.length].join(' '),
    ).values(),
  ]
  return formatTable(groups, [
    { header: 'SITE', value: ([row]) => row!.site },
    { header: 'ROLE', value: ([row]) => row!.role },
    { header: 'DEVICES', value: (group) => group.length, align: 'right' },
    { header: 'PREFIX', value: ([row]) => row!.prefix },
    { header: 'WIDTH', value: ([row]) => (row!.local ? null : row!.nextHops.length), align: 'right' },
    { header: 'AS HOPS', value: ([row]) => row!.asPath.length, align: 'right' },
    { header: 'SUCH AS', value: ([row]) => row!.device },
  ])
}
