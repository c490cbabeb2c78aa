import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../diagnostics/error.ts'
import { applyConfigChanges, type ConfigChange } from './config-transaction.ts'
import { type CommandOptions, openVty, type VtyConnection } from './vty-connection.ts'

/*
 * A running FRR daemon, as the rest of Weft sees it.
 *
 * Two connections at most: one for `show`, one that is in configuration mode while a transaction runs, so that a long
 * table never delays a change, and a change never meets a prompt in the wrong mode. Both are opened when first needed
 * and opened again after they were lost. `keepConnected` is for an agent, which must know at once when a daemon
 * has come back: it retries every 50 to 500 ms, which costs a local connect() each.
 */

export type DaemonName = 'bgpd' | 'zebra' | 'bfdd' | 'staticd'

export interface DaemonOptions {
  /** FRR's pathspace (`-N`): the sub-directory of the run directory; absent for the machine's only FRR. */
  pathspace?: string
  /** Default /var/run/frr. */
  runDirectory?: string
}

/** Asks one daemon and gives its text; rejects when the command is refused. */
export interface VtyReader {
  readonly daemon: string
  show(command: string, options?: CommandOptions): Promise<string>
}

/** Where a daemon listens. */
export function vtySocketPath(daemon: DaemonName, options: DaemonOptions = {}): string {
  const directory = options.runDirectory ?? '/var/run/frr'
  return [directory, ...(options.pathspace ? [options.pathspace] : []), `${daemon}.vty`].join('/')
}

export class FrrDaemon implements VtyReader {
  readonly daemon: DaemonName
  readonly socketPath: string
  #showing: Promise<VtyConnection> | undefined
  #configuring: Promise<VtyConnection> | undefined
  #lastChange: Promise<unknown> = Promise.resolve()
  readonly #stopper = new AbortController()

  constructor(daemon: DaemonName, options: DaemonOptions = {}) {
    this.daemon = daemon
    this.socketPath = vtySocketPath(daemon, options)
  }

  /** Runs a show command and returns its text. */
  async show(command: string, options: CommandOptions = {}): Promise<string> {
    this.#showing = this.#renew(this.#showing)
    return await (await this.#showing).execute(command, options)
  }

  /** Applies configuration changes as one transaction: on a refused line, those before it are undone. */
  async configure(changes: readonly ConfigChange[]): Promise<void> {
    const turn = this.#lastChange.then(async () => {
      this.#configuring = this.#renew(this.#configuring)
      await applyConfigChanges(await this.#configuring, changes)
    })
    this.#lastChange = turn.catch(() => {})
    await turn
  }

  /** Calls `onUp` each time the daemon becomes reachable and `onDown` each time it is lost, until `close`. */
  async keepConnected(events: { onUp: () => void; onDown: (error: WeftError) => void }): Promise<void> {
    const { signal } = this.#stopper
    let retryMs = 50
    let isReported = false
    while (!signal.aborted) {
      try {
        this.#showing = this.#renew(this.#showing)
        const connection = await this.#showing
        retryMs = 50
        isReported = false
        events.onUp()
        await connection.closed
      } catch (error) {
        if (!(error instanceof WeftError)) throw error
        if (!isReported && !signal.aborted) events.onDown(error)
        isReported = true
      }
      if (signal.aborted) return
      if (!isReported) {
        events.onDown(
          new WeftError('WEFT_VTY_CLOSED', `${this.daemon} closed its vty socket`, { exitCode: 4 }),
        )
        isReported = true
      }
      await delay(retryMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
      retryMs = Math.min(retryMs * 2, 500)
    }
  }

  close(): void {
    this.#stopper.abort()
    for (const connection of [this.#showing, this.#configuring]) {
      connection?.then(
        (open) => open.close(),
        () => {},
      )
    }
  }

  async #renew(current: Promise<VtyConnection> | undefined): Promise<VtyConnection> {
    const open = await current?.catch(() => undefined)
    if (open?.isOpen) return open
    const connection = await openVty({ daemon: this.daemon, socketPath: this.socketPath })
    // The running configuration is not to be seen in view mode.
    await connection.execute('enable')
    return connection
  }
}
