import { Command } from 'commander'
import { builtInSuites, builtInText } from '../lab/drills/catalog.ts'
import { openOutput, paint } from './output.ts'
import { formatTable } from './table.ts'

/** `weft drill list`. */
export function drillListCommand(): Command {
  return new Command('list')
    .description('Lists the drills and suites that come with Weft.')
    .addHelpText('after', '\nExample:\n  weft drill list')
    .action((_: object, command: Command) => {
      const output = openOutput(command)
      const suites = builtInSuites()
      if (output.format === 'json') {
        output.printJson(
          suites.map(({ name, title, include, drills }) => ({
            suite: name,
            title,
            include,
            drills: drills.map((drill) => ({
              name: drill.name,
              title: drill.title,
              class: drill.failureClass,
              planned: drill.isPlanned,
            })),
          })),
        )
        return
      }
      for (const { name, title, include, drills } of suites) {
        output.print(`${paint(output, 'bold', name)}  ${title}`)
        if (include.length > 0) output.print(`  = ${include.join(', ')}`)
        if (drills.length > 0)
          output.print(
            formatTable(drills, [
              { header: '  DRILL', value: (drill) => `  ${drill.name}` },
              { header: 'WHAT HAPPENS', value: (drill) => drill.title },
            ]),
          )
        output.print('')
      }
    })
}

/** `weft drill show`. */
export function drillShowCommand(): Command {
  return new Command('show')
    .description('Prints a built-in drill or suite: to read, or to start one of your own from.')
    .argument('<name>', 'of a drill or a suite')
    .addHelpText('after', '\nExample:\n  weft drill show silent-leaf-node')
    .action((name: string, _: object, command: Command) => {
      const output = openOutput(command)
      const text = builtInText(name)
      if (output.format === 'json') output.printJson({ name, text })
      else output.print(text)
    })
}
