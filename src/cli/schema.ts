import { Command } from 'commander'
import { formatJsonSchema } from '../intent/json-schema.ts'
import { openOutput } from './output.ts'

/** `weft schema`. */
export function schemaCommand(): Command {
  return new Command('schema')
    .description('Prints the JSON Schema of weft.yaml: editors complete keys and explain values with it.')
    .addHelpText(
      'after',
      `
Example:
  weft schema > weft.schema.json
  and as a line of weft.yaml:  # yaml-language-server: $schema=weft.schema.json`,
    )
    .action((_options: object, command: Command) => {
      openOutput(command).print(formatJsonSchema())
    })
}
