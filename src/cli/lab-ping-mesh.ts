import { Command, InvalidArgumentError } from 'commander'
import { type MeshResult, type MeshViolation, pingMesh } from '../lab/ping-mesh.ts'
import { onlyLab, requireState } from '../lab/state.ts'
import { type Output, openOutput, paint } from './output.ts'
import { formatTable } from './table.ts'

const shown = 20

/** `weft lab ping-mesh`. */
export function labPingMeshCommand(): Command {
  return new Command('ping-mesh')
    .description(
      'Tries who reaches whom with real packets: every node to every node, pods and announced services, against the plan; or what the intent’s expect section says. Exits with 1 when something does not arrive that should, or arrives that should not.',
    )
    .option('--expect', 'try the reach and isolate statements of the intent instead')
    .option('--flows <n>', 'packets for each pair, each from a source port of its own', readFlows, 4)
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .addHelpText(
      'after',
      `
Packets are looked for where they are to arrive, and need no way back. Isolated means that no route leads there.

Examples:
  weft lab ping-mesh
  weft lab ping-mesh --expect
  weft lab ping-mesh --expect -o json | jq '.violations[0]'`,
    )
    .action(async (options: { expect?: true; flows: number; name?: string }, command: Command) => {
      const output = openOutput(command)
      const state = await requireState(options.name ?? (await onlyLab()))
      const result = await pingMesh(state, { ofIntent: options.expect === true, flows: options.flows })
      if (output.format === 'json') output.printJson(result)
      else printMesh(result, output)
      if (result.violations.length > 0) process.exitCode = 1
    })
}

function printMesh({ statements, violations }: MeshResult, output: Output): void {
  if (violations.length > 0) {
    output.print(paint(output, 'bold', `${violations.length} VIOLATED`))
    for (const violation of violations.slice(0, shown)) output.print(describe(violation))
    if (violations.length > shown) output.print(`… and ${violations.length - shown} more (-o json has all)`)
    output.print('')
  }
  output.print(
    formatTable(statements, [
      { header: 'STATEMENT', value: ({ text }) => text },
      { header: 'PAIRS', value: ({ pairs }) => pairs, align: 'right' },
      { header: 'ARRIVED', value: ({ arrived }) => arrived, align: 'right' },
      { header: 'VIOLATED', value: ({ violated }) => violated, align: 'right' },
      { header: 'NOT TRIED', value: ({ untried }) => untried },
    ]),
  )
  if (statements.length === 0) output.print('the intent has no reach or isolate statement under expect')
}

function describe({ statement, path, from, address, owners, sent, arrived }: MeshViolation): string {
  const target = owners.length === 1 ? `${address} (${owners[0]})` : `${address} (${owners.length} hosts)`
  const place = path === null ? '' : ` (${path})`
  return `${statement}${place}: ${arrived} of ${sent} packets from ${from} came to ${target}`
}

function readFlows(text: string): number {
  const flows = Number(text)
  if (!Number.isInteger(flows) || flows < 1 || flows > 64)
    throw new InvalidArgumentError('expected a whole number from 1 to 64.')
  return flows
}
