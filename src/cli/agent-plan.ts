import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { runInside } from '../lab/inside.ts'
import { pathsOf } from '../lab/names.ts'
import { onlyLab, requireState } from '../lab/state.ts'
import type { Argv } from '../linux/run.ts'
import { openOutput } from './output.ts'

const agentProgram = fileURLToPath(new URL('../agent/main.ts', import.meta.url))

/** `weft agent plan`. */
export function agentPlanCommand(): Command {
  return new Command('plan')
    .description(
      'Prints exactly what an agent that starts now would send to FRR, the kernel and nftables, and changes nothing. ' +
        'May run beside the agent.',
    )
    .argument('[config]', 'the agent’s configuration; that of the lab’s node with --node')
    .option('--node <name>', 'a node of a lab')
    .option('--lab <name>', 'which lab; not needed when only one is running')
    .addHelpText(
      'after',
      `
Examples:
  weft agent plan /etc/weft/agent.json
  weft agent plan --node dc1-compute1-n1 --lab demo
  weft agent plan /etc/weft/agent.json -o json | jq '.steps[] | select(.to == "bgpd")'`,
    )
    .action(async (config: string | undefined, options: { node?: string; lab?: string }, self: Command) => {
      const json = openOutput(self).format === 'json' ? ['--json'] : []
      const argv = (file: string): Argv => [process.execPath, agentProgram, '--dry-run', ...json, file]
      if (options.node !== undefined) {
        const state = await requireState(options.lab ?? (await onlyLab()))
        const file = config ?? `${pathsOf(state.name).configs}/${options.node}/agent.json`
        process.exitCode = await runInside(state, options.node, argv(file))
      } else if (config !== undefined) process.exitCode = await runHere(argv(config))
      else {
        throw new WeftError('WEFT_USAGE', 'neither a configuration nor a node is named', {
          hint: 'weft agent plan /etc/weft/agent.json, or --node of a lab',
          exitCode: 2,
        })
      }
    })
}

async function runHere([command, ...args]: Argv): Promise<number> {
  const [code] = (await once(spawn(command, args, { stdio: 'inherit' }), 'close')) as [number | null]
  return code ?? 70
}
