import { existsSync } from 'node:fs'
import { Command, Option } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { findObstacles, type Obstacle } from '../frr/hitless/preconditions.ts'
import { type RestartReport, restartHitless } from '../frr/hitless/restart.ts'
import { findService } from '../frr/hitless/service.ts'
import { findDaemons, type RestartTarget } from '../frr/hitless/target.ts'
import { findRestartTarget, restartFrr } from '../lab/frr-restart.ts'
import { onlyLab, requireState } from '../lab/state.ts'
import { askAgent } from './agent-request.ts'
import { type Output, openOutput, paint } from './output.ts'

/*
 * Restarts FRR of a node without a lost packet, or says first why packets would be lost.
 */

interface RestartFlags {
  dryRun?: boolean
  force?: boolean
  timeout: string
  lab?: string
  node?: string
}

interface Chosen {
  target: RestartTarget
  perform: (options: { timeoutMs: number; onStep: (text: string) => void }) => Promise<RestartReport>
}

const agentSocket = '/run/weft/agent.sock'

/** `weft frr restart`. */
export function frrRestartCommand(): Command {
  return new Command('restart')
    .description(
      'Restarts all FRR daemons of this node while its kernel goes on forwarding: after an upgrade of the package, or ' +
        'to have FRR read its files again. Checks first that the leaves keep the node’s routes meanwhile.',
    )
    .option('--dry-run', 'say what would be done and what stands in the way; change nothing')
    .option('--force', 'restart although something stands in the way: packets will be lost')
    .option('--timeout <seconds>', 'how long to wait until everything is back', '60')
    .option('--node <device>', 'a device of a lab instead of this machine')
    .addOption(new Option('--lab <name>', 'which lab; not needed when only one is running'))
    .addHelpText(
      'after',
      `
Examples:
  weft frr restart --dry-run
  apt-get install --only-upgrade frr && weft frr restart
  weft frr restart --lab demo --node dc1-compute1-n1

Exits with 1 when something stands in the way, or when routes or sessions did not come through.
docs/operations/frr-restart.md explains what happens.`,
    )
    .action(async (flags: RestartFlags, self: Command) => {
      const output = openOutput(self)
      const { target, perform } = await choose(flags)
      const obstacles = [...(await findObstacles(target)), ...(await agentObstacles(flags))]
      if (flags.dryRun) {
        const processes = await findDaemons(target)
        if (output.format === 'json')
          output.printJson({ machine: target.name, kill: processes, start: target.startedBy, obstacles })
        else printPlan(output, target, processes, obstacles)
        if (obstacles.length > 0) process.exitCode = 1
        return
      }
      if (obstacles.length > 0 && !flags.force) throw notHitless(target, obstacles)
      for (const { text } of obstacles) output.note(`going on although ${text}`)
      const report = await perform({
        timeoutMs: timeoutOf(flags),
        onStep: (text) => {
          if (output.format === 'text') output.note(text)
        },
      })
      if (output.format === 'json') output.printJson({ machine: target.name, ...report, obstacles })
      else printReport(output, target, report)
      if (!report.isHitless) process.exitCode = 1
    })
}

async function choose({ lab, node }: RestartFlags): Promise<Chosen> {
  if (lab === undefined && node === undefined) {
    const target = await findService()
    return { target, perform: (options) => restartHitless(target, options) }
  }
  if (node === undefined)
    throw new WeftError('WEFT_USAGE', '--lab needs --node', {
      hint: 'such as --lab demo --node dc1-compute1-n1',
      exitCode: 2,
    })
  const state = await requireState(lab ?? (await onlyLab()))
  return {
    target: await findRestartTarget(state, node),
    perform: (options) => restartFrr(state, node, options),
  }
}

/** Service addresses come back through the agent, and only through it. */
async function agentObstacles({ node }: RestartFlags): Promise<Obstacle[]> {
  if (node !== undefined || !existsSync(agentSocket)) return []
  try {
    await askAgent(agentSocket, '/status')
    return []
  } catch (error) {
    if (!(error instanceof WeftError)) throw error
    return [
      {
        text: `the agent would not put the service addresses back: ${error.message}`,
        hint: 'start it first: leaves keep the addresses for a minute, then they drop them',
      },
    ]
  }
}

function printPlan(
  output: Output,
  target: RestartTarget,
  processes: readonly { name: string; pid: number }[],
  obstacles: readonly Obstacle[],
): void {
  const names = processes.map(({ name, pid }) => `${name} (${pid})`).join(', ')
  output.print(`would kill   ${names || 'nothing: no daemon runs'}`)
  output.print(`would start  ${target.startedBy}`)
  if (obstacles.length === 0) output.print('nothing stands in the way: no packet should be lost')
  for (const { text, hint } of obstacles) {
    output.print(`${paint(output, 'yellow', 'in the way')}   ${text}`)
    output.print(`             ${hint}`)
  }
}

function printReport(output: Output, { name }: RestartTarget, report: RestartReport): void {
  const { awayMs, sessions, announced, routes } = report
  const back = sessions.filter(({ backMs }) => backMs !== null)
  const last = Math.max(0, ...back.map(({ backMs }) => backMs ?? 0))
  output.print(`${name}: bgpd was away for ${awayMs} ms`)
  output.print(
    `sessions    ${back.length} of ${sessions.length} up again${back.length > 0 ? ` after ${last} ms` : ''}`,
  )
  output.print(
    announced.missing.length === 0
      ? `announced   all ${announced.before} prefixes again after ${announced.backMs} ms`
      : `announced   ${announced.missing.length} of ${announced.before} prefixes are missing: ${listSome(announced.missing)}`,
  )
  output.print(
    routes.lost.length === 0
      ? `kernel      all ${routes.before} routes stayed${narrowedText(routes.narrowed)}`
      : `kernel      ${routes.lost.length} of ${routes.before} routes were away: ${listSome(routes.lost)}`,
  )
  if (!report.isHitless) output.print(`look closer: vtysh -c 'show bgp summary', journalctl -u frr`)
}

function narrowedText(narrowed: readonly string[]): string {
  return narrowed.length === 0
    ? ''
    : `; ${narrowed.length} had fewer next hops until the last session was back, which costs no packet`
}

function notHitless(target: RestartTarget, obstacles: readonly Obstacle[]): WeftError {
  const texts = obstacles.map(({ text, hint }) => `${text} (${hint})`)
  return new WeftError(
    'WEFT_FRR_NOT_HITLESS',
    `restarting FRR on ${target.name} would lose packets:\n  ${texts.join('\n  ')}`,
    {
      hint: 'mend that, or drain the node first (weft drain node), or go on with --force',
      exitCode: 1,
    },
  )
}

function timeoutOf({ timeout }: RestartFlags): number {
  const seconds = Number(timeout)
  if (Number.isFinite(seconds) && seconds > 0) return seconds * 1000
  throw new WeftError('WEFT_USAGE', `--timeout ${timeout} is no number of seconds`, {
    hint: 'such as --timeout 60',
    exitCode: 2,
  })
}

function listSome(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
