import { Command, InvalidArgumentError } from 'commander'
import { onlyLab, requireState } from '../lab/state.ts'
import { type TraceResult, traceFlows } from '../lab/trace.ts'
import { type Output, openOutput, paint } from './output.ts'
import { formatTable } from './table.ts'

const mostFlows = 1024
/** Between large sites there are hundreds; the table of devices says the same in less. */
const shownPaths = 16

/** `weft lab trace`. */
export function labTraceCommand(): Command {
  return new Command('trace')
    .description(
      'Sends flows between two points and shows which ways they took, how evenly, and what the plan wants instead. Exits with 1 when kernels forward otherwise than planned, or a flow does not arrive.',
    )
    .argument('<from>', 'a device, or client, the host beyond the edge')
    .argument('<to>', 'a device, or an address such as that of a Service')
    .option('--flows <n>', 'how many flows, that differ in their source port', readFlows, 64)
    .option('--port <n>', 'UDP port that they go to', readPort, 33434)
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .addHelpText(
      'after',
      `
Examples:
  weft lab trace dc1-compute1-n1 dc2-dense1-n1
  weft lab trace client 10.30.31.10 --flows 256
  weft lab trace client 10.30.31.10 -o json | jq '.hops[] | {device, flows}'`,
    )
    .action(
      async (
        from: string,
        to: string,
        options: { flows: number; port: number; name?: string },
        command: Command,
      ) => {
        const output = openOutput(command)
        const state = await requireState(options.name ?? (await onlyLab()))
        const result = await traceFlows(state, from, to, options)
        if (output.format === 'json') output.printJson(result)
        else printTrace(result, output)
        if (result.differences.length > 0) process.exitCode = 1
      },
    )
}

function printTrace(result: TraceResult, output: Output): void {
  const { from, to, address, flows, paths, hops, balance, differences, isPlanned } = result
  if (differences.length > 0) {
    output.print(
      paint(
        output,
        'bold',
        `${differences.length} ${differences.length === 1 ? 'DIFFERENCE' : 'DIFFERENCES'}`,
      ),
    )
    for (const difference of differences) output.print(difference)
    output.print('')
  }
  output.print(
    formatTable(paths.slice(0, shownPaths), [
      { header: 'FLOWS', value: (path) => path.flows, align: 'right' },
      { header: 'SHARE', value: (path) => percent(path.share), align: 'right' },
      { header: 'IDEAL', value: (path) => percent(path.ideal), align: 'right' },
      {
        header: 'PATH',
        value: (path) => `${path.devices.join(' ')}${path.isDelivered ? '' : ' (ends here)'}`,
      },
    ]),
  )
  if (paths.length > shownPaths)
    output.print(`… and ${paths.length - shownPaths} more paths (-o json has all)`)
  if (hops.length > 0) printHops(hops, output)
  output.print('')
  const target = to === address ? to : `${to} (${address})`
  output.print(
    `${flows} flows from ${from} to ${target} over ${paths.filter((path) => path.flows > 0).length} of ${paths.length} paths`,
  )
  if (paths.length > 1)
    output.print(
      `largest share ${balance.maxToMean.toFixed(2)} x mean, of which chance explains up to ${balance.noiseBound.toFixed(2)}; Jain index ${balance.jain.toFixed(3)}`,
    )
  if (!isPlanned) output.print('not compared with the plan, which does not say where this address is')
  else if (differences.length === 0) output.print('as planned')
}

function printHops(hops: TraceResult['hops'], output: Output): void {
  output.print('')
  output.print(
    formatTable(hops, [
      { header: 'AT', value: (hop) => hop.device },
      { header: 'WIDTH', value: (hop) => hop.kernel.length, align: 'right' },
      { header: 'PLANNED', value: (hop) => hop.planned?.length ?? null, align: 'right' },
      {
        header: 'FLOWS TO',
        value: flowsOf,
      },
    ]),
  )
}

function flowsOf({ flows, isUneven }: TraceResult['hops'][number]): string {
  const counts = Object.entries(flows).map(([device, count]) => `${device} ${count}`)
  return `${counts.join(' · ')}${isUneven ? '  uneven beyond chance' : ''}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function readFlows(text: string): number {
  const flows = Number(text)
  if (!Number.isInteger(flows) || flows < 1 || flows > mostFlows)
    throw new InvalidArgumentError(`expected a whole number from 1 to ${mostFlows}.`)
  return flows
}

function readPort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('expected a port, 1 to 65535.')
  return port
}
