import { connect, type Socket } from 'node:net'
import { WeftError } from '../diagnostics/error.ts'
import { type VtyReply, VtyReplySplitter } from './vty-replies.ts'

/*
 * One connection to a daemon's vty socket: commands out, replies back, in order.
 *
 * Commands are pipelined: a bgpd answers 30,000 a second that way against 6,000 one at a time. Replies carry no
 * number, so the order is all there is: a command that times out leaves the stream out of step, and the only safe
 * thing is to close it. Whatever was in flight then fails with `WEFT_VTY_CLOSED`, and whoever owns the connection
 * decides whether to open another; a command may or may not have taken effect in that case.
 */

/** Bounds the daemon's and our own memory: beyond this, commands wait on our side. */
const maxInFlight = 64

export interface VtyTarget {
  /** The daemon's name, for messages: bgpd, zebra, bfdd. */
  daemon: string
  socketPath: string
}

export interface CommandOptions {
  /** Default 10 s; a full table of 10,000 routes takes 0.3 s. */
  timeoutMs?: number
}

interface Pending {
  command: string
  timeoutMs: number
  resolve: (reply: VtyReply) => void
  reject: (error: Error) => void
}

/** What one daemon answered to one command when it did not simply do it. */
export class VtyCommandError extends WeftError {
  override readonly name = 'VtyCommandError'
  readonly daemon: string
  readonly command: string
  readonly status: number
  readonly answer: string

  constructor(daemon: string, command: string, reply: VtyReply) {
    const answer = reply.text.trim()
    super('WEFT_VTY_REFUSED', `${daemon} refused "${command.trim()}": ${answer || `status ${reply.status}`}`)
    this.daemon = daemon
    this.command = command
    this.status = reply.status
    this.answer = answer
  }
}

export class VtyConnection {
  readonly daemon: string
  /** Resolves once, when the connection has ended for whatever reason. */
  readonly closed: Promise<void>
  readonly #socket: Socket
  readonly #splitter = new VtyReplySplitter()
  readonly #waiting: Pending[] = []
  readonly #inFlight: Pending[] = []
  #timer: NodeJS.Timeout | undefined
  #failure: Error | undefined

  constructor(daemon: string, socket: Socket) {
    this.daemon = daemon
    this.#socket = socket
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (cause) => this.#fail(closedError(daemon, this.#inFlight[0]?.command, cause)))
    socket.on('close', () => this.#fail(closedError(daemon, this.#inFlight[0]?.command)))
  }

  get isOpen(): boolean {
    return this.#failure === undefined
  }

  /** Sends a command and resolves with the reply, whatever its status. */
  ask(command: string, options: CommandOptions = {}): Promise<VtyReply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (/[\0\n\r]/.test(command)) {
      return Promise.reject(
        new WeftError('WEFT_VTY_COMMAND', `not one line: ${JSON.stringify(command)}`, { exitCode: 70 }),
      )
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, timeoutMs: options.timeoutMs ?? 10_000, resolve, reject })
      this.#send()
    })
  }

  /** Sends a command and resolves with its output; rejects with a VtyCommandError when the daemon refuses it. */
  async execute(command: string, options: CommandOptions = {}): Promise<string> {
    const reply = await this.ask(command, options)
    if (reply.status !== 0) throw new VtyCommandError(this.daemon, command, reply)
    return reply.text
  }

  close(): void {
    this.#fail(closedError(this.daemon, this.#inFlight[0]?.command))
  }

  #send(): void {
    let batch = ''
    while (this.#inFlight.length < maxInFlight) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      batch += `${next.command}\0`
      this.#inFlight.push(next)
    }
    if (batch === '') return
    this.#socket.write(batch)
    if (this.#timer === undefined) this.#restartTimer()
  }

  #receive(chunk: Buffer): void {
    const replies = this.#splitter.push(chunk)
    for (const reply of replies) this.#inFlight.shift()?.resolve(reply)
    if (replies.length === 0) return
    this.#restartTimer()
    this.#send()
  }

  /** Only the oldest command is being worked on, so one timer serves them all. */
  #restartTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const oldest = this.#inFlight[0]
    if (oldest === undefined) return
    this.#timer = setTimeout(() => {
      this.#fail(
        new WeftError(
          'WEFT_VTY_TIMEOUT',
          `${this.daemon} did not answer "${oldest.command.trim()}" within ${oldest.timeoutMs / 1000} s`,
          { hint: `see whether ${this.daemon} hangs: top -H -p $(pidof ${this.daemon})`, exitCode: 4 },
        ),
      )
    }, oldest.timeoutMs)
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    clearTimeout(this.#timer)
    this.#socket.destroy()
    for (const pending of [...this.#inFlight.splice(0), ...this.#waiting.splice(0)]) pending.reject(error)
  }
}

/** Connects once; rejects with a WeftError that says why the daemon cannot be reached. */
export function openVty(target: VtyTarget, options: { signal?: AbortSignal } = {}): Promise<VtyConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<VtyConnection>()
  const socket = connect({ path: target.socketPath, ...options })
  const onError = (cause: NodeJS.ErrnoException) => reject(connectError(target, cause))
  socket.once('error', onError)
  socket.once('connect', () => {
    socket.off('error', onError)
    resolve(new VtyConnection(target.daemon, socket))
  })
  return promise
}

function connectError(target: VtyTarget, cause: NodeJS.ErrnoException): WeftError {
  const { daemon, socketPath } = target
  if (cause.code === 'EACCES') {
    return new WeftError('WEFT_VTY_PERMISSION', `no permission to open ${socketPath}`, {
      hint: 'run as root, or as a member of the group frrvty',
      exitCode: 3,
      cause,
    })
  }
  const why = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED' ? 'is not running' : cause.message
  return new WeftError('WEFT_VTY_UNREACHABLE', `${daemon} ${why} (no answer at ${socketPath})`, {
    hint: `start FRR with ${daemon} enabled: /etc/frr/daemons, then systemctl restart frr`,
    exitCode: 4,
    cause,
  })
}

function closedError(daemon: string, command: string | undefined, cause?: Error): WeftError {
  const during = command === undefined ? '' : ` while answering "${command.trim()}"`
  return new WeftError('WEFT_VTY_CLOSED', `${daemon} closed its vty socket${during}`, {
    hint: `${daemon} may have been restarted or have crashed: journalctl -u frr`,
    exitCode: 4,
    cause,
  })
}
