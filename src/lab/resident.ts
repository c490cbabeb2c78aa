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

/** Whether a process of the lab still runs; one that has ended and was not waited for yet does not. */
export function isRunning({ pid }: LabProcess): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z'
  } catch {
    return false
  }
}
