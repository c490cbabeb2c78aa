import { Command } from 'commander'
import { describeFault } from '../lab/faults/describe.ts'
import { clearImpairments, impairLink, parseImpairment } from '../lab/faults/impair.ts'
import { onlyLab } from '../lab/state.ts'
import { openOutput } from './output.ts'

/** `weft lab impair`. */
export function labImpairCommand(): Command {
  return new Command('impair')
    .description('Makes a link lossy or slow, both ways or one way; what is not named stays as it is.')
    .argument('<link>', '<device>--<device>')
    .argument('<setting...>', 'loss=<percent>, rate=<rate>, loss=0%, rate=none; or clear')
    .option('--from <device>', 'only what this device sends')
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .addHelpText(
      'after',
      `
Examples:
  weft lab impair dc1-spine1--dc1-compute1-leaf1 loss=1% rate=10mbit
  weft lab impair dc1-spine1--dc1-compute1-leaf1 loss=0%       the rate stays
  weft lab impair dc1-spine1--dc1-compute1-leaf1 clear`,
    )
    .action(
      async (
        link: string,
        settings: string[],
        options: { from?: string; name?: string },
        command: Command,
      ) => {
        const output = openOutput(command)
        const lab = options.name ?? (await onlyLab())
        const isCleared = settings.join(' ') === 'clear'
        const faults = isCleared
          ? await clearImpairments(lab, link)
          : await impairLink(lab, link, parseImpairment(settings), options.from)
        if (output.format === 'json') output.printJson({ lab, [isCleared ? 'healed' : 'inForce']: faults })
        else if (faults.length === 0) output.print(`${link} is not impaired`)
        else
          for (const { id, spec } of faults)
            output.print(`${id}  ${isCleared ? 'healed: ' : ''}${describeFault(spec)}`)
      },
    )
}
