import { open } from 'node:fs/promises'

/** What is written to a log from now on, read when it is asked for: nothing is done while it is being written. */
export interface LogTail {
  read(): Promise<string>
}

/** Remembers where a log ends now; one that does not exist yet is read from its start. */
export async function openLogTail(path: string): Promise<LogTail> {
  const from = await sizeOf(path)
  return {
    async read() {
      const file = await open(path).catch(ignoreMissing)
      if (file === null) return ''
      try {
        const { size } = await file.stat()
        const buffer = Buffer.alloc(Math.max(0, size - from))
        await file.read(buffer, 0, buffer.length, from)
        return buffer.toString('utf8')
      } finally {
        await file.close()
      }
    },
  }
}

async function sizeOf(path: string): Promise<number> {
  const file = await open(path).catch(ignoreMissing)
  if (file === null) return 0
  try {
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}
