import { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { describeFault } from '../lab/faults/describe.ts'
import { healAll, healFault, listFaults } from '../lab/faults/faults.ts'
import type { ActiveFault } from '../lab/faults/model.ts'
import { onlyLab } from '../lab/state.ts'
import { openOutput } from './output.ts'

interface HealOptions {
  all?: boolean
  name?: string
}

/** `weft lab heal`. */
export function labHealCommand(): Command {
  return new Command('heal')
    .description(
      'Mends what faults broke, in any order: what another fault still breaks stays broken. After a crash, --all restores the lab.',
    )
    .argument('[id...]', 'faults, as "weft lab faults" lists them')
    .option('--all', 'every fault in force')
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .addHelpText(
      'after',
      `
Examples:
  weft lab heal f3
  weft lab heal --all`,
    )
    .action(async (ids: string[], options: HealOptions, command: Command) => {
      const output = openOutput(command)
      const lab = options.name ?? (await onlyLab())
      if (ids.length > 0 === (options.all === true)) throw nothingSaid(await listFaults(lab))
      const healed: ActiveFault[] = []
      if (options.all) healed.push(...(await healAll(lab)))
      for (const id of ids) {
        const fault = (await listFaults(lab)).find((candidate) => candidate.id === id)
        await healFault(lab, id)
        if (fault !== undefined) healed.push(fault)
        else if (output.format === 'text') output.print(`${id} was healed before`)
      }
      if (output.format === 'json') output.printJson({ lab, healed })
      else if (options.all && healed.length === 0) output.print('no fault was in force')
      else for (const { id, spec } of healed) output.print(`${id}  healed: ${describeFault(spec)}`)
    })
}

function nothingSaid(faults: readonly ActiveFault[]): WeftError {
  const ids = faults.map(({ id }) => id).join(' ')
  return new WeftError('WEFT_USAGE', 'say either which faults to heal, or --all', {
    hint: ids === '' ? 'no fault is in force' : `in force: ${ids}`,
    exitCode: 2,
  })
}
