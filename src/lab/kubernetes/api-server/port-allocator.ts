/**
 * Hands out node ports, round robin, for the reason given at the address allocator.
 */

export interface PortAllocator {
  take(holder: string): number | undefined
  claim(port: number, holder: string): 'taken' | 'outside' | 'held-by-another'
  release(port: number, holder: string): void
  holderOf(port: number): string | undefined
}

/** An allocator of the ports from `first` to `last`. */
export function createPortAllocator(range: { first: number; last: number }): PortAllocator {
  const holders = new Map<number, string>()
  const size = range.last - range.first + 1
  let cursor = 0
  return {
    take(holder) {
      for (let tried = 0; tried < size; tried++) {
        const port = range.first + cursor
        cursor = (cursor + 1) % size
        if (!holders.has(port)) {
          holders.set(port, holder)
          return port
        }
      }
      return undefined
    },
    claim(port, holder) {
      if (port < range.first || port > range.last) return 'outside'
      const current = holders.get(port)
      if (current !== undefined && current !== holder) return 'held-by-another'
      holders.set(port, holder)
      return 'taken'
    },
    release(port, holder) {
      if (holders.get(port) === holder) holders.delete(port)
    },
    holderOf: (port) => holders.get(port),
  }
}
