/**
 * One program of the control plane as a child process: its log in a file, and its end noticed.
 *
 * Children are asked to die with this process (PR_SET_PDEATHSIG), because nothing else ends them when it is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { WeftError } from '../../../diagnostics/error.ts'

export interface Daemon {
  readonly name: string
  readonly log: string
  /** Resolves with the reason when it ends without having been asked to. */
  readonly failed: Promise<WeftError>
  stop(): Promise<void>
}

const stopTimeoutMs = 10_000
const dyingWithParent = ['setpriv', '--pdeathsig', 'KILL'] as const

/** Starts a program whose output goes to `<folder>/<program>.log`. */
export async function startDaemon(program: string, args: readonly string[], folder: string): Promise<Daemon> {
  const name = basename(program)
  const log = join(folder, `${name}.log`)
  const file = await open(log, 'a')
  let child: ChildProcess
  try {
    const [command, ...rest] = [...dyingWithParent, program, ...args]
    child = spawn(command, rest, {
      stdio: ['ignore', file.fd, file.fd],
    })
    await once(child, 'spawn')
  } finally {
    await file.close()
  }
  let isStopping = false
  const ended = once(child, 'close').then(([code, signal]) => String(code ?? signal))
  const failure = Promise.withResolvers<WeftError>()
  ended
    .then(async (how) => {
      if (isStopping) return
      const lastLines = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-4).join('\n')
      failure.resolve(
        new WeftError('WEFT_LAB_KUBERNETES', `${name} has ended (${how}):\n${lastLines}`, {
          hint: `its whole log: ${log}`,
          exitCode: 4,
        }),
      )
    })
    .catch(failure.reject)

  return {
    name,
    log,
    failed: failure.promise,
    async stop() {
      isStopping = true
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Asks again until the answer is yes; rejects when a daemon ends meanwhile, or time is up. */
export async function untilYes(
  daemon: Daemon,
  ask: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  let failure: WeftError | undefined
  daemon.failed.then(
    (error) => {
      failure = error
    },
    () => {},
  )
  while (!(await ask().catch(() => false))) {
    if (failure !== undefined) throw failure
    if (performance.now() > deadline)
      throw new WeftError('WEFT_LAB_KUBERNETES', `${daemon.name} is not ready after ${timeoutMs / 1000} s`, {
        hint: `its log: ${daemon.log}`,
        exitCode: 4,
      })
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
