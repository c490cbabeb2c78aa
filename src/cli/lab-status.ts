import { Command } from 'commander'
import type { Difference } from '../lab/differences.ts'
import { describeFault } from '../lab/faults/describe.ts'
import { listLabs, onlyLab, readState } from '../lab/state.ts'
import { type Count, type LabStatus, readStatus } from '../lab/status.ts'
import { type Output, openOutput, paint } from './output.ts'
import { formatTable } from './table.ts'

const maxDifferences = 40

/** `weft lab status`. */
export function labStatusCommand(): Command {
  return new Command('status')
    .description('Compares a running lab with its plan, differences first. Exits with 1 when they differ.')
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .option('--all', 'print every difference, not the first ones')
    .addHelpText(
      'after',
      `
Examples:
  weft lab status                   the only lab
  weft lab status -o json | jq '.differences[] | select(.kind == "session")'`,
    )
    .action(async (options: { name?: string; all?: boolean }, command: Command) => {
      const output = openOutput(command)
      const status = await readStatus(options.name ?? (await onlyLab()))
      if (output.format === 'json') output.printJson(status)
      else printStatus(status, options.all ? Number.POSITIVE_INFINITY : maxDifferences, output)
      if (!status.isAsPlanned) process.exitCode = 1
    })
}

/** `weft lab list`. */
export function labListCommand(): Command {
  return new Command('list')
    .description('Lists the labs of this machine.')
    .addHelpText('after', '\nExample:\n  weft lab list')
    .action(async (_options: unknown, command: Command) => {
      const output = openOutput(command)
      const labs = await Promise.all(
        (await listLabs()).map(async (name) => {
          const state = await readState(name).catch(() => null)
          return {
            lab: name,
            phase: state?.phase ?? 'unreadable',
            devices: state?.plan.devices.length ?? 0,
            createdAt: state?.createdAt ?? '',
          }
        }),
      )
      if (output.format === 'json') output.printJson(labs)
      else if (labs.length === 0) output.print('no lab is running; start one with: weft lab up')
      else
        output.print(
          formatTable(labs, [
            { header: 'LAB', value: (row) => row.lab },
            { header: 'PHASE', value: (row) => row.phase },
            { header: 'DEVICES', value: (row) => row.devices, align: 'right' },
            { header: 'SINCE', value: (row) => row.createdAt },
          ]),
        )
    })
}

function printStatus(status: LabStatus, limit: number, output: Output): void {
  const { differences, faults, relaxedBfd } = status
  if (differences.length > 0) {
    output.print(paint(output, 'bold', `${differences.length} DIFFERENCES`))
    for (const difference of differences.slice(0, limit)) output.print(formatDifference(difference))
    if (differences.length > limit) output.print(`… and ${differences.length - limit} more (--all)`)
    output.print('')
  }
  if (status.isHalfApplied)
    output.print(
      'a change was being applied and is not complete: run "weft lab apply" again, with any intent',
    )
  for (const { id, spec } of faults) output.print(`fault in force: ${id}  ${describeFault(spec)}`)
  output.print(
    formatTable(status.roles, [
      { header: 'ROLE', value: (row) => row.role },
      { header: 'DEVICES', value: (row) => row.devices, align: 'right' },
      { header: 'SESSIONS', value: (row) => ratio(row.sessions), align: 'right' },
      { header: 'BFD', value: (row) => ratio(row.bfd), align: 'right' },
      { header: 'ROUTES', value: (row) => ratio(row.routes), align: 'right' },
    ]),
  )
  if (status.dynamicRoutes > 0)
    output.print(`service addresses announced by agents: ${status.dynamicRoutes} table entries`)
  for (const { class: linkClass, fromMilliseconds, toMilliseconds } of relaxedBfd)
    output.print(`BFD of ${linkClass} links runs at ${toMilliseconds} ms instead of ${fromMilliseconds} ms`)
  const verdict = status.isAsPlanned ? 'as planned' : 'not as planned'
  output.print(`lab "${status.lab}" is ${status.phase} and ${verdict}`)
}

function formatDifference({ device, kind, subject, planned, actual, why }: Difference): string {
  const reason = why === undefined ? '' : ` (${why})`
  return `${device}  ${kind} ${subject}: planned ${planned}, is ${actual}${reason}`
}

function ratio({ planned, actual }: Count): string {
  return `${actual}/${planned}`
}
