import { type FSWatcher, watch } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/*
 * Follows what another program appends to a file, woken by the kernel (inotify), not by a clock.
 *
 * What was in the file before is passed over. A file that became shorter was emptied: it is read from its beginning.
 */

const chunkBytes = 16_384

export class FollowedFile {
  readonly #handle: FileHandle
  readonly #watcher: FSWatcher
  readonly #onLine: (line: string) => void
  #position: number
  #rest = ''
  #isReading = false
  #isDirty = false

  private constructor(
    handle: FileHandle,
    path: string,
    position: number,
    onLine: (line: string) => void,
    onError: (error: Error) => void,
  ) {
    this.#handle = handle
    this.#position = position
    this.#onLine = onLine
    this.#watcher = watch(path, () => {
      this.#read().catch(onError)
    })
    this.#watcher.on('error', onError)
  }

  /** Opens a file, which must exist, at its end. */
  static async open(
    path: string,
    onLine: (line: string) => void,
    onError: (error: Error) => void,
  ): Promise<FollowedFile> {
    const handle = await open(path, 'r')
    const { size } = await handle.stat()
    return new FollowedFile(handle, path, size, onLine, onError)
  }

  async close(): Promise<void> {
    this.#watcher.close()
    await this.#handle.close()
  }

  async #read(): Promise<void> {
    this.#isDirty = true
    if (this.#isReading) return
    this.#isReading = true
    try {
      while (this.#isDirty) {
        this.#isDirty = false
        await this.#readToEnd()
      }
    } finally {
      this.#isReading = false
    }
  }

  async #readToEnd(): Promise<void> {
    const { size } = await this.#handle.stat()
    if (size < this.#position) {
      this.#position = 0
      this.#rest = ''
    }
    for (;;) {
      const { bytesRead, buffer } = await this.#handle.read({
        buffer: Buffer.alloc(chunkBytes),
        position: this.#position,
      })
      if (bytesRead === 0) return
      this.#position += bytesRead
      const lines = (this.#rest + buffer.toString('utf8', 0, bytesRead)).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) this.#onLine(line)
    }
  }
}
