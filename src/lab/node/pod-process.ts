import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { inNamespace } from '../../linux/namespace.ts'
import { withCompileCache } from './compile-cache.ts'
import type { ResponderConfig } from './responder.ts'

/*
 * A pod's process. It is started in a session of its own with its output in a file, so that nothing of it depends on
 * the runtime: when the runtime is killed, the pod keeps serving, and the next runtime finds it by its process id and
 * start time (the id alone may have been given to another process since).
 */

export interface ProcessIdentity {
  pid: number
  /** Start time in clock ticks since boot, as /proc prints it. */
  startTicks: number
}

/** How a pod's process ended; a process of an earlier runtime ends without an exit code. */
export interface ProcessExit {
  exitCode: number | null
  signal: NodeJS.Signals | null
}

const responderPath = fileURLToPath(new URL('responder.ts', import.meta.url))
// A larger young generation would only be memory that is never needed.
const nodeFlags = [
  '--max-semi-space-size=1',
  '--max-old-space-size=32',
  '--disable-warning=ExperimentalWarning',
]

/** Starts a pod's responder inside its namespace. */
export async function startProcess(
  netns: string,
  config: ResponderConfig,
  logPath: string,
  onExit: (exit: ProcessExit) => void,
): Promise<ProcessIdentity> {
  const [command, ...rest] = inNamespace(netns, [
    process.execPath,
    ...nodeFlags,
    responderPath,
    JSON.stringify(config),
  ])
  const log = openSync(logPath, 'a')
  let child: ChildProcess
  try {
    child = spawn(command, rest, {
      detached: true,
      stdio: ['ignore', log, log],
      env: withCompileCache(process.env),
    })
  } finally {
    closeSync(log)
  }
  const { promise: started, resolve, reject } = Promise.withResolvers<void>()
  child.once('spawn', resolve)
  child.once('error', reject)
  child.once('exit', (exitCode, signal) => onExit({ exitCode, signal }))
  await started
  child.unref()
  const pid = child.pid as number
  return { pid, startTicks: (await readProcess(pid))?.startTicks ?? 0 }
}

/** Is exactly this process still running? */
export async function isRunning({ pid, startTicks }: ProcessIdentity): Promise<boolean> {
  const found = await readProcess(pid)
  return found !== null && found.startTicks === startTicks && found.state !== 'Z'
}

/** Asks the process to end, and ends it when it has not after `graceMs`. */
export async function stopProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs
  if (!(await isRunning(identity))) return
  signal(identity.pid, 'SIGTERM')
  while (Date.now() < deadline) {
    await delay(20)
    if (!(await isRunning(identity))) return
  }
  killProcess(identity.pid)
}

/** Ends a process at once; one that is gone already is no error. */
export function killProcess(pid: number): void {
  signal(pid, 'SIGKILL')
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function readProcess(pid: number): Promise<{ state: string; startTicks: number } | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (text === null) return null
  // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', startTicks: Number(fields[19]) }
}
