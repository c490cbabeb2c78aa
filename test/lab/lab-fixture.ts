import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { loadIntent } from '../../src/intent/load.ts'
import type { Intent } from '../../src/intent/model.ts'
import { findLeftovers } from '../../src/lab/teardown.ts'
import { emptyLock } from '../../src/plan/lock.ts'
import type { Plan } from '../../src/plan/model.ts'
import { planFabric } from '../../src/plan/plan-fabric.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Path of an example's intent. */
export function exampleFile(name: string): string {
  return `${root}examples/${name}/weft.yaml`
}

export function exampleIntent(name: string): Intent {
  const file = exampleFile(name)
  const { intent } = loadIntent(readFileSync(file, 'utf8'), { file })
  if (intent === null) throw new Error(`${file} does not load`)
  return intent
}

export function planOf(intent: Intent): Plan {
  const { plan, diagnostics } = planFabric(intent, emptyLock)
  if (plan === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return plan
}

export interface WeftRun {
  pid: number
  stdout: () => string
  stderr: () => string
  /** Resolves when this has appeared on either stream. */
  until: (text: RegExp) => Promise<void>
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Starts the real command line as a user does. */
export function startWeft(...args: string[]): WeftRun {
  const child = spawn(process.execPath, [`${root}src/cli/main.ts`, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const listeners = new Set<() => void>()
  const hear = () => {
    for (const listener of listeners) listener()
  }
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    hear()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    hear()
  })
  return {
    pid: child.pid as number,
    stdout: () => stdout,
    stderr: () => stderr,
    async until(text) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const check = () => {
        if (text.test(stdout + stderr)) resolve()
      }
      listeners.add(check)
      child.once('close', () => reject(new Error(`weft ended before it said ${text}:\n${stdout}${stderr}`)))
      check()
      await promise
      listeners.delete(check)
    },
    ended: once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    })),
  }
}

/** Runs a command to its end. */
export async function weft(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const run = startWeft(...args)
  const { code } = await run.ended
  return { code, stdout: run.stdout(), stderr: run.stderr() }
}

/** Everything on the machine that carries a lab's name; all empty after `down`. */
export async function remains(lab: string): Promise<unknown> {
  const { namespaces, pids, socketDirectories, hasState } = await findLeftovers(lab)
  const locks = (await readdir('/run/weft/labs').catch(() => [])).filter((name) => name.includes(`.${lab}.`))
  return { namespaces, pids, socketDirectories, hasState, locks }
}

export const nothing = { namespaces: [], pids: [], socketDirectories: [], hasState: false, locks: [] }
