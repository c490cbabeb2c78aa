import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import type { Announcers } from '../agent/sole-announcer.ts'
import type { DrainStatus } from '../agent/status-server.ts'
import { WeftError } from '../diagnostics/error.ts'
import { askAgent } from './agent-request.ts'
import { type AgentTarget, addTargetOptions, findTargets, type TargetOptions } from './agent-targets.ts'
import { type ApiOptions, addApiOptions, drainByApi } from './drain-by-api.ts'
import { type Output, openOutput } from './output.ts'

/*
 * Takes a node out of service, and back, through its agent: over its status socket, or by the API with --kubeconfig. The
 * agent does the work and goes on when this command is interrupted; asking again joins the drain under way.
 */

interface DrainOptions extends TargetOptions, ApiOptions {
  force?: boolean
  timeout: string
}

const pollMs = 100
/** How long leaves may take to pass on what else there is, once a node has withdrawn. */
const otherRoutesMs = 3_000

/** `weft drain`. */
export function drainCommand(): Command {
  const node = new Command('node')
    .description(
      'Moves traffic away from a node without losing a packet: lowers the preference of its routes, waits until its ' +
        'neighbors have moved, then withdraws them.',
    )
    .argument('<node>', 'name of the node')
    .option('--force', 'also when nobody else announces some of its addresses: those go dark')
    .option('--timeout <seconds>', 'how long to wait for the end; the drain itself goes on', '120')
    .addHelpText(
      'after',
      `
Examples:
  weft drain node worker-7                     on worker-7
  weft drain node dc1-compute1-n1 --lab demo
  weft drain node worker-7 --kubeconfig        from wherever kubectl works; who else announces is not asked
  weft drain node worker-7 && systemctl restart frr && weft undrain node worker-7

Exits with 1 when it would leave, or has left, addresses without an announcer, or is not finished in time.`,
    )
    .action(async (name: string, options: DrainOptions, self: Command) => {
      const output = openOutput(self)
      if (options.kubeconfig !== undefined) {
        printReport(name, await drainByApi(name, 'drain', options, timeoutOf(options), output), output)
        return
      }
      const { agent, others } = await targetsOf(name, options)
      const before = others.length > 0 ? await askOthers(agent, others) : await askOne(agent)
      const { addresses: soleAddresses, believed } = before
      if (soleAddresses.length > 0 && !options.force) throw lastAnnouncer(name, soleAddresses)
      for (const { address, nodes } of believed)
        output.note(`${address} is not seen in BGP, and should be announced by ${nodes.join(', ')}`)
      const report = await command(agent, 'drain', timeoutOf(options), output)
      const darkAddresses = [...soleAddresses, ...(await findUnseen(agent, before))]
      if (output.format === 'json')
        output.printJson({ node: name, ...report, soleAddresses, believed, darkAddresses })
      else {
        output.print(`${name} is ${report.phase} after ${report.seconds} s`)
        if (darkAddresses.length > 0) output.print(`announced by nobody now: ${listSome(darkAddresses)}`)
        output.print(`bring it back with: weft undrain node ${name}`)
      }
      if (darkAddresses.length > 0 && !options.force) process.exitCode = 1
    })
  return new Command('drain')
    .description('Takes something out of service without losing a packet.')
    .addCommand(addApiOptions(addTargetOptions(node)))
    .addHelpText('after', '\nExample:\n  weft drain node worker-7')
}

/** `weft undrain`. */
export function undrainCommand(): Command {
  const node = new Command('node')
    .description('Brings a drained node back: announces its routes again at their full preference.')
    .argument('<node>', 'name of the node')
    .option('--timeout <seconds>', 'how long to wait for the end', '120')
    .addHelpText('after', '\nExample:\n  weft undrain node worker-7')
    .action(async (name: string, options: DrainOptions, self: Command) => {
      const output = openOutput(self)
      const timeoutMs = timeoutOf(options)
      const report =
        options.kubeconfig === undefined
          ? await command((await targetsOf(name, options)).agent, 'undrain', timeoutMs, output)
          : await drainByApi(name, 'undrain', options, timeoutMs, output)
      printReport(name, report, output)
    })
  return new Command('undrain')
    .description('Ends a drain.')
    .addCommand(addApiOptions(addTargetOptions(node)))
    .addHelpText('after', '\nExample:\n  weft undrain node worker-7')
}

function printReport(node: string, report: { phase: string; seconds: number }, output: Output): void {
  if (output.format === 'json') output.printJson({ node, ...report })
  else output.print(`${node} is ${report.phase} after ${report.seconds} s`)
}

async function targetsOf(
  name: string,
  options: TargetOptions,
): Promise<{ agent: AgentTarget; others: AgentTarget[] }> {
  const { node: _, ...rest } = options
  const { agents, lab } = await findTargets({ ...rest, node: name })
  const all = lab === undefined ? agents : (await findTargets({ lab: lab.name })).agents
  return { agent: agents[0]!, others: all.filter((agent) => agent.node !== name) }
}

async function askOne({ socket }: AgentTarget): Promise<Announcers> {
  return await askAgent<Announcers>(socket, '/sole-addresses')
}

/** In a lab all others are asked what they announce: nothing needs to be believed. One that is silent counts for nothing. */
async function askOthers(agent: AgentTarget, others: readonly AgentTarget[]): Promise<Announcers> {
  const announcedBy = async ({ socket }: AgentTarget) =>
    (await askAgent<{ announced: string[] }>(socket, '/status')).announced
  const answers = await Promise.allSettled(others.map(announcedBy))
  const elsewhere = new Set(answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])))
  const addresses = (await announcedBy(agent)).filter((address) => !elsewhere.has(address))
  return { addresses, believed: [], hearsHostRoutes: false }
}

/**
 * What only the cluster vouched for and BGP does not show either, now that this node has withdrawn and its leaves pass
 * on whatever else there is.
 */
async function findUnseen(agent: AgentTarget, { believed, hearsHostRoutes }: Announcers): Promise<string[]> {
  const deadline = performance.now() + otherRoutesMs
  let waitedFor = hearsHostRoutes ? believed.map(({ address }) => address) : []
  while (waitedFor.length > 0 && performance.now() < deadline) {
    const { addresses, believed: still } = await askOne(agent)
    const unseen = new Set([...addresses, ...still.map(({ address }) => address)])
    waitedFor = waitedFor.filter((address) => unseen.has(address))
    if (waitedFor.length > 0) await delay(pollMs)
  }
  return waitedFor
}

async function command(
  { node, socket }: AgentTarget,
  verb: 'drain' | 'undrain',
  timeoutMs: number,
  output: Output,
): Promise<{ phase: string; seconds: number }> {
  const startedAt = performance.now()
  const seconds = () => Number(((performance.now() - startedAt) / 1000).toFixed(1))
  let status = await askAgent<DrainStatus>(socket, `/${verb}`, 'POST')
  let said = ''
  for (;;) {
    const line = `${status.phase}: ${status.text}`
    if (line !== said && output.format === 'text') output.note(`${seconds()} s  ${line}`)
    said = line
    if (status.isFinal) return { phase: status.phase, seconds: seconds() }
    if (performance.now() - startedAt > timeoutMs) {
      throw new WeftError(
        'WEFT_DRAIN_TIMEOUT',
        `${node} is still ${status.phase} after ${seconds()} s: ${status.text}`,
        { hint: `the agent goes on; ask again to wait on: weft ${verb} node ${node}`, exitCode: 1 },
      )
    }
    await delay(pollMs)
    status = await askAgent<DrainStatus>(socket, '/drain')
  }
}

function timeoutOf({ timeout }: DrainOptions): number {
  const seconds = Number(timeout)
  if (Number.isFinite(seconds) && seconds > 0) return seconds * 1000
  throw new WeftError('WEFT_USAGE', `--timeout ${timeout} is no number of seconds`, {
    hint: 'such as --timeout 60',
    exitCode: 2,
  })
}

function lastAnnouncer(node: string, addresses: readonly string[]): WeftError {
  return new WeftError(
    'WEFT_DRAIN_LAST_ANNOUNCER',
    `nobody but ${node} is known to announce ${listSome(addresses)}`,
    {
      hint: 'start an endpoint on another node first, or let them go dark with --force',
      exitCode: 1,
    },
  )
}

function listSome(addresses: readonly string[]): string {
  const shown = addresses.slice(0, 5).join(', ')
  return addresses.length > 5 ? `${shown} and ${addresses.length - 5} more` : shown
}
