/** For tests: the real command line, as a user runs it. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface WeftRun {
  code: number
  stdout: string
  stderr: string
}

const main = fileURLToPath(new URL('main.ts', import.meta.url))

/** Runs `weft` in a folder, to its end. */
export function spawnWeft(cwd: string, ...args: string[]): Promise<WeftRun> {
  const { promise, resolve } = Promise.withResolvers<WeftRun>()
  const options = { cwd, maxBuffer: 64 * 1024 * 1024, timeout: 25_000 }
  execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
  })
  return promise
}
