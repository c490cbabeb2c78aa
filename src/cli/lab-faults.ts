import { Command } from 'commander'
import { describeFault } from '../lab/faults/describe.ts'
import { listFaults } from '../lab/faults/faults.ts'
import { onlyLab } from '../lab/state.ts'
import { openOutput } from './output.ts'
import { formatTable } from './table.ts'

/** `weft lab faults`. */
export function labFaultsCommand(): Command {
  return new Command('faults')
    .description('Lists the faults in force.')
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .addHelpText('after', '\nExample:\n  weft lab faults')
    .action(async (options: { name?: string }, command: Command) => {
      const output = openOutput(command)
      const lab = options.name ?? (await onlyLab())
      const faults = (await listFaults(lab)).map((fault) => ({ ...fault, text: describeFault(fault.spec) }))
      if (output.format === 'json') output.printJson(faults)
      else if (faults.length === 0) output.print('no fault is in force')
      else
        output.print(
          formatTable(faults, [
            { header: 'ID', value: (row) => row.id },
            { header: 'SINCE', value: (row) => row.since },
            { header: 'WHAT', value: (row) => row.text },
          ]),
        )
    })
}
