import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../diagnostics/error.ts'
import { deleteNamespaces, findPids, listNamespaces } from '../linux/namespace.ts'
import { launchersPath } from './daemons.ts'
import { withLabLock } from './lock.ts'
import { frrRunDirectory, labEnvironmentKey, namespacesOfLab, pathsOf } from './names.ts'
import { requireRoot } from './privilege.ts'
import { listLabs, readState, removeState, writeState } from './state.ts'

/*
 * Removes a lab, whatever state it is in: up, half built, killed, or known by its traces only.
 *
 * Nothing relies on lab.json. Processes are found twice, by the namespace they sit in and by WEFT_LAB in their
 * environment: a shell that was about to enter a namespace when `up` was killed is in none yet. The search is repeated
 * until nothing is found, and the state folder goes last, so that an interrupted `down` can be run again.
 */

const frrScratchDirectory = '/var/tmp/frr'

export interface Leftovers {
  namespaces: string[]
  pids: number[]
  socketDirectories: string[]
  hasState: boolean
}

/** Removes everything that belongs to the lab and returns what was found. */
export async function takeDown(lab: string): Promise<Leftovers> {
  requireRoot()
  // A flapping link holds the lock for some milliseconds now and then.
  return await withLabLock(lab, 'weft lab down', () => removeEverything(lab), { waitMs: 2000 })
}

/** Removes a lab without taking its lock: for `up`, which holds it already. */
export async function removeEverything(lab: string): Promise<Leftovers> {
  const found = await findLeftovers(lab)
  const state = await readState(lab).catch(() => null)
  if (state !== null) await writeState({ ...state, phase: 'stopping' })
  await killAll(lab)
  // Namespaces may have appeared while processes were being ended.
  await deleteNamespaces(await ownNamespaces(lab))
  await killAll(lab)
  await removeFiles(lab)
  await removeState(lab)
  return found
}

/** Everything on this machine that carries the lab's name. */
export async function findLeftovers(lab: string): Promise<Leftovers> {
  return {
    namespaces: await ownNamespaces(lab),
    pids: await findLabPids(lab),
    socketDirectories: await ownSocketDirectories(lab),
    hasState: existsSync(pathsOf(lab).root),
  }
}

/** Ends every process of the lab at once: a router that ends politely first withdraws its routes, which takes time. */
async function killAll(lab: string): Promise<void> {
  const deadline = Date.now() + 20_000
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    const pids = await findLabPids(lab)
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
    if (Date.now() > deadline)
      throw new WeftError('WEFT_LAB_STUCK', `processes of lab "${lab}" do not end: ${pids.join(', ')}`, {
        hint: 'they are probably waiting in the kernel: look at "ps -o pid,stat,wchan,cmd", then run down again',
      })
    await delay(pauseMs)
  }
}

async function findLabPids(lab: string): Promise<number[]> {
  const inside = [...(await findPids(await ownNamespaces(lab))).values()].flat()
  return [...new Set([...inside, ...(await findMarkedPids(lab))])].filter((pid) => pid !== process.pid)
}

/** Processes with WEFT_LAB=<lab> in their environment. */
async function findMarkedPids(lab: string): Promise<number[]> {
  const mark = `${labEnvironmentKey}=${lab}`
  const entries = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const marked = await Promise.all(
    entries.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
      return environment.split('\0').includes(mark) ? [Number(pid)] : []
    }),
  )
  return marked.flat()
}

async function ownNamespaces(lab: string): Promise<string[]> {
  return namespacesOfLab(lab, await listLabs(), await listNamespaces())
}

async function ownSocketDirectories(lab: string): Promise<string[]> {
  const entries = await readdir(frrRunDirectory).catch(() => [])
  return namespacesOfLab(lab, await listLabs(), entries)
}

async function removeFiles(lab: string): Promise<void> {
  for (const directory of await ownSocketDirectories(lab))
    await rm(`${frrRunDirectory}/${directory}`, { recursive: true, force: true })
  // A daemon that is killed leaves its scratch folder behind.
  const launchers = new Set(await readLaunchers(lab))
  for (const entry of await readdir(frrScratchDirectory).catch(() => []))
    if (launchers.has(entry.slice(entry.lastIndexOf('.') + 1)))
      await rm(`${frrScratchDirectory}/${entry}`, { recursive: true, force: true })
}

async function readLaunchers(lab: string): Promise<string[]> {
  const devices = await readdir(pathsOf(lab).configs).catch(() => [])
  const files = await Promise.all(
    devices.map((device) => readFile(launchersPath(lab, device), 'utf8').catch(() => '')),
  )
  return files.flatMap((text) => text.split('\n')).filter((pid) => pid !== '')
}
