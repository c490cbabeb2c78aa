import { readFile, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import { type DaemonOptions, FrrDaemon } from '../../frr/daemon.ts'
import { IpSession } from '../../linux/ip-session.ts'
import { readBfdStateChange } from './bfd-log.ts'
import { FollowedFile } from './followed-file.ts'
import { type Neighbor, readNextHopNeighbors, setNeighborState } from './next-hop-neighbors.ts'

/*
 * Takes a dead next hop out of every multipath route at once, some 60 to 70 ms before FRR has worked through them.
 *
 * When BFD says that a neighbour is dead, bgpd holds its table for 50 ms and then rewrites route by route. All these
 * routes share one thing: the neighbour entry that their next hop resolves to. With `fib_multipath_use_neigh` the kernel
 * passes over a next hop whose neighbour has failed, so one write repairs any number of routes, and none of FRR's own
 * objects is touched: zebra neither sees a route change nor writes the entry again.
 *
 * A failed entry that stayed would be worse than the outage: a route with this next hop alone would lead nowhere after
 * the link has healed. So it is failed only while another link is up, only for as long as FRR needs, and an agent that
 * starts makes good what one before it may have left. FRR 10 resolves next hops to link-local neighbours, which the
 * kernel probes by itself; nothing is done there.
 *
 * bfdd's own log is the first to know (0.3 ms before bgpd's): the agent asks bfdd, at run time and without writing its
 * configuration, for a log file of state changes.
 */

export interface LocalRepairOptions {
  frr: DaemonOptions
  log: Pick<Logger, 'info' | 'warn'>
  /** A link was taken out; milliseconds from the line in the log to the kernel's answer. */
  onRepair: (interfaceName: string, tookMs: number) => void
}

/** FRR has rewritten its routes well before; BGP comes back a second after the link at the earliest. */
const failedForMs = 800
const filter = 'state-change'
const settingPath = '/proc/sys/net/ipv4/fib_multipath_use_neigh'

export class LocalRepair {
  readonly #options: LocalRepairOptions
  readonly #bfdd: FrrDaemon
  readonly #ip = new IpSession()
  readonly #neighbors = new Map<string, Neighbor>()
  readonly #down = new Set<string>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  #followed: FollowedFile | undefined
  #connecting: Promise<void> | undefined

  private constructor(options: LocalRepairOptions) {
    this.#options = options
    this.#bfdd = new FrrDaemon('bfdd', options.frr)
  }

  /** Starts when the kernel is set for it, and says why when it is not. */
  static async start(options: LocalRepairOptions): Promise<LocalRepair | undefined> {
    const setting = await readFile(settingPath, 'utf8').catch(() => '0')
    if (setting.trim() !== '1') {
      options.log.warn(
        'fast local repair is off: set net.ipv4.fib_multipath_use_neigh = 1, as the rendered sysctl.conf does',
      )
      return undefined
    }
    const repair = new LocalRepair(options)
    await repair.#refresh()
    // The process that writes is there before it is needed.
    await repair.#ip.apply(['link show dev lo'])
    repair.#connecting = repair.#bfdd.keepConnected({
      onUp: () => {
        repair.#listen().catch((error: Error) => repair.#giveUp(error))
      },
      onDown: () => {},
    })
    return repair
  }

  /** Makes every next hop usable again and stops. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#bfdd.close()
    await this.#connecting
    await this.#followed?.close()
    await this.#refresh()
    this.#ip.close()
  }

  async #listen(): Promise<void> {
    const path = `${dirname(this.#bfdd.socketPath)}/weft-bfd.log`
    const other = /^log filtered-file (?!\S*\/weft-bfd\.log)(\S+)/m.exec(
      await this.#bfdd.show('show running-config'),
    )
    if (other !== null) throw new Error(`bfdd already writes its filtered log to ${other[1]}`)
    await this.#bfdd.configure([
      { context: [], line: 'debug bfd peer' },
      { context: [], line: `log filtered-file ${path} debugging` },
    ])
    // Without a filter a filtered log stays empty. bfdd refuses one that it has, from an agent before this one.
    await this.#bfdd.configure([{ context: [], line: `log filter-text ${filter}` }]).catch((error: Error) => {
      if (!error.message.includes('failed to apply log filter')) throw error
    })
    await this.#followed?.close()
    await truncate(path)
    this.#followed = await FollowedFile.open(
      path,
      (line) => this.#read(line),
      (error) => this.#giveUp(error),
    )
    await this.#refresh()
  }

  #giveUp(error: Error): void {
    this.#options.log.warn({ reason: error.message }, 'fast local repair is off until bfdd starts again')
  }

  #read(line: string): void {
    const change = readBfdStateChange(line)
    if (change === null) return
    if (change.to === 'down') {
      this.#down.add(change.interface)
      this.#takeOut(change.interface)
    } else {
      this.#down.delete(change.interface)
      this.#refresh().catch((error: Error) => this.#giveUp(error))
    }
  }

  #takeOut(name: string): void {
    const neighbor = this.#neighbors.get(name)
    const hasOther = [...this.#neighbors.keys()].some((other) => !this.#down.has(other))
    if (neighbor === undefined || !hasOther) return
    const heardAtMs = performance.now()
    this.#ip.apply([setNeighborState(neighbor, 'failed')]).then(
      () => this.#options.onRepair(name, performance.now() - heardAtMs),
      (error: Error) => this.#giveUp(error),
    )
    clearTimeout(this.#timers.get(name))
    this.#timers.set(
      name,
      setTimeout(() => {
        this.#timers.delete(name)
        this.#ip.apply([setNeighborState(neighbor, 'permanent')]).catch((error: Error) => this.#giveUp(error))
      }, failedForMs),
    )
  }

  /** Reads which neighbours there are, and makes good those that nobody is waiting for. */
  async #refresh(): Promise<void> {
    const { usable, failed } = await readNextHopNeighbors()
    for (const neighbor of [...usable, ...failed]) this.#neighbors.set(neighbor.interface, neighbor)
    const left = failed.filter((neighbor) => !this.#timers.has(neighbor.interface))
    await this.#ip.apply(left.map((neighbor) => setNeighborState(neighbor, 'permanent')))
    if (left.length > 0)
      this.#options.log.warn(
        { links: left.map(({ interface: name }) => name) },
        'next hops that an agent had left out are back',
      )
  }
}
