import { readdir, readFile, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../../diagnostics/error.ts'
import type { DaemonOptions } from '../daemon.ts'

/*
 * One FRR that is to be restarted, wherever it runs, and its processes.
 *
 * They are found by the pid files that each daemon writes into its run directory, and believed only when the process of
 * that number has that name.
 */

export interface RestartTarget {
  /** What people call the machine. */
  name: string
  frr: DaemonOptions
  /** Network namespace it forwards in; absent for this one. */
  namespace?: string
  /** What bgpd will load. */
  startConfig: string
  /** zebra will be started so that it takes over what it finds in the kernel (`-K`). */
  keepsKernelRoutes: boolean
  /** How the daemons are started, for people. */
  startedBy: string
  start: () => Promise<void>
}

export interface FrrProcess {
  name: string
  pid: number
}

/** The running daemons, watchfrr first. */
export async function findDaemons({ frr }: Pick<RestartTarget, 'frr'>): Promise<FrrProcess[]> {
  const directory = runDirectoryOf(frr)
  const files = (await readdir(directory).catch(() => [])).filter((file) => file.endsWith('.pid'))
  const found = await Promise.all(
    files.map(async (file): Promise<FrrProcess[]> => {
      const name = file.slice(0, -'.pid'.length)
      const pid = Number(await readFile(`${directory}/${file}`, 'utf8').catch(() => ''))
      return pid > 1 && (await isProcess(pid, name)) ? [{ name, pid }] : []
    }),
  )
  return found.flat().sort((a, b) => Number(b.name === 'watchfrr') - Number(a.name === 'watchfrr'))
}

/**
 * Kills daemons without letting them say or clean up anything; resolves when all are gone.
 *
 * watchfrr is stopped before and killed after them: awake it would start them again, and once it is dead systemd asks
 * what is left of the service to end, which is what must not happen.
 */
export async function killDaemons(target: RestartTarget, processes: readonly FrrProcess[]): Promise<void> {
  const isWatcher = ({ name }: FrrProcess) => name === 'watchfrr'
  const watchers = processes.filter(isWatcher)
  for (const { pid } of watchers) signal(pid, 'SIGSTOP')
  for (const { pid } of processes.filter((each) => !isWatcher(each))) signal(pid, 'SIGKILL')
  for (const { pid } of watchers) signal(pid, 'SIGKILL')
  const deadline = performance.now() + 5_000
  for (const { name, pid } of processes) {
    while (await isProcess(pid, name)) {
      if (performance.now() > deadline)
        throw new WeftError('WEFT_FRR_KILL', `${name} (pid ${pid}) does not end after SIGKILL`, {
          hint: `it hangs in the kernel: cat /proc/${pid}/stack`,
          exitCode: 3,
        })
      await delay(2)
    }
    // Whoever starts FRR next would take a number that is in use again for a running daemon.
    await rm(`${runDirectoryOf(target.frr)}/${name}.pid`, { force: true })
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function runDirectoryOf({ runDirectory = '/var/run/frr', pathspace }: DaemonOptions): string {
  return pathspace ? `${runDirectory}/${pathspace}` : runDirectory
}

/** A process that has ended and that nobody has waited for is no process any more. */
async function isProcess(pid: number, name: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const found = /^\d+ \((?<comm>.*)\) (?<state>\S)/s.exec(stat)?.groups
  return found !== undefined && found.state !== 'Z' && name.split('-')[0] === found.comm
}
