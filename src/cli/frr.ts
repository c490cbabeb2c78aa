import { Command } from 'commander'
import { frrRestartCommand } from './frr-restart.ts'

/** `weft frr`. */
export function frrCommand(): Command {
  return new Command('frr')
    .description('Looks after FRR on a node.')
    .addCommand(frrRestartCommand())
    .addHelpText('after', '\nExample:\n  weft frr restart --dry-run')
}
