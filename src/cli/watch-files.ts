import { watch } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

/*
 * Does something now and after every change of some files, one run at a time.
 *
 * Folders are watched, not files: editors write a new file and put it in the place of the old one, and a watch on the
 * old one would hear nothing more. Events that arrive during a run are answered by one further run.
 */

/** Runs `act` at once and after each change, until it throws or the process ends. */
export async function watchFiles(files: readonly string[], act: () => Promise<void>): Promise<never> {
  const stop = new AbortController()
  const byFolder = Map.groupBy(files, (file) => dirname(file))
  let wake = () => {}
  let isDue = true

  async function follow(folder: string, names: ReadonlySet<string>): Promise<never> {
    for await (const { filename } of watch(folder, { signal: stop.signal })) {
      if (filename !== null && !names.has(filename)) continue
      isDue = true
      wake()
    }
    throw new Error(`${folder} can no longer be watched`)
  }

  async function run(): Promise<never> {
    for (;;) {
      if (isDue) {
        isDue = false
        await act()
      } else await new Promise<void>((resolve) => (wake = resolve))
    }
  }

  const following = [...byFolder].map(([folder, list]) =>
    follow(folder, new Set(list.map((file) => basename(file)))),
  )
  try {
    return await Promise.race([run(), ...following])
  } finally {
    stop.abort()
  }
}
