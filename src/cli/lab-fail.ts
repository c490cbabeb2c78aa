import { Argument, Command } from 'commander'
import { describeFault } from '../lab/faults/describe.ts'
import { injectFault } from '../lab/faults/faults.ts'
import { type FaultGrammar, faultGrammar } from '../lab/faults/grammar.ts'
import { buildFault } from '../lab/faults/words.ts'
import { onlyLab } from '../lab/state.ts'
import { openOutput } from './output.ts'

/** `weft lab fail`: a command for each kind of thing that can fail. */
export function labFailCommand(): Command {
  const fail = new Command('fail')
    .description('Breaks something in a running lab, until it is healed. Faults compose; each has an id.')
    .addHelpText(
      'after',
      `
Examples:
${faultGrammar.map(({ example }) => `  weft lab fail ${example}`).join('\n')}

  weft lab faults        what is broken now
  weft lab heal --all    mend everything`,
    )
  for (const grammar of faultGrammar) fail.addCommand(commandOf(grammar))
  return fail
}

function commandOf(grammar: FaultGrammar): Command {
  const command = new Command(grammar.word).description(grammar.summary)
  for (const { name, summary, choices } of grammar.arguments) {
    const argument = new Argument(`<${name}>`, summary)
    command.addArgument(choices === undefined ? argument : argument.choices(choices))
  }
  for (const { name, value, summary } of grammar.options)
    command.option(value === undefined ? `--${name}` : `--${name} <${value}>`, summary)
  return command
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .addHelpText('after', `\nExample:\n  weft lab fail ${grammar.example}`)
    .action(async () => {
      const output = openOutput(command)
      const { name, ...options } = command.opts<Record<string, string | true | undefined>>()
      const spec = buildFault(grammar, command.args, options)
      const lab = typeof name === 'string' ? name : await onlyLab()
      const fault = await injectFault(lab, spec)
      if (output.format === 'json') output.printJson({ lab, ...fault, text: describeFault(fault.spec) })
      else output.print(`${fault.id}  ${describeFault(fault.spec)}`)
    })
}
