import { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { parseAddress } from '../net/address.ts'
import type { Plan } from '../plan/model.ts'
import { computeLoad, type Demand, type LoadResult } from '../verify/load/load.ts'
import { findEqualSeeds } from '../verify/load/polarisation.ts'
import { readText } from './files.ts'
import { type Output, openOutput, paint } from './output.ts'
import { requireDevice, requireDevices } from './plan-devices.ts'
import {
  addSimulationOptions,
  findTarget,
  type SimulatedFabric,
  type SimulationOptions,
  simulateFabric,
} from './simulated-fabric.ts'
import { formatTable } from './table.ts'

interface LoadOptions extends SimulationOptions {
  from?: string
  to?: string
  matrix?: string
  top: string
}

/** Destinations times sources above which the answer would take minutes. */
const manyDemands = 4_000_000

/** `weft load`. */
export function loadCommand(): Command {
  return addSimulationOptions(
    new Command('load').description(
      'Says how a traffic matrix spreads over the planned fabric: the expected share of every link and of every place ' +
        'where it ends, weights included. Without a matrix every node sends the same to every other node.',
    ),
  )
    .option('--from <device|role>', 'who sends; default: node')
    .option('--to <address|device|role>', 'who receives; default: node')
    .option('--matrix <file>', 'JSON: [{"from": "dc1-n1", "to": "10.10.21.5", "amount": 4}, …]')
    .option('--top <n>', 'links to show, busiest first', '12')
    .addHelpText(
      'after',
      `
Examples:
  weft load                                  every node to every other
  weft load --from external --to 10.30.31.10 from beyond the edge to a service address
  weft load --matrix traffic.json --fail dc1-spine1
  weft load --from dc1-compute1-n1 --to edge-router --top 40 -o json`,
    )
    .action(async (options: LoadOptions, command: Command) => {
      const output = openOutput(command)
      const top = readTop(options.top)
      const fabric = await simulateFabric(options, output)
      const demands =
        options.matrix === undefined
          ? evenDemands(fabric, options.from ?? 'node', options.to ?? 'node')
          : readMatrix(
              await readText(options.matrix, 'write a JSON file with from, to, amount'),
              options.matrix,
              fabric,
            )
      const result = computeLoad(fabric.plane, demands)
      const equalSeeds = findEqualSeeds(fabric.plan)
      if (output.format === 'json')
        output.printJson({
          offered: result.offered,
          links: result.links,
          delivered: Object.fromEntries(result.delivered),
          lost: result.lost,
          equalSeeds,
        })
      else print(result, fabric.plan, equalSeeds, top, output)
      if (result.lost.length > 0) process.exitCode = 1
    })
}

function readTop(text: string): number {
  const top = Number(text)
  if (Number.isInteger(top) && top >= 1) return top
  throw new WeftError('WEFT_USAGE', `"${text}" is no number of links`, { hint: '--top 40', exitCode: 2 })
}

/** Each source sends 1 in all, in equal parts to all targets but itself. */
function evenDemands(fabric: SimulatedFabric, from: string, to: string): Demand[] {
  const sources = namesOf(fabric, from)
  const targets = parseAddress(to) === null ? namesOf(fabric, to) : [to]
  if (sources.length * targets.length > manyDemands)
    throw new WeftError(
      'WEFT_LOAD_TOO_LARGE',
      `${sources.length} sources times ${targets.length} destinations are more than ${manyDemands}`,
      { hint: 'narrow it with --from or --to, or write the demands that matter to a --matrix', exitCode: 2 },
    )
  const addresses = targets.map((name) => ({ name, address: findTarget(fabric, name) }))
  return sources.flatMap((source) => {
    const others = addresses.filter(({ name }) => name !== source)
    return others.map(({ address }) => ({ from: source, to: address, amount: 1 / others.length }))
  })
}

function namesOf({ plan, plane }: SimulatedFabric, text: string): string[] {
  return requireDevices(plan, text)
    .map(({ name }) => name)
    .filter((name) => plane.routers.has(name))
}

function readMatrix(text: string, file: string, fabric: SimulatedFabric): Demand[] {
  let rows: unknown
  try {
    rows = JSON.parse(text)
  } catch (error) {
    throw matrixError(file, `it is not JSON: ${(error as Error).message}`)
  }
  if (!Array.isArray(rows)) throw matrixError(file, 'it is not a list')
  return rows.map((row: unknown, index) => {
    const { from, to, amount = 1 } = (row ?? {}) as Partial<Record<string, unknown>>
    if (typeof from !== 'string' || typeof to !== 'string')
      throw matrixError(file, `entry ${index + 1} lacks "from" or "to"`)
    if (typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0)
      throw matrixError(file, `entry ${index + 1} has an "amount" that is no number of 0 or more`)
    const source = requireDevice(fabric.plan, from).name
    if (!fabric.plane.routers.has(source)) throw matrixError(file, `${from} is out of service by --fail`)
    return { from: source, to: findTarget(fabric, to), amount }
  })
}

function matrixError(file: string, problem: string): WeftError {
  return new WeftError('WEFT_LOAD_MATRIX', `${file}: ${problem}`, {
    hint: 'expected [{"from": "dc1-compute1-n1", "to": "10.10.21.5", "amount": 4}, …]',
    exitCode: 2,
  })
}

function print(
  result: LoadResult,
  plan: Plan,
  equalSeeds: readonly { from: string; to: string; seed: number }[],
  top: number,
  output: Output,
): void {
  const roles = new Map(plan.devices.map(({ name, role }) => [name, role]))
  const total = result.offered
  const share = (amount: number) => `${((100 * amount) / total).toFixed(2)} %`
  const classes = [
    ...Map.groupBy(result.links, ({ from, to }) => `${roles.get(from)} → ${roles.get(to)}`),
  ].map(([name, links]) => {
    const sum = links.reduce((all, { amount }) => all + amount, 0)
    return { name, links, mean: sum / links.length, most: links[0]!.amount }
  })
  output.print(
    formatTable(classes, [
      { header: 'LINKS', value: ({ name }) => name },
      { header: 'NUMBER', value: ({ links }) => links.length, align: 'right' },
      { header: 'MEAN', value: ({ mean }) => share(mean), align: 'right' },
      { header: 'BUSIEST', value: ({ most }) => share(most), align: 'right' },
      { header: 'BUSIEST/MEAN', value: ({ most, mean }) => (most / mean).toFixed(2), align: 'right' },
    ]),
  )
  output.print('')
  output.print(
    formatTable(result.links.slice(0, top), [
      { header: 'FROM', value: ({ from }) => from },
      { header: 'TO', value: ({ to }) => to },
      { header: 'SHARE OF ALL', value: ({ amount }) => share(amount), align: 'right' },
    ]),
  )
  if (result.links.length > top)
    output.print(`… ${result.links.length - top} more: --top ${result.links.length}`)
  const ends = [...result.delivered].sort(([, a], [, b]) => b - a)
  output.print('')
  output.print(
    formatTable(ends.slice(0, top), [
      { header: 'ENDS AT', value: ([name]) => name },
      { header: 'SHARE OF ALL', value: ([, amount]) => share(amount), align: 'right' },
    ]),
  )
  if (ends.length > top) output.print(`… ${ends.length - top} more`)
  for (const { router, reason, amount } of result.lost)
    output.print(paint(output, 'red', `lost ${share(amount)} at ${router}: ${reason}`))
  if (equalSeeds.length > 0) {
    const { from, to, seed } = equalSeeds[0]!
    output.print(
      paint(
        output,
        'yellow',
        `\n${equalSeeds.length} pairs of neighbours have the same hash seed, such as ${from} and ${to} (${seed}): the second does not spread what the first chose (polarisation)`,
      ),
    )
  }
}
