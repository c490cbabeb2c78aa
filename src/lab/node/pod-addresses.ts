import { WeftError } from '../../diagnostics/error.ts'
import { formatAddress, parseAddress } from '../../net/address.ts'
import { addressAt, contains, formatPrefix, type Prefix, parsePrefix, sizeOf } from '../../net/prefix.ts'

export interface AddressPool {
  /** One address of each family for a new pod. */
  take(): string[]
  release(addresses: readonly string[]): void
}

/**
 * Hands out pod addresses from the node's prefixes, `inUse` excepted.
 *
 * It goes round instead of taking the lowest free one: connections to a pod that just ended must not reach its
 * successor. A pod has the same place in every family's prefix.
 */
export function createAddressPool(podCidrs: readonly string[], inUse: readonly string[]): AddressPool {
  const prefixes = podCidrs.map(parsePrefix)
  const taken = new Set(inUse)
  const places = Math.min(...prefixes.map(usablePlaces))
  let last = Math.max(0, ...inUse.flatMap((address) => placeOf(address, prefixes)))

  return {
    take() {
      for (let step = 1; step <= places; step++) {
        const place = ((last + step - 1) % places) + 1
        const addresses = prefixes.map((prefix) => formatAddress(addressAt(prefix, place)))
        if (addresses.some((address) => taken.has(address))) continue
        for (const address of addresses) taken.add(address)
        last = place
        return addresses
      }
      throw new WeftError(
        'WEFT_POD_ADDRESSES',
        `no address left for another pod: all ${places} of ${podCidrs.join(' and ')} are in use`,
        { hint: 'move pods to another node, or give nodes a larger pod prefix in weft.yaml' },
      )
    },
    release(addresses) {
      for (const address of addresses) taken.delete(address)
    },
  }
}

/** Neither the network's own address nor the last one, which is a broadcast address in IPv4. */
function usablePlaces(prefix: Prefix): number {
  const size = sizeOf(prefix)
  if (size < 4n) throw new TypeError(`${formatPrefix(prefix)} is too small to hold pods`)
  return Number(size > 65_536n ? 65_534n : size - 2n)
}

function placeOf(text: string, prefixes: readonly Prefix[]): number[] {
  const address = parseAddress(text)
  const prefix = address === null ? undefined : prefixes.find((candidate) => contains(candidate, address))
  return address === null || prefix === undefined ? [] : [Number(address.value - prefix.value)]
}
