import { Command } from 'commander'
import type { AgentStatus } from '../agent/answers.ts'
import { WeftError } from '../diagnostics/error.ts'
import { askAgent } from './agent-request.ts'
import { addTargetOptions, findTargets, type TargetOptions } from './agent-targets.ts'
import { openOutput, paint } from './output.ts'
import { formatTable } from './table.ts'

interface Row {
  node: string
  status?: AgentStatus
  error?: { code: string; message: string }
}

/** `weft agent status`. */
export function agentStatusCommand(): Command {
  const command = new Command('status')
    .description(
      'Says whether agents follow their cluster, and what keeps them from it. Exits with 1 when one does not.',
    )
    .option('--node <name>', 'one node of a lab only')
  return addTargetOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  weft agent status
  weft agent status --lab demo
  weft agent status -o json | jq '.[].status.withheld'`,
    )
    .action(async (options: TargetOptions, self: Command) => {
      const output = openOutput(self)
      const { agents } = await findTargets(options)
      const rows = await Promise.all(
        agents.map(async ({ node, socket }): Promise<Row> => {
          try {
            return { node, status: await askAgent<AgentStatus>(socket, '/status') }
          } catch (error) {
            if (!(error instanceof WeftError) || agents.length === 1) throw error
            return { node, error: { code: error.code, message: error.message } }
          }
        }),
      )
      if (output.format === 'json') output.printJson(rows)
      else {
        output.print(
          formatTable(rows, [
            { header: 'NODE', value: ({ node }) => node },
            { header: 'STATE', value: stateOf },
            { header: 'SESSIONS', value: sessionsOf, align: 'right' },
            { header: 'API', value: apiOf },
            { header: 'ANNOUNCED', value: ({ status }) => status?.announced.length ?? null, align: 'right' },
            { header: 'WITHHELD', value: withheldOf },
            { header: 'DRAIN', value: ({ status }) => status?.drain?.phase ?? null },
          ]),
        )
        for (const { node, status, error } of rows) {
          const troubles = [
            ...(status?.waitingFor ?? []),
            ...refusedOf(status),
            ...(error ? [error.message] : []),
          ]
          for (const trouble of troubles) output.print(`${paint(output, 'yellow', node)}: ${trouble}`)
        }
      }
      if (rows.some(({ status }) => status?.isReady !== true)) process.exitCode = 1
    })
}

function stateOf({ status }: Row): string {
  if (status === undefined) return 'silent'
  if (!status.isReady) return 'not ready'
  return status.isSettled ? 'ready' : 'applying'
}

function sessionsOf({ status }: Row): string | null {
  if (status === undefined) return null
  const { sessions } = status.bgpd
  return `${sessions.filter(({ state }) => state === 'Established').length}/${sessions.length}`
}

function apiOf({ status }: Row): string | null {
  if (status === undefined) return null
  const collections = Object.entries(status.api.collections)
  const lost = collections.filter(([, { isConnected }]) => !isConnected).map(([kind]) => kind)
  return lost.length === 0 ? 'connected' : `lost: ${lost.join(', ')}`
}

/** Reasons that say only how an installation is set up are not worth a column. */
function withheldOf({ status }: Row): string | null {
  const entries = Object.entries(status?.withheld ?? {}).filter(
    ([code]) => code !== 'cluster-ips-not-announced',
  )
  return entries.map(([code, count]) => `${count} ${code}`).join(', ') || null
}

function refusedOf(status: AgentStatus | undefined): string[] {
  return Object.entries(status?.api.collections ?? {}).flatMap(([kind, { refused, lastError }]) => [
    ...(lastError === undefined ? [] : [`${kind}: ${lastError}`]),
    ...Object.entries(refused).map(([key, reason]) => `${kind} ${key} refused: ${reason}`),
  ])
}
