import { rmSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { WeftError } from '../diagnostics/error.ts'
import type { RenderedDevice } from '../render/render.ts'
import { errorCode, fileError, makeFolder, readTextIfPresent, writeAtomically } from './files.ts'

/*
 * A folder of rendered configuration: one folder a device, and a manifest that says which of them are ours.
 *
 * It may be a working copy, shared with files of its owner, so only device folders that the manifest names are ever
 * replaced or removed. New text is written aside first and put in place by rename when all of it is there: a device's
 * folder holds its old configuration or its new one, and an interrupted run leaves the old.
 */

const manifestName = '.weft-render.json'

export interface FolderChange {
  written: string[]
  unchanged: string[]
  removed: string[]
}

export interface FolderOptions {
  /** The devices are all there are: what is in the folder besides them is out of date. */
  isComplete: boolean
  /** Called when everything is written and nothing is in place yet. */
  beforeSwap: () => Promise<void>
}

/** Brings a folder up to date with the rendered devices. */
export async function updateFolder(
  folder: string,
  devices: Iterable<RenderedDevice>,
  { isComplete, beforeSwap }: FolderOptions,
): Promise<FolderChange> {
  const owned = await readManifest(folder)
  const created = await makeFolder(folder).catch((error) => {
    throw fileError(folder, error)
  })
  const aside = join(folder, `.weft-${process.pid}`)
  const scrap = created ?? aside
  const stop = () => {
    rmSync(scrap, { recursive: true, force: true })
    process.exit(130)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    const change = await writeAside(folder, aside, devices)
    const wanted = new Set([...change.written, ...change.unchanged])
    const gone = isComplete ? owned.filter((name) => !wanted.has(name)) : []
    await beforeSwap()
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    // From here on both the old and the new are ours, wherever this is interrupted.
    await writeManifest(folder, [...owned, ...wanted])
    await swap(folder, aside, change.written, gone)
    await writeManifest(
      folder,
      [...owned, ...wanted].filter((name) => !gone.includes(name)),
    )
    await rm(aside, { recursive: true, force: true })
    return { ...change, removed: gone }
  } catch (error) {
    await rm(scrap, { recursive: true, force: true }).catch(() => {})
    throw fileError(folder, error)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

async function writeAside(
  folder: string,
  aside: string,
  devices: Iterable<RenderedDevice>,
): Promise<FolderChange> {
  const change: FolderChange = { written: [], unchanged: [], removed: [] }
  await mkdir(join(aside, 'new'), { recursive: true })
  for (const batch of batches(devices, devicesAtOnce)) {
    const areSame = await Promise.all(
      batch.map(async ({ device, files }) => {
        const isSame = await isUnchanged(join(folder, device), files)
        if (!isSame) await writeDevice(join(aside, 'new', device), files)
        return isSame
      }),
    )
    for (const [i, { device }] of batch.entries()) change[areSame[i] ? 'unchanged' : 'written'].push(device)
  }
  return change
}

/** A large site is 40,000 small files; one after the other, they would take three times as long. */
const devicesAtOnce = 16

function* batches<T>(items: Iterable<T>, size: number): Iterable<T[]> {
  let batch: T[] = []
  for (const item of items) {
    if (batch.push(item) < size) continue
    yield batch
    batch = []
  }
  yield batch
}

async function writeDevice(folder: string, files: Record<string, string>): Promise<void> {
  const folders = new Set(Object.keys(files).map((path) => dirname(join(folder, path))))
  for (const path of folders) await mkdir(path, { recursive: true })
  // Session passwords are in here.
  await Promise.all(
    Object.entries(files).map(([path, text]) => writeFile(join(folder, path), text, { mode: 0o640 })),
  )
}

async function isUnchanged(folder: string, files: Record<string, string>): Promise<boolean> {
  try {
    const present = await readdir(folder, { recursive: true, withFileTypes: true })
    if (present.filter((entry) => !entry.isDirectory()).length !== Object.keys(files).length) return false
    const same = Object.entries(files).map(
      async ([path, text]) => (await readFile(join(folder, path), 'utf8')) === text,
    )
    return (await Promise.all(same)).every(Boolean)
  } catch {
    // Not there, or not readable: it is written again, and what cannot be done is said then.
    return false
  }
}

async function swap(
  folder: string,
  aside: string,
  written: readonly string[],
  gone: readonly string[],
): Promise<void> {
  await mkdir(join(aside, 'old'), { recursive: true })
  for (const device of gone) await moveAway(device)
  for (const device of written) {
    const hadOld = await moveAway(device)
    try {
      await rename(join(aside, 'new', device), join(folder, device))
    } catch (error) {
      if (hadOld) await rename(join(aside, 'old', device), join(folder, device))
      throw error
    }
  }

  async function moveAway(device: string): Promise<boolean> {
    try {
      await rename(join(folder, device), join(aside, 'old', device))
      return true
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false
      throw error
    }
  }
}

async function readManifest(folder: string): Promise<string[]> {
  const present = await readdir(folder).catch((error) => {
    if (errorCode(error) === 'ENOENT') return []
    throw fileError(folder, error)
  })
  const manifest = join(folder, manifestName)
  const text = await readTextIfPresent(manifest)
  if (text !== null) return parseManifest(text, manifest)
  if (present.length === 0) return []
  throw new WeftError(
    'WEFT_RENDER_FOLDER_FOREIGN',
    `${folder} is not empty and was not written by weft render; nothing was written`,
    { hint: 'name another folder, or empty this one', exitCode: 2 },
  )
}

function parseManifest(text: string, file: string): string[] {
  try {
    const { devices } = JSON.parse(text) as { devices: unknown }
    // Names become paths that are removed: nothing but a plain name may stand here.
    if (Array.isArray(devices) && devices.every((name) => /^[a-z0-9][\w.-]*$/i.test(String(name))))
      return devices
  } catch {
    // Not JSON: the same answer as for JSON that is no manifest.
  }
  throw new WeftError('WEFT_RENDER_FOLDER_FOREIGN', `${file} is damaged; nothing was written`, {
    hint: 'restore it, or render into another folder',
    exitCode: 2,
  })
}

async function writeManifest(folder: string, devices: readonly string[]): Promise<void> {
  const names = [...new Set(devices)].sort()
  await writeAtomically(join(folder, manifestName), `${JSON.stringify({ devices: names }, null, 1)}\n`)
}
