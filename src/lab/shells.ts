import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { WeftError } from '../diagnostics/error.ts'

/*
 * A few shells that stay, and run one script after the other.
 *
 * Starting hundreds of routers means hundreds of processes, and forking this one is dear: it stands still for 4 ms each
 * time, and ten times that on a busy machine. A shell forks in a fraction of it, and forks while this process works.
 *
 * Scripts go in by standard input, and what they write comes back merged, up to a mark with the exit code. When this
 * process dies the shells read end of file and end with the script they are at.
 */

interface Job {
  script: string
  resolve: (output: string) => void
  reject: (error: Error) => void
}

/** What a script wrote before it ended with another exit code than 0. */
export class ScriptError extends WeftError {
  override readonly name = 'ScriptError'
  readonly said: string

  constructor(said: string, exitCode: number) {
    super('WEFT_LAB_SCRIPT', said === '' ? `a script ended with exit code ${exitCode}` : said)
    this.said = said
  }
}

const mark = '\u0001'

export class ShellPool {
  readonly #idle: Shell[]
  readonly #shells: Shell[]
  readonly #queue: Job[] = []

  constructor(width: number, options: { env: NodeJS.ProcessEnv; signal?: AbortSignal }) {
    this.#shells = Array.from({ length: width }, () => new Shell(options.env))
    this.#idle = [...this.#shells]
    options.signal?.addEventListener('abort', () => this.close(), { once: true })
  }

  /** Runs a script when a shell is free and resolves with what it wrote. */
  run(script: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#queue.push({ script, resolve, reject })
    this.#next()
    return promise
  }

  /** Ends the shells; scripts under way and waiting fail. */
  close(): void {
    for (const shell of this.#shells) shell.close()
    for (const { reject } of this.#queue.splice(0)) reject(closedError())
  }

  #next(): void {
    const shell = this.#idle.pop()
    if (shell === undefined) return
    const job = this.#queue.shift()
    if (job === undefined) {
      this.#idle.push(shell)
      return
    }
    shell
      .run(job.script)
      .then(job.resolve, job.reject)
      .finally(() => {
        this.#idle.push(shell)
        this.#next()
      })
  }
}

class Shell {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  #output = ''
  #waiting: Omit<Job, 'script'> | undefined
  #isClosed = false

  constructor(env: NodeJS.ProcessEnv) {
    this.#child = spawn('sh', [], { env, stdio: ['pipe', 'pipe', 'ignore'] })
    this.#child.stdout.setEncoding('utf8')
    this.#child.stdout.on('data', (text: string) => this.#receive(text))
    this.#child.stdin.on('error', () => {})
    this.#child.on('error', () => this.close())
    this.#child.on('close', () => this.close())
  }

  run(script: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    if (this.#isClosed) {
      reject(closedError())
      return promise
    }
    this.#waiting = { resolve, reject }
    // A subshell: `exit` in the script ends the script only. Its own input is not the stream of scripts.
    this.#child.stdin.write(`( ${script}\n) </dev/null 2>&1\nprintf '${mark}%d\\n' $?\n`)
    return promise
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#child.kill('SIGKILL')
    this.#waiting?.reject(closedError())
    this.#waiting = undefined
  }

  #receive(text: string): void {
    this.#output += text
    const end = this.#output.indexOf(mark)
    if (end < 0 || !this.#output.endsWith('\n')) return
    const exitCode = Number(this.#output.slice(end + 1))
    const said = this.#output.slice(0, end)
    this.#output = ''
    const waiting = this.#waiting
    this.#waiting = undefined
    if (exitCode === 0) waiting?.resolve(said)
    else waiting?.reject(new ScriptError(said.trim().split('\n').slice(-3).join('; '), exitCode))
  }
}

function closedError(): WeftError {
  return new WeftError('WEFT_LAB_STOPPED', 'the work was cancelled')
}
