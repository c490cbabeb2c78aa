import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { WeftError } from '../diagnostics/error.ts'

/** Reads a text file that must be there; `hint` says what to do when it is not. */
export async function readText(file: string, hint: string): Promise<string> {
  const text = await readTextIfPresent(file)
  if (text === null) throw new WeftError('WEFT_FILE_MISSING', `${file}: no such file`, { hint, exitCode: 2 })
  return text
}

/** Reads a text file, or returns null when there is none. */
export async function readTextIfPresent(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw fileError(file, error)
  }
}

/** Writes a file so that readers see the old text or the new, never a part; directories are created as needed. */
export async function writeAtomically(file: string, text: string, mode = 0o644): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await makeFolder(dirname(file))
    await writeFile(temporary, text, { mode })
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw fileError(file, error)
  }
}

/**
 * Makes a folder and those above it; returns the topmost that was not there, or undefined.
 *
 * Not by `recursive`: where the file system says that a parent is missing which is there, as /proc does, Node tries for
 * ever.
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  const missing: string[] = []
  for (let path = resolve(folder); !(await isThere(path)); path = dirname(path)) missing.unshift(path)
  for (const path of missing) await mkdir(path)
  return missing[0]
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

/** Turns a refusal of the file system into words; anything else stays the surprise it is. */
export function fileError(file: string, error: unknown): unknown {
  const explanation = explanations[errorCode(error) ?? '']
  if (explanation === undefined) return error
  const [message, hint] = explanation
  return new WeftError('WEFT_FILE_REFUSED', `${file}: ${message}`, { hint, exitCode: 2, cause: error })
}

export function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code
}

const explanations: Record<string, readonly [message: string, hint: string]> = {
  EACCES: ['permission denied', 'choose another place, or give this user the right to it'],
  EPERM: ['operation not permitted', 'choose another place, or give this user the right to it'],
  EROFS: ['read-only file system', 'choose a place that can be written to'],
  ENOENT: ['no folder can be made there', 'choose another place'],
  EISDIR: ['is a directory, expected a file', 'name a file'],
  EBUSY: ['is a directory or a mount point, expected a file', 'name a file'],
  ENOTDIR: ['part of the path is a file, not a directory', 'check the path'],
  ENOSPC: ['no space left on the device', 'free some space and try again'],
  EDQUOT: ['disk quota exceeded', 'free some space and try again'],
  ENAMETOOLONG: ['the name is too long', 'choose a shorter one'],
  ELOOP: ['too many symbolic links', 'check the links in the path'],
}
