import { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { listLabs, onlyLab } from '../lab/state.ts'
import { findLeftovers, type Leftovers, takeDown } from '../lab/teardown.ts'
import { openOutput } from './output.ts'

/** `weft lab down`. */
export function labDownCommand(): Command {
  return new Command('down')
    .description(
      'Removes a lab: processes, namespaces, sockets, files. Works on labs that are half built, killed or known by their traces only.',
    )
    .argument('[lab]', 'which lab; not needed when only one is running')
    .option('--name <lab>', 'the same as the argument')
    .option('--all', 'every lab of this machine')
    .addHelpText(
      'after',
      `
Examples:
  weft lab down
  weft lab down --all`,
    )
    .action(async (lab: string | undefined, options: { name?: string; all?: boolean }, command: Command) => {
      const output = openOutput(command)
      const removed: ({ lab: string } & Leftovers)[] = []
      for (const name of options.all ? await listLabs() : [lab ?? options.name ?? (await onlyLab())]) {
        if (isAbsent(await findLeftovers(name)))
          throw new WeftError(
            'WEFT_LAB_UNKNOWN',
            `there is no lab named "${name}", nor anything left of one`,
            {
              hint: 'see which there are: weft lab list',
              exitCode: 2,
            },
          )
        const found = await takeDown(name)
        removed.push({ lab: name, ...found })
        if (output.format === 'text')
          output.print(
            `lab "${name}" is gone: ${found.namespaces.length} namespaces, ${found.pids.length} processes`,
          )
      }
      if (output.format === 'json') output.printJson(removed)
      else if (removed.length === 0) output.print('no lab is running')
    })
}

function isAbsent(found: Leftovers): boolean {
  return (
    !found.hasState &&
    found.namespaces.length === 0 &&
    found.pids.length === 0 &&
    found.socketDirectories.length === 0
  )
}
