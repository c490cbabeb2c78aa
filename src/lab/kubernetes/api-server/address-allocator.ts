/**
 * Hands out addresses of prefixes, and node ports, one holder each.
 *
 * It goes round robin, so that an address given back is not at once somebody else's: a route that is still being
 * withdrawn must not lead to a stranger.
 */
import { type Address, formatAddress, parseAddress } from '../../../net/address.ts'
import { addressAt, contains, type Prefix, sizeOf } from '../../../net/prefix.ts'

export interface AddressAllocator {
  /** Takes the next free address, or undefined when all are held. */
  take(holder: string): string | undefined
  /** Takes this address; says why not when it cannot. Taking what one holds already is fine. */
  claim(address: string, holder: string): 'taken' | 'outside' | 'held-by-another'
  release(address: string, holder: string): void
  holderOf(address: string): string | undefined
}

export interface AddressAllocatorOptions {
  /** Leave out the network address, and for IPv4 the broadcast address. VIP pools use every address. */
  skipEnds?: boolean
}

/** An allocator over prefixes of one family, in their order. */
export function createAddressAllocator(
  prefixes: readonly Prefix[],
  options: AddressAllocatorOptions = {},
): AddressAllocator {
  const holders = new Map<string, string>()
  const ranges = prefixes.map((prefix) => usableRange(prefix, options.skipEnds ?? false))
  const total = ranges.reduce((sum, range) => sum + range.count, 0n)
  let cursor = 0n

  function addressNumber(index: bigint): Address {
    let rest = index
    for (const range of ranges) {
      if (rest < range.count) return addressAt(range.prefix, range.first + rest)
      rest -= range.count
    }
    throw new RangeError(`no address number ${index} of ${total}`)
  }

  return {
    take(holder) {
      if (BigInt(holders.size) >= total) return undefined
      for (let tried = 0n; tried < total; tried++) {
        const address = formatAddress(addressNumber(cursor))
        cursor = (cursor + 1n) % total
        if (!holders.has(address)) {
          holders.set(address, holder)
          return address
        }
      }
      return undefined
    },
    claim(text, holder) {
      const address = parseAddress(text)
      if (address === null || !prefixes.some((prefix) => contains(prefix, address))) return 'outside'
      const canonical = formatAddress(address)
      const current = holders.get(canonical)
      if (current !== undefined && current !== holder) return 'held-by-another'
      holders.set(canonical, holder)
      return 'taken'
    },
    release(text, holder) {
      const address = parseAddress(text)
      const canonical = address === null ? text : formatAddress(address)
      if (holders.get(canonical) === holder) holders.delete(canonical)
    },
    holderOf(text) {
      const address = parseAddress(text)
      return address === null ? undefined : holders.get(formatAddress(address))
    },
  }
}

function usableRange(prefix: Prefix, skipEnds: boolean): { prefix: Prefix; first: bigint; count: bigint } {
  const size = sizeOf(prefix)
  if (!skipEnds || size < 4n) return { prefix, first: 0n, count: size }
  return { prefix, first: 1n, count: prefix.family === 4 ? size - 2n : size - 1n }
}
