import { Command } from 'commander'

/** `weft verify`. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('Judges the plan before it is deployed: checks, expectations, failures.')
    .argument('[file]', 'the intent', 'weft.yaml')
}
