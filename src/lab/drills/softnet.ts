import { readFile } from 'node:fs/promises'

/*
 * Between two namespaces packets wait in a queue of the processor. When the machine is too busy the queue is full and
 * the kernel drops them: losses that no router had a part in, and that a drill must not blame on one.
 */

/** Packets that the kernel has dropped so since it started, on all processors. */
export async function readSoftnetDrops(): Promise<number> {
  return countSoftnetDrops(await readFile('/proc/net/softnet_stat', 'utf8').catch(() => ''))
}

/** One line a processor, hexadecimal: processed, dropped, and what does not matter here. */
export function countSoftnetDrops(text: string): number {
  return text
    .split('\n')
    .reduce((sum, line) => sum + (Number.parseInt(line.trim().split(/\s+/)[1] ?? '', 16) || 0), 0)
}
