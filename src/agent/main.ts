import { readFile } from 'node:fs/promises'
import { flushCompileCache } from 'node:module'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { WeftError } from '../diagnostics/error.ts'
import { formatError } from '../diagnostics/format.ts'
import { KubeClient } from '../kube/client.ts'
import { startAgent } from './agent.ts'
import { type AgentConfig, configError, parseAgentConfig } from './config.ts'
import { dryRun } from './dry-run/dry-run.ts'
import { printDryRun } from './dry-run/print.ts'
import { kubeAccess } from './kube-access.ts'

/*
 * The agent's executable: `node src/agent/main.ts [--dry-run [--json]] <config.json>`.
 *
 * One JSON log line a state change on stdout; of a dry run the result alone.
 */

const usage = 'weft-agent [--dry-run [--json]] <config.json>'

async function main(args: string[]): Promise<void> {
  const { file, isDryRun, isJson } = readArguments(args)
  const config = await readConfig(file)
  if (isDryRun) {
    const log = pino({ level: 'silent' })
    const client = new KubeClient(await kubeAccess(config))
    const result = await dryRun({ config, client, log }).finally(() => client.close())
    process.stdout.write(isJson ? `${JSON.stringify(result, null, 2)}\n` : printDryRun(result))
    return
  }
  const log = pino({ level: config.logLevel, base: { node: config.node } })
  const agent = await startAgent(config, log)
  // Node writes its cache of compiled modules at a regular end only, and agents are killed.
  flushCompileCache()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      agent.stop().then(() => process.exit(0), exitWith)
    })
  }
}

function readArguments(args: string[]): { file: string; isDryRun: boolean; isJson: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } },
      allowPositionals: true,
    })
    const [file] = positionals
    if (file === undefined || positionals.length > 1) throw new TypeError('one configuration file is needed')
    return { file, isDryRun: values['dry-run'] === true, isJson: values.json === true }
  } catch (error) {
    throw new WeftError('WEFT_USAGE', (error as Error).message, { hint: usage, exitCode: 2, cause: error })
  }
}

async function readConfig(file: string): Promise<AgentConfig> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new WeftError('WEFT_AGENT_CONFIG', `cannot read ${file}: ${(cause as Error).message}`, {
      hint: usage,
      exitCode: 2,
      cause,
    })
  })
  const result = parseAgentConfig(text)
  if ('problems' in result) throw configError(file, result.problems)
  return result.config
}

function exitWith(error: unknown): void {
  process.stderr.write(`${formatError(error, { color: process.stderr.isTTY })}\n`)
  process.exit(error instanceof WeftError ? error.exitCode : 70)
}

main(process.argv.slice(2)).catch(exitWith)
