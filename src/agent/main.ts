import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import { WeftError } from '../diagnostics/error.ts'
import { formatError } from '../diagnostics/format.ts'
import { startAgent } from './agent.ts'
import { configError, parseAgentConfig } from './config.ts'

/* The agent's executable: `node src/agent/main.ts <config.json>`. One JSON log line a state change on stdout. */

async function main(file: string | undefined): Promise<void> {
  if (file === undefined) {
    throw new WeftError('WEFT_USAGE', 'no configuration file given', {
      hint: 'weft-agent <config.json>',
      exitCode: 2,
    })
  }
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new WeftError('WEFT_AGENT_CONFIG', `cannot read ${file}: ${(cause as Error).message}`, {
      exitCode: 2,
      cause,
    })
  })
  const result = parseAgentConfig(text)
  if ('problems' in result) throw configError(file, result.problems)
  const log = pino({ level: result.config.logLevel, base: { node: result.config.node } })
  const agent = await startAgent(result.config, log)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      agent.stop().then(() => process.exit(0), exitWith)
    })
  }
}

function exitWith(error: unknown): void {
  process.stderr.write(`${formatError(error, { color: process.stderr.isTTY })}\n`)
  process.exit(error instanceof WeftError ? error.exitCode : 70)
}

main(process.argv[2]).catch(exitWith)
