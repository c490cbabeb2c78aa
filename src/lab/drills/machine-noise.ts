import { readFile } from 'node:fs/promises'

/*
 * What the machine itself did to a drill. A lab's routers share its processors with everything else on it: a bfdd that
 * waits half a second for its turn sees a failure late, or one that is none, and neither says anything about the fabric.
 */

export interface MachineNoise {
  /** Share of the time in which something that could run had to wait for a processor; null where nobody counts it. */
  waitShare: number | null
  /** Packets that the kernel dropped between namespaces, because a processor's queue was full. */
  drops: number
}

/** Starts watching; the function says what was seen since. */
export async function watchMachine(): Promise<() => Promise<MachineNoise>> {
  const started = performance.now()
  const [waitedBefore, dropsBefore] = await Promise.all([readWaited(), readDrops()])
  return async () => {
    const [waited, drops] = await Promise.all([readWaited(), readDrops()])
    const elapsedMs = performance.now() - started
    return {
      waitShare:
        waited === null || waitedBefore === null
          ? null
          : Math.min(1, (waited - waitedBefore) / 1000 / elapsedMs),
      drops: drops - dropsBefore,
    }
  }
}

async function readWaited(): Promise<number | null> {
  return parseWaited(await readFile('/proc/pressure/cpu', 'utf8').catch(() => ''))
}

async function readDrops(): Promise<number> {
  return countDrops(await readFile('/proc/net/softnet_stat', 'utf8').catch(() => ''))
}

/** Microseconds, from `some avg10=… total=7854949652`. */
export function parseWaited(text: string): number | null {
  const total = /^some .*total=(\d+)$/m.exec(text)?.[1]
  return total === undefined ? null : Number(total)
}

/** One line a processor, hexadecimal: processed, dropped, and what does not matter here. */
export function countDrops(text: string): number {
  return text
    .split('\n')
    .reduce((sum, line) => sum + (Number.parseInt(line.trim().split(/\s+/)[1] ?? '', 16) || 0), 0)
}
