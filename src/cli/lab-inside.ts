import { Command } from 'commander'
import { askVtysh, runInside, selectDevices } from '../lab/inside.ts'
import { onlyLab, requireState } from '../lab/state.ts'
import type { Argv } from '../linux/run.ts'
import { openOutput, paint } from './output.ts'

/** `weft lab exec`. */
export function labExecCommand(): Command {
  return new Command('exec')
    .description(
      'Runs a command in a device (or in "client", the host beyond the edge) and exits as it does.',
    )
    .argument('<device>', 'name of the device')
    .argument('[command...]', 'what to run there, after --; a shell when absent')
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .addHelpText(
      'after',
      `
Examples:
  weft lab exec client -- ip route get 10.10.21.5
  weft lab exec dc1-compute1-leaf1 -- ip route
  weft lab exec dc1-spine1              a shell`,
    )
    .action(async (device: string, words: string[], options: { name?: string }) => {
      const state = await requireState(options.name ?? (await onlyLab()))
      const [command = process.env.SHELL ?? '/bin/sh', ...args] = words
      const argv: Argv = [command, ...args]
      process.exitCode = await runInside(state, device, argv)
    })
}

/** `weft lab vtysh`. */
export function labVtyshCommand(): Command {
  return new Command('vtysh')
    .description('Asks FRR of one or many devices; equal answers are shown once.')
    .argument('<device...>', 'device names, roles such as leaf, or all')
    .requiredOption('-c, --command <line>', 'what to ask; may be repeated', collect)
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .addHelpText(
      'after',
      `
Examples:
  weft lab vtysh dc1-spine1 -c 'show bgp summary'
  weft lab vtysh leaf -c 'show bfd peers brief'
  weft lab vtysh all -c 'show version'`,
    )
    .action(async (words: string[], options: { command: string[]; name?: string }, command: Command) => {
      const output = openOutput(command)
      const state = await requireState(options.name ?? (await onlyLab()))
      const answers = await askVtysh(state, selectDevices(state, words), options.command)
      if (answers.some(({ isRefused }) => isRefused)) process.exitCode = 1
      if (output.format === 'json') output.printJson(answers)
      else
        for (const { devices, text } of answers) {
          const heading = devices.length > 1 ? `${devices.join(', ')} (${devices.length})` : devices.join('')
          output.print(`${paint(output, 'bold', `== ${heading}`)}\n${text}\n`)
        }
    })
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}
