import { rm } from 'node:fs/promises'
import { WeftError } from '../../diagnostics/error.ts'
import type { Plan } from '../../plan/model.ts'
import { LabReader } from '../actual.ts'
import { forEachLimited } from '../concurrency.ts'
import { type Daemon, logPath } from '../daemons.ts'
import { pathsOf } from '../names.ts'
import type { LabState } from '../state.ts'
import { readInterfaceNames } from './interface-names.ts'
import { type KernelWatch, watchKernels } from './kernel-watch.ts'
import { readAgentLog, readBfdLog, readBgpLog } from './log-lines.ts'
import { type LogTail, openLogTail } from './log-tail.ts'
import { type DeviceEvents, mergeEvents } from './merge.ts'
import type { TimelineEvent } from './model.ts'

/*
 * What the devices of a lab do about a change, on one clock with microseconds: kernels say what becomes of links and
 * routes, bgpd and bfdd write session changes and decisions to their logs. Nothing is polled and nothing is read
 * before the end, so that watching disturbs little: while nothing changes it costs nothing.
 *
 * For its time daemons write a second log with microseconds (the one from the command line cannot have them) and two
 * kinds of debug lines; that is taken back at the end. A daemon that is not there is left out, and one that is restarted
 * meanwhile is silent from then on: its neighbours are not.
 */

/** Watches a lab until it is stopped. */
export interface TimelineRecorder {
  /**
   * Ends it and gives everything that was seen, in order; asked again, it gives the same.
   *
   * @param zeroAt epoch milliseconds that the events' times count from
   */
  stop(zeroAt: number): Promise<TimelineEvent[]>
}

const width = 8

/** Starts recording what devices say and what their kernels do; all devices unless some are named. */
export async function startTimeline(
  state: LabState,
  devices: readonly string[] = state.plan.devices.map(({ name }) => name),
): Promise<TimelineRecorder> {
  const recorder = new Recorder(state, devices)
  await recorder.start()
  return recorder
}

interface Tails {
  bgp: LogTail
  bfd: LogTail
  agent: LogTail
}

class Recorder implements TimelineRecorder {
  readonly #lab: string
  readonly #plan: Plan
  readonly #devices: readonly string[]
  readonly #reader: LabReader
  readonly #tails = new Map<string, Tails>()
  #interfaces: Map<string, Map<number, string>> = new Map()
  #kernels: KernelWatch | undefined
  #stopped: Promise<TimelineEvent[]> | undefined

  constructor(state: LabState, devices: readonly string[]) {
    this.#lab = state.name
    this.#plan = state.plan
    this.#devices = devices
    this.#reader = new LabReader(state.name)
  }

  async start(): Promise<void> {
    try {
      this.#interfaces = await readInterfaceNames(this.#lab, this.#devices)
      this.#kernels = await watchKernels(this.#lab, this.#devices)
      await forEachLimited(this.#devices, width, async (device) => {
        await this.#setDetail(device, true)
        this.#tails.set(device, {
          bgp: await openLogTail(this.#logOf(device, 'bgpd')),
          bfd: await openLogTail(this.#logOf(device, 'bfdd')),
          agent: await openLogTail(`${pathsOf(this.#lab).logs}/${device}/agent.log`),
        })
      })
    } catch (error) {
      await this.#kernels?.stop()
      this.#reader.close()
      throw error
    }
  }

  stop(zeroAt: number): Promise<TimelineEvent[]> {
    this.#stopped ??= this.#collect(zeroAt)
    return this.#stopped
  }

  async #collect(zeroAt: number): Promise<TimelineEvent[]> {
    try {
      const kernel = (await this.#kernels?.stop()) ?? []
      const devices: DeviceEvents[] = []
      await forEachLimited(this.#devices, width, async (device) => {
        await this.#setDetail(device, false)
        const { bgp, bfd, agent } = this.#tails.get(device) as Tails
        devices.push({
          device,
          said: [
            ...readBgpLog(await bgp.read()),
            ...readBfdLog(await bfd.read()),
            ...readAgentLog(await agent.read()),
          ],
          kernel: kernel.filter(({ namespace }) => this.#devices[namespace] === device),
          interfaces: this.#interfaces.get(device) ?? new Map(),
        })
        await rm(this.#logOf(device, 'bgpd'), { force: true })
        await rm(this.#logOf(device, 'bfdd'), { force: true })
      })
      return mergeEvents(this.#plan, devices, zeroAt)
    } finally {
      this.#reader.close()
    }
  }

  async #setDetail(device: string, isOn: boolean): Promise<void> {
    const topics = { bgpd: 'bgp zebra', bfdd: 'bfd peer' } as const
    await Promise.all(
      (['bgpd', 'bfdd'] as const).map((name) =>
        whereReachable(async () => {
          const daemon = this.#reader.daemon(device, name)
          const lines = isOn
            ? ['log timestamp precision 6', `log file ${this.#logOf(device, name)} debugging`]
            : ['no log file', 'no log timestamp precision 6']
          await daemon.configure(lines.map((line) => ({ context: [], line })))
          await daemon.show(`${isOn ? '' : 'no '}debug ${topics[name]}`)
        }),
      ),
    )
  }

  #logOf(device: string, daemon: Daemon): string {
    return logPath(this.#lab, device, daemon).replace(/log$/, 'timeline.log')
  }
}

async function whereReachable(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof WeftError && error.exitCode === 4)) throw error
  }
}
