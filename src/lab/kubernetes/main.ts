/**
 * The control plane as a process of its own: `node main.ts config.json`, started by the lab inside the network
 * namespace of a control-plane node. Logs JSON lines to standard output; the line "control plane ready" carries
 * the URLs. SIGTERM and SIGINT end it cleanly.
 */
import { readFile } from 'node:fs/promises'
import pino from 'pino'
import { WeftError } from '../../diagnostics/error.ts'
import { formatError } from '../../diagnostics/format.ts'
import { readControlPlaneConfig } from './control-plane-config.ts'
import { embeddedControlPlane, realControlPlane } from './provider.ts'

async function readConfigFile(path: string | undefined): Promise<unknown> {
  if (path === undefined) {
    throw new WeftError('WEFT_LAB_CONTROL_PLANE_CONFIG', 'no configuration file given', {
      hint: 'usage: node main.ts config.json',
      exitCode: 2,
    })
  }
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new WeftError('WEFT_LAB_CONTROL_PLANE_CONFIG', `cannot read ${path}`, { exitCode: 2, cause })
  })
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new WeftError('WEFT_LAB_CONTROL_PLANE_CONFIG', `${path} is not JSON: ${why}`, {
      exitCode: 2,
      cause,
    })
  }
}

async function run(): Promise<void> {
  const log = pino()
  const path = process.argv[2]
  const config = readControlPlaneConfig(await readConfigFile(path), path)
  const provider = config.real === undefined ? embeddedControlPlane : realControlPlane
  const controlPlane = await provider.start(config, log)
  log.info({ urls: controlPlane.apiUrls }, 'control plane ready')
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  const reason = await Promise.race([signal, controlPlane.failed])
  log.info({ reason: String(reason) }, 'control plane stops')
  await controlPlane.close()
  if (reason instanceof Error) throw reason
}

try {
  await run()
} catch (error) {
  process.stderr.write(`${formatError(error)}\n`)
  process.exitCode = error instanceof WeftError ? error.exitCode : 70
}
