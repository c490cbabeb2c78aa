import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../diagnostics/error.ts'
import { labsDirectory, pathsOf } from './names.ts'

interface Holder {
  pid: number
  /** Start time from /proc: a pid alone may by now belong to another process. */
  startedAt: string
  command: string
}

const pollMs = 20

/**
 * Runs `work` while no other command may change the lab. A lock whose holder is dead, however it died, is taken over.
 *
 * @param options.waitMs how long to wait for a command that is working on the lab; not at all by default
 */
export async function withLabLock<T>(
  lab: string,
  command: string,
  work: () => Promise<T>,
  options: { waitMs?: number; signal?: AbortSignal } = {},
): Promise<T> {
  const path = pathsOf(lab).lock
  await mkdir(labsDirectory, { recursive: true })
  const own: Holder = { pid: process.pid, startedAt: await startTimeOf(process.pid), command }
  const deadline = Date.now() + (options.waitMs ?? 0)
  for (;;) {
    try {
      await acquireOnce(lab, path, own)
      break
    } catch (error) {
      if (Date.now() >= deadline || !isBusy(error)) throw error
    }
    await delay(pollMs, undefined, options.signal && { signal: options.signal })
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function acquireOnce(lab: string, path: string, own: Holder): Promise<void> {
  const draft = `${path}.${process.pid}-${++drafts}`
  await writeFile(draft, JSON.stringify(own))
  try {
    await acquire(lab, path, draft)
  } finally {
    await rm(draft, { force: true })
  }
}

/** One process may want the lock more than once at a time. */
let drafts = 0

async function acquire(lab: string, path: string, draft: string): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      // A hard link appears whole and at once, or not at all.
      await link(draft, path)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = await readHolder(path)
    if (holder !== null && (await startTimeOf(holder.pid)) === holder.startedAt) throw busy(lab, holder)
    await rm(path, { force: true })
  }
  throw busy(lab, await readHolder(path))
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch {
    return null
  }
}

/** Field 22 of /proc/<pid>/stat; empty when there is no such process. */
async function startTimeOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function isBusy(error: unknown): boolean {
  return error instanceof WeftError && error.code === 'WEFT_LAB_BUSY'
}

function busy(lab: string, holder: Holder | null): WeftError {
  const who = holder === null ? 'another command' : `"${holder.command}" (pid ${holder.pid})`
  return new WeftError('WEFT_LAB_BUSY', `${who} is working on lab "${lab}"`, {
    hint:
      holder === null
        ? 'try again'
        : `wait for it to end, or end it with: kill ${holder.pid}, then try again`,
  })
}
