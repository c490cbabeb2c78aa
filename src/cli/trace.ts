import { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { chooseByHash } from '../verify/trace/flow-hash.ts'
import { type Ending, type Trace, traceFlow, tracePackets } from '../verify/trace/trace.ts'
import { type Output, openOutput, paint } from './output.ts'
import {
  addSimulationOptions,
  findSource,
  findTarget,
  ownersOf,
  type SimulatedFabric,
  type SimulationOptions,
  simulateFabric,
} from './simulated-fabric.ts'
import { formatTable } from './table.ts'

interface TraceOptions extends SimulationOptions {
  flows?: string
}

/** `weft trace`. */
export function traceCommand(): Command {
  return addSimulationOptions(
    new Command('trace')
      .description(
        'Follows packets through the planned fabric: every router on every equal path, its share, the route it uses ' +
          'and how many next hops it has. Exit code 1 when not everything arrives.',
      )
      .argument('<from>', 'device, or an address that one device has')
      .argument('<to>', 'address, service address or device'),
  )
    .option('--flows <n>', 'send so many flows and show where their hashes take them')
    .addHelpText(
      'after',
      `
Examples:
  weft trace dc1-compute1-n1 dc2-dense1-n1             node to node, across sites
  weft trace isp-a 10.30.31.10 --announce 10.30.31.10@dc1-compute1-n1
                                                       from beyond the edge to a service address
  weft trace dc1-compute1-n1 198.51.100.7 --flows 1000 how flows spread
  weft trace dc1-compute1-n1 dc1-compute2-n1 --fail dc1-spine1 dc1-compute1-leaf1--dc1-spine2`,
    )
    .action(async (from: string, to: string, options: TraceOptions, command: Command) => {
      const output = openOutput(command)
      const flows = options.flows === undefined ? 0 : readFlows(options.flows)
      const fabric = await simulateFabric(options, output)
      const source = findSource(fabric, from).name
      const address = findTarget(fabric, to)
      if (!fabric.plane.routers.has(source))
        throw new WeftError('WEFT_ENDPOINT_UNKNOWN', `${source} is out of service by --fail`, {
          hint: 'packets must start somewhere: name another device',
          exitCode: 2,
        })
      const trace = tracePackets(fabric.plane, source, address)
      const spread = spreadFlows(fabric, trace, flows)
      if (output.format === 'json') output.printJson({ ...trace, ...(flows > 0 ? { flows: spread } : {}) })
      else print(trace, fabric, spread, output)
      if (trace.endings.some(({ outcome }) => outcome !== 'delivered')) process.exitCode = 1
    })
}

function readFlows(text: string): number {
  const flows = Number(text)
  if (Number.isInteger(flows) && flows >= 1 && flows <= 1_000_000) return flows
  throw new WeftError('WEFT_USAGE', `"${text}" is no number of flows`, {
    hint: '1 to 1,000,000, such as --flows 1000',
    exitCode: 2,
  })
}

/** Router → flows that came by. */
function spreadFlows({ plan, plane }: SimulatedFabric, trace: Trace, flows: number): Record<string, number> {
  const seeds = new Map(plan.devices.map(({ name, hashSeed }) => [name, hashSeed]))
  const counts: Record<string, number> = {}
  for (let flow = 1; flow <= flows; flow++) {
    const { way } = traceFlow(plane, trace.from, trace.address, (router, hops) =>
      chooseByHash(seeds.get(router) ?? 0, flow, hops),
    )
    for (const router of new Set(way)) counts[router] = (counts[router] ?? 0) + 1
  }
  return counts
}

function print(
  trace: Trace,
  { plan }: SimulatedFabric,
  spread: Record<string, number>,
  output: Output,
): void {
  const owners = ownersOf(plan, trace.address).map(({ name }) => name)
  const whose =
    owners.length === 0 ? '' : ` (${owners.slice(0, 4).join(', ')}${owners.length > 4 ? ', …' : ''})`
  output.print(`${paint(output, 'bold', trace.from)} to ${paint(output, 'bold', trace.address)}${whose}\n\n`)
  const hops = trace.hops.toSorted((a, b) => a.depth - b.depth || (a.router < b.router ? -1 : 1))
  const hasFlows = Object.keys(spread).length > 0
  output.print(
    formatTable(hops, [
      { header: 'HOP', value: ({ depth }) => `${depth}`, align: 'right' },
      { header: 'ROUTER', value: ({ router, depth }) => `${'  '.repeat(Math.min(depth, 12))}${router}` },
      { header: 'SHARE', value: ({ share }) => percent(share), align: 'right' },
      ...(hasFlows
        ? [
            {
              header: 'FLOWS',
              value: ({ router }: (typeof hops)[number]) => spread[router] ?? 0,
              align: 'right' as const,
            },
          ]
        : []),
      {
        header: 'WIDTH',
        value: ({ forwarding }) => (forwarding.kind === 'forward' ? forwarding.nextHops.length : null),
        align: 'right',
      },
      {
        header: 'ROUTE',
        value: ({ forwarding }) => (forwarding.kind === 'no route' ? 'no route' : forwarding.prefix),
      },
      {
        header: 'NEXT HOPS',
        value: ({ forwarding }) =>
          forwarding.kind === 'forward'
            ? abbreviate(
                forwarding.nextHops.map((hop) =>
                  hop.weight === 1 ? hop.router : `${hop.router}*${hop.weight}`,
                ),
              )
            : forwarding.kind === 'deliver'
              ? 'arrives'
              : forwarding.kind === 'discard'
                ? `discarded (${forwarding.via})`
                : 'dropped',
      },
    ]),
  )
  const arrived = sumOf(trace.endings, 'delivered')
  output.print(`\none way    ${trace.example.join(' → ')}`)
  if (arrived > 0)
    output.print(
      `arrives    ${percent(arrived)} over ${trace.paths.toLocaleString('en-US')} ways; narrowest place ${trace.narrowest}`,
    )
  for (const ending of trace.endings.filter(({ outcome }) => outcome !== 'delivered'))
    output.print(
      paint(output, 'red', `lost       ${percent(ending.share)} at ${ending.router}: ${explain(ending)}`),
    )
  if (trace.endings.some(({ outcome }) => outcome !== 'delivered'))
    output.print(`why        weft explain route ${trace.address} --on ${trace.endings[0]!.router}`)
}

function explain({ outcome, prefix }: Ending): string {
  if (outcome === 'discarded') return `${prefix} is an aggregate there, and nothing more specific is known`
  if (outcome === 'loop') return `the packets have been there before (${prefix})`
  return 'no route'
}

function sumOf(endings: readonly Ending[], outcome: Ending['outcome']): number {
  return endings.filter((ending) => ending.outcome === outcome).reduce((sum, { share }) => sum + share, 0)
}

function percent(share: number): string {
  const value = share * 100
  return `${value >= 99.95 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`
}

function abbreviate(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 3).join(' ')} … ${names.length - 3} more` : names.join(' ')
}
