import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { inNamespace } from '../linux/namespace.ts'
import type { Argv } from '../linux/run.ts'
import { labEnvironmentKey, namespaceOf, pathsOf } from './names.ts'
import { withCompileCache } from './node/compile-cache.ts'
import type { LabProcess } from './state.ts'

/** Starts a program in a device's namespace that outlives this command; it writes to a log of its own. */
export async function startResident(
  lab: string,
  device: string,
  what: string,
  argv: Argv,
): Promise<LabProcess> {
  const directory = `${pathsOf(lab).logs}/${device}`
  await mkdir(directory, { recursive: true })
  const log = `${directory}/${what}.log`
  const file = await open(log, 'a')
  try {
    const [command, ...rest] = inNamespace(namespaceOf(lab, device), argv)
    const child = spawn(command, rest, {
      detached: true,
      stdio: ['ignore', file.fd, file.fd],
      env: { ...withCompileCache(process.env), [labEnvironmentKey]: lab },
    })
    await once(child, 'spawn')
    child.unref()
    // nsenter turns into the program without forking: the process id stays.
    return { name: `${device}/${what}`, device, pid: child.pid as number, log, argv: [...argv] }
  } finally {
    await file.close()
  }
}

/**
 * Whether a process of the lab still runs; one that has ended and was not waited for yet does not, nor does a stranger
 * who was given its process id.
 */
export function isRunning({ pid, argv }: LabProcess): boolean {
  const words = commandLineOf(pid)
  // For an instant it is what enters the namespace, with the same words at its end, and in the next it has none.
  return words.length === 0 ? isAlive(pid) : words.slice(-argv.length).join('\0') === argv.join('\0')
}

/** A process that has ended and was not waited for has no words either. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z'
  } catch {
    return false
  }
}

/** The command line of a process; empty when it has ended, and for an instant while it becomes another program. */
export function commandLineOf(pid: number): string[] {
  try {
    // Every word ends with a separator, the last one too.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  } catch {
    return []
  }
}
