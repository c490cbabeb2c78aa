import { flushCompileCache } from 'node:module'
import { WeftError } from '../../diagnostics/error.ts'
import { formatError } from '../../diagnostics/format.ts'
import { readConfig } from './config.ts'
import { createLog } from './log.ts'
import { startNodeRuntime } from './runtime.ts'

/* The executable that the lab starts inside each Kubernetes node's network namespace: `main.ts <config.json>`. */

async function main(): Promise<void> {
  const path = process.argv[2]
  if (path === undefined) {
    throw new WeftError('WEFT_NODE_CONFIG', 'no configuration file was given', {
      hint: 'usage: main.ts <config.json>; normally "weft lab up" starts this',
      exitCode: 2,
    })
  }
  const config = await readConfig(path)
  const log = createLog(config.nodeName)
  const runtime = await startNodeRuntime(config, log)
  // For the other nodes, which start at the same time, and for the next runtime after this one was killed.
  flushCompileCache()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log('node runtime stopping', { signal: name, stopsPods: config.stopPodsOnExit })
      runtime.stop().then(() => process.exit(0), fail)
    })
  }
}

function fail(error: unknown): void {
  process.stderr.write(`${formatError(error)}\n`)
  process.exit(error instanceof WeftError ? error.exitCode : 70)
}

main().catch(fail)
