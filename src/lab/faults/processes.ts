import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../../diagnostics/error.ts'
import { findPids, listNamespaces } from '../../linux/namespace.ts'
import { type Daemon, daemonPidPath, daemons, isConfigured, startDaemons } from '../daemons.ts'
import { namespaceOf } from '../names.ts'
import { podNamespacesOf } from '../node/sandbox.ts'
import { commandLineOf, isRunning, startResident } from '../resident.ts'
import { type LabProcess, type LabState, writeState } from '../state.ts'
import type { DeviceEffects, ProcessState } from './effects.ts'

/*
 * Ends, stops and starts what runs in a device: FRR's daemons, and the processes that the lab's state names.
 *
 * Daemons are found by the file each of them keeps its process id in. Process ids are used again, within minutes on a
 * busy machine, so an id counts only when the command line behind it is the right one. An id in the state that belongs to
 * nobody means that the process has to be started.
 *
 * A zebra that comes back takes the other daemons with it, as watchfrr does: left alone they look for it every ten
 * seconds, and one that finds it after bfdd did has lost its BFD sessions for good.
 */

const endTimeoutMs = 15_000
const orphanStartMs = 5000

/** Names of everything that runs in a device, in the order in which it starts. */
function namesOf(state: LabState, device: string): string[] {
  return [
    ...daemons.filter((daemon) => isConfigured(state.name, device, daemon)),
    ...state.processes.filter((process) => process.device === device).map(({ name }) => name.split('/')[1]!),
  ]
}

/** Refuses a daemon that the device does not have. */
export function requireProcess(state: LabState, device: string, name: string): void {
  const names = namesOf(state, device)
  if (names.includes(name)) return
  throw new WeftError('WEFT_LAB_TARGET_UNKNOWN', `${device} runs no ${name} in lab "${state.name}"`, {
    hint: names.length === 0 ? 'it runs nothing' : `it runs ${names.join(', ')}`,
    exitCode: 2,
  })
}

/**
 * Makes the processes of a device as alive as they should be.
 *
 * @param touched the processes that may have to change
 * @param wanted what all faults together want; absent for nothing
 */
export async function settleProcesses(
  state: LabState,
  device: string,
  touched: DeviceEffects,
  wanted: DeviceEffects | undefined,
): Promise<void> {
  if (wanted?.isOff) {
    await killEverything(state.name, device)
    return
  }
  const wantOf = (name: string) => wanted?.processes.get(name) ?? 'running'
  const isAlive = (name: string) => wantOf(name) === 'running' || wantOf(name) === 'stopped'
  const restartsZebra =
    touched.processes.has('zebra') && isAlive('zebra') && findProcess(state, device, 'zebra') === null
  const names = namesOf(state, device).filter(
    (name) => touched.isOff || touched.processes.has(name) || (restartsZebra && isDaemon(name)),
  )
  const dead: string[] = []
  for (const name of names) {
    const pid = findProcess(state, device, name)
    if (!isAlive(name)) {
      if (pid !== null) await end(pid, name, wantOf(name))
    } else if (pid === null) dead.push(name)
    else if (restartsZebra) {
      await end(pid, name, 'terminated')
      dead.push(name)
    }
  }
  await start(state, device, dead)
  for (const name of names) {
    const pid = findProcess(state, device, name)
    if (pid === null) continue
    if (wantOf(name) === 'stopped') await stop(pid, name)
    else signal(pid, 'SIGCONT')
  }
}

/** Whether a daemon of a device is there. */
export function runsDaemon(state: LabState, device: string, daemon: Daemon): boolean {
  return findProcess(state, device, daemon) !== null
}

function findProcess(state: LabState, device: string, name: string): number | null {
  if (!isDaemon(name)) {
    const process = state.processes.find((candidate) => candidate.name === `${device}/${name}`)
    return process !== undefined && isRunning(process) ? process.pid : null
  }
  const path = daemonPidPath(state.name, device, name)
  if (!existsSync(path)) return null
  const pid = Number(readFileSync(path, 'utf8').trim())
  const words = commandLineOf(pid)
  return words[0]?.endsWith(`/${name}`) && words.includes(namespaceOf(state.name, device)) ? pid : null
}

/** Ends a process of the lab, if it runs, and starts it again with the same words. */
export async function restartProcess(state: LabState, device: string, what: string): Promise<void> {
  const pid = findProcess(state, device, what)
  if (pid !== null) await end(pid, what, 'killed')
  await start(state, device, [what])
}

async function stop(pid: number, name: string): Promise<void> {
  signal(pid, 'SIGSTOP')
  // A process that is in a system call goes on for a moment.
  await until(() => ['T', null].includes(stateOf(pid)), name, [pid])
}

async function start(state: LabState, device: string, names: readonly string[]): Promise<void> {
  await startFrr(state, device, names.filter(isDaemon))
  for (const process of state.processes) {
    const [, what] = process.name.split('/') as [string, string]
    if (process.device !== device || !names.includes(what)) continue
    process.pid =
      (await findOrphan(state.name, process)) ??
      (await startResident(state.name, device, what, process.argv)).pid
    // At once: were this command killed, the next one would not know the process.
    await writeState(state)
  }
}

async function startFrr(state: LabState, device: string, names: readonly Daemon[]): Promise<void> {
  try {
    await startDaemons(state.name, device, names)
  } catch (error) {
    // The shell of a command that was killed may be starting them at this very moment, and then holds their files.
    const deadline = Date.now() + orphanStartMs
    while (!names.every((name) => runsDaemon(state, device, name))) {
      if (Date.now() > deadline) throw error
      await delay(20)
    }
  }
}

/** A process that was started by a command that was killed before it could write down its id. */
async function findOrphan(lab: string, process: LabProcess): Promise<number | null> {
  const namespace = namespaceOf(lab, process.device)
  const pids = (await findPids([namespace])).get(namespace) ?? []
  return pids.find((pid) => isRunning({ ...process, pid })) ?? null
}

async function end(pid: number, name: string, how: ProcessState | 'running'): Promise<void> {
  signal(pid, how === 'killed' ? 'SIGKILL' : 'SIGTERM')
  // A stopped process hears of its end only when it goes on.
  signal(pid, 'SIGCONT')
  await untilGone([pid], name)
  // Its children (an agent watches the kernel by `ip monitor`) would wait for their next line to notice.
  if (!isDaemon(name)) signal(-pid, 'SIGKILL')
}

/** Ends everything in a device as a power failure does: all processes of the device and of its pods, at once. */
export async function killEverything(lab: string, device: string): Promise<void> {
  const own = namespaceOf(lab, device)
  const pods = podNamespacesOf(namespaceOf(lab, 'pod-'), device, await listNamespaces())
  for (;;) {
    const found = [...(await findPids([own, ...pods])).values()].flat()
    const pids = found.filter((pid) => pid !== process.pid && !['Z', null].includes(stateOf(pid)))
    if (pids.length === 0) return
    for (const pid of pids) signal(pid, 'SIGKILL')
    await untilGone(pids, device)
  }
}

async function untilGone(pids: readonly number[], what: string): Promise<void> {
  await until(() => pids.every((pid) => ['Z', null].includes(stateOf(pid))), what, pids)
}

async function until(isDone: () => boolean, what: string, pids: readonly number[]): Promise<void> {
  const deadline = Date.now() + endTimeoutMs
  while (!isDone()) {
    if (Date.now() > deadline)
      throw new WeftError('WEFT_LAB_STUCK', `${what} does not end: process ${pids.join(', ')}`, {
        hint: 'look at "ps -o pid,stat,wchan,cmd"; heal the fault and inject it again',
      })
    await delay(2)
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** State of a process as the kernel calls it, such as T for stopped; null when it is not there. */
function stateOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.charAt(stat.lastIndexOf(')') + 2)
  } catch {
    return null
  }
}

function isDaemon(name: string): name is Daemon {
  return (daemons as readonly string[]).includes(name)
}
