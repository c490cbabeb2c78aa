import { WeftError } from '../diagnostics/error.ts'
import { formatAddress, parseAddress } from '../net/address.ts'
import { formatPrefix, readPrefix } from '../net/prefix.ts'

/** What a command was asked about: a prefix as it stands, or an address, which routers look up by the longest match. */
export interface PrefixArgument {
  text: string
  isAddress: boolean
}

/** Reads a prefix or an address from the command line. */
export function readPrefixArgument(text: string): PrefixArgument {
  const address = parseAddress(text)
  if (address !== null) return { text: formatAddress(address), isAddress: true }
  const prefix = readPrefix(text)
  if (typeof prefix !== 'string') return { text: formatPrefix(prefix), isAddress: false }
  throw new WeftError('WEFT_USAGE', `"${text}" is neither a prefix nor an address`, {
    hint:
      prefix === 'host-bits-set'
        ? 'the bits after the prefix length must be zero; for one address leave the length out'
        : 'such as 10.10.21.0/24, 10.10.21.5 or fd00:10:19::/64',
    exitCode: 2,
  })
}
