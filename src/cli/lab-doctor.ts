import { Command } from 'commander'
import type { Check } from '../lab/check.ts'
import { examineMachine } from '../lab/doctor.ts'
import { openOutput, paint } from './output.ts'
import { loadProject } from './project.ts'

/** `weft lab doctor`. */
export function labDoctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Looks whether this machine can run labs, by trying: privileges, tools, kernel features, FRR, limits, leftovers. ' +
        'Exits with 3 when it cannot.',
    )
    .argument('[file]', 'an intent, to check memory and processor for it too')
    .addHelpText(
      'after',
      `
Examples:
  weft lab doctor
  weft lab doctor weft.yaml`,
    )
    .action(async (file: string | undefined, _options: unknown, command: Command) => {
      const output = openOutput(command)
      const plan = file === undefined ? null : (await loadProject(file, output)).plan
      const checks = await examineMachine(plan)
      if (output.format === 'json') output.printJson(checks)
      else
        for (const { name, status, found, mend } of checks) {
          output.print(`${paint(output, styles[status], status.padEnd(4))}  ${name}: ${found}`)
          if (mend !== undefined) output.print(`      hint: ${mend}`)
        }
      if (checks.some(({ status }) => status === 'fail')) process.exitCode = 3
    })
}

const styles = { ok: 'green', warn: 'yellow', fail: 'red' } as const satisfies Record<Check['status'], string>
