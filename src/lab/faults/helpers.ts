import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { inNamespace } from '../../linux/namespace.ts'
import { labEnvironmentKey, namespaceOf, pathsOf } from '../names.ts'
import { withCompileCache } from '../node/compile-cache.ts'

/*
 * Processes that some faults need while they last. They are known by their command line, `<program> <lab> <key> …`, and
 * by nothing else: a command that is killed after it started one leaves nothing that the next one would not find.
 */

const programs = {
  flapper: fileURLToPath(new URL('flapper.ts', import.meta.url)),
  'api-proxy': fileURLToPath(new URL('api-proxy.ts', import.meta.url)),
}

export type HelperProgram = keyof typeof programs

export interface Helper {
  pid: number
  /** What follows lab and key on its command line. */
  args: string[]
}

/** Starts a helper that outlives this command, in a device's namespace or in none. */
export async function startHelper(
  lab: string,
  program: HelperProgram,
  key: string,
  args: readonly string[],
  device?: string,
): Promise<number> {
  const directory = `${pathsOf(lab).logs}/faults`
  await mkdir(directory, { recursive: true })
  const file = await open(`${directory}/${program}.log`, 'a')
  try {
    const [command, ...rest] = inNamespace(device === undefined ? undefined : namespaceOf(lab, device), [
      process.execPath,
      programs[program],
      lab,
      key,
      ...args,
    ])
    const child = spawn(command, rest, {
      detached: true,
      stdio: ['ignore', file.fd, file.fd],
      env: { ...withCompileCache(process.env), [labEnvironmentKey]: lab },
    })
    await once(child, 'spawn')
    child.unref()
    return child.pid as number
  } finally {
    await file.close()
  }
}

/** Helpers of a lab that run for a key. */
export async function findHelpers(lab: string, program: HelperProgram, key: string): Promise<Helper[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const found = await Promise.all(
    pids.map(async (pid): Promise<Helper[]> => {
      const [, path, itsLab, itsKey, ...args] = (
        await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      ).split('\0')
      const isWanted = path === programs[program] && itsLab === lab && itsKey === key
      // The command line ends with a separator.
      return isWanted ? [{ pid: Number(pid), args: args.slice(0, -1) }] : []
    }),
  )
  return found.flat()
}

/** Asks helpers to end. */
export function endHelpers(helpers: readonly Helper[]): void {
  for (const { pid } of helpers) {
    try {
      process.kill(pid, 'SIGTERM')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
