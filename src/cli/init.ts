import { writeFile } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { starterIntent } from '../intent/starter.ts'
import { name as networkName } from '../intent/values.ts'
import { errorCode, fileError, writeAtomically } from './files.ts'
import { openOutput } from './output.ts'

interface InitOptions {
  name?: string
  force?: boolean
}

/** `weft init`. */
export function initCommand(): Command {
  return new Command('init')
    .description(
      'Writes a commented starter weft.yaml: one small site, ready to plan, render and run in a lab.',
    )
    .argument('[dir]', 'where to', '.')
    .option('--name <name>', 'name of the network; that of the directory when not given')
    .option('--force', 'replace a weft.yaml that is there')
    .addHelpText('after', '\nExample:\n  weft init fabric && weft plan fabric/weft.yaml')
    .action(async (directory: string, options: InitOptions, command: Command) => {
      const output = openOutput(command)
      const starter = starterIntent(checkName(options.name ?? nameOf(directory)))
      const file = join(directory, 'weft.yaml')
      await writeStarter(file, starter, options.force ?? false)
      const shown = relative('.', file)
      if (output.format === 'json') output.printJson({ written: shown })
      else output.print(`wrote ${shown}\nnext:  weft plan${shown === 'weft.yaml' ? '' : ` ${shown}`}`)
    })
}

async function writeStarter(file: string, starter: string, replace: boolean): Promise<void> {
  if (replace) return await writeAtomically(file, starter)
  try {
    // Creating fails when the file is there, whoever else is creating it at this moment.
    await writeFile(file, starter, { flag: 'wx' })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return await writeAtomically(file, starter)
    if (errorCode(error) !== 'EEXIST') throw fileError(file, error)
    throw new WeftError('WEFT_FILE_EXISTS', `${file} is there already; it was left as it is`, {
      hint: 'name another directory, or replace it with --force',
      exitCode: 2,
    })
  }
}

function checkName(name: string): string {
  if (networkName.safeParse(name).success) return name
  throw new WeftError('WEFT_INTENT_NAME_INVALID', `"${name}" cannot name a network`, {
    hint: 'lower-case letters, digits and hyphens, at most 48, not starting or ending with a hyphen',
    exitCode: 2,
  })
}

function nameOf(directory: string): string {
  const name = basename(resolve(directory))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 48)
    .replace(/^-|-$/g, '')
  return name === '' ? 'weft' : name
}
