import { Command } from 'commander'
import * as z from 'zod'
import { weftFile } from '../intent/schema.ts'
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
      openOutput(command).printJson(z.toJSONSchema(weftFile, { io: 'input' }))
    })
}
