import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { WeftError } from '../diagnostics/error.ts'
import { inNamespace } from './namespace.ts'
import { applyNft } from './nft.ts'

/*
 * An `nft -i` that stays open, for small changes that must not wait for a process to start: 0.2 ms each, also in a set
 * of 10,000 elements, instead of 5 to 20 ms.
 *
 * A line is one kernel transaction. nft says nothing about one that worked, so a question that always fails follows,
 * about a table that cannot exist: its complaint says that the line before has been done. Lines follow one another.
 *
 * nft remembers every line for its history, so the process is replaced now and then. Where there is no interactive nft,
 * or it ends by itself, the change is made by a process of its own; all the changes given here can be repeated.
 */

const nobody = 'weft-nobody'
const endOfReply = new RegExp(`(?:Error: [^\\n]*\\n)?[^\\n]*list table inet ${nobody}\\n[ ^~]*\\n`)
const timeoutMs = 30_000
const linesPerProcess = 500

type Child = ChildProcessByStdio<Writable, null, Readable>

export class NftSession {
  readonly #namespace: string | undefined
  #last: Promise<unknown> = Promise.resolve()
  #child: Child | undefined
  #lines = 0
  #stderr = ''
  #answered: (reply: string) => void = () => {}
  #ended: (why: string) => void = () => {}

  constructor(options: { namespace?: string } = {}) {
    this.#namespace = options.namespace
  }

  /** Makes changes as one transaction; rejects, with nothing changed, when one is refused. */
  apply(commands: readonly string[]): Promise<void> {
    if (commands.length === 0) return Promise.resolve()
    const turn = this.#last.then(() => this.#applyNow(commands))
    this.#last = turn.catch(() => {})
    return turn
  }

  close(): void {
    this.#child?.stdin.end()
    this.#child = undefined
  }

  async #applyNow(commands: readonly string[]): Promise<void> {
    const reply = await this.#ask(commands.join('; ')).catch(() => undefined)
    if (reply === undefined) {
      await applyNft(commands.join('\n'), this.#namespace === undefined ? {} : { namespace: this.#namespace })
      return
    }
    if (reply === '') return
    throw new WeftError('WEFT_NFT_FAILED', `nftables refused "${commands[0]}": ${reply}`, {
      hint: /not permitted/i.test(reply)
        ? 'run as root (CAP_NET_ADMIN is needed)'
        : 'somebody else may have changed the table: what is there is read again before the next attempt',
    })
  }

  async #ask(line: string): Promise<string> {
    if (this.#lines >= linesPerProcess) this.close()
    this.#child ??= this.#start()
    const child = this.#child
    this.#lines++
    this.#stderr = ''
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#answered = resolve
    this.#ended = (why) => reject(new Error(why))
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    child.stdin.write(`${line}\nlist table inet ${nobody}\n`)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }

  #start(): Child {
    const [command, ...args] = inNamespace(this.#namespace, ['nft', '-i'])
    // Without a home there is no history file.
    const env = { ...process.env, HOME: '/nonexistent' }
    const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'pipe'], env })
    this.#lines = 0
    const end = (why: string) => {
      if (this.#child !== child) return
      this.#child = undefined
      this.#ended(why)
    }
    child.stdin.on('error', () => {})
    child.stderr.on('data', (chunk: Buffer) => {
      if (this.#child === child) this.#receive(chunk.toString())
    })
    child.on('error', (cause) => end(cause.message))
    child.on('close', (code, signal) => end(`it ended (${signal ?? code})`))
    return child
  }

  #receive(text: string): void {
    this.#stderr += text
    const found = endOfReply.exec(this.#stderr)
    if (found !== null) this.#answered(this.#stderr.slice(0, found.index).trim())
  }
}
