import {
  type Address,
  bitsOf,
  compareAddresses,
  type Family,
  formatAddress,
  parseAddress,
} from './address.ts'

/** A CIDR prefix; `value` is the network address, host bits zero. */
export interface Prefix {
  readonly family: Family
  readonly value: bigint
  readonly length: number
}

export type PrefixError = 'not-an-address' | 'no-length' | 'bad-length' | 'host-bits-set'

/** The prefix written in `text`, or the reason why it is none. Host bits must be zero: 10.0.0.1/24 is an error. */
export function readPrefix(text: string): Prefix | PrefixError {
  const [left, right, ...rest] = text.split('/')
  const address = parseAddress(left ?? '')
  if (address === null) return 'not-an-address'
  if (right === undefined) return 'no-length'
  if (rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(right)) return 'bad-length'
  const length = Number(right)
  if (length > bitsOf(address.family)) return 'bad-length'
  if (networkOf(address, length) !== address.value) return 'host-bits-set'
  return { family: address.family, value: address.value, length }
}

/** Like {@link readPrefix}, for text that was checked before. Throws TypeError otherwise. */
export function parsePrefix(text: string): Prefix {
  const prefix = readPrefix(text)
  if (typeof prefix === 'string') throw new TypeError(`"${text}" is not a prefix: ${prefix}`)
  return prefix
}

/** Canonical text, e.g. `10.10.19.0/24`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`
}

/** The prefix of `length` bits that the address lies in. */
export function prefixOf(address: Address, length: number): Prefix {
  return { family: address.family, value: networkOf(address, length), length }
}

/** The /32 or /128 of one address. */
export function hostPrefix(address: Address): Prefix {
  return { family: address.family, value: address.value, length: bitsOf(address.family) }
}

/** Is `inner` (an address or a prefix) wholly inside `outer`? */
export function contains(outer: Prefix, inner: Address | Prefix): boolean {
  if (outer.family !== inner.family) return false
  if ('length' in inner && inner.length < outer.length) return false
  return networkOf(inner, outer.length) === outer.value
}

export function overlaps(a: Prefix, b: Prefix): boolean {
  return contains(a, b) || contains(b, a)
}

/** How many addresses the prefix holds. */
export function sizeOf(prefix: Prefix): bigint {
  return 1n << BigInt(bitsOf(prefix.family) - prefix.length)
}

/** How many subnets of `length` bits fit into the prefix; 0 when `length` is shorter than the prefix. */
export function subnetCount(prefix: Prefix, length: number): bigint {
  return length < prefix.length ? 0n : 1n << BigInt(length - prefix.length)
}

/** The `index`-th address of the prefix, counted from its network address. Throws RangeError outside. */
export function addressAt(prefix: Prefix, index: bigint | number): Address {
  const offset = BigInt(index)
  if (offset < 0n || offset >= sizeOf(prefix))
    throw new RangeError(`${formatPrefix(prefix)} has no address ${index}`)
  return { family: prefix.family, value: prefix.value + offset }
}

/** The `index`-th subnet of `length` bits. Throws RangeError outside. */
export function subnetAt(prefix: Prefix, length: number, index: bigint | number): Prefix {
  const offset = BigInt(index)
  if (offset < 0n || offset >= subnetCount(prefix, length)) {
    throw new RangeError(`${formatPrefix(prefix)} has no /${length} number ${index}`)
  }
  return {
    family: prefix.family,
    value: prefix.value + (offset << BigInt(bitsOf(prefix.family) - length)),
    length,
  }
}

/** Orders by family, network address, then length (shorter first). */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  return compareAddresses(a, b) || a.length - b.length
}

function networkOf(address: Address, length: number): bigint {
  const hostBits = BigInt(bitsOf(address.family) - length)
  return (address.value >> hostBits) << hostBits
}
