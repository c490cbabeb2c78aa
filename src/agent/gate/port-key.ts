import { formatAddress, parseAddress } from '../../net/address.ts'
import type { ServiceAddress } from './dataplane-detector.ts'

/** One address, protocol and port as a text that can be looked up. */
export function portKey(address: string, protocol: string, port: number): string {
  const parsed = parseAddress(address)
  const canonical = parsed === null ? address : formatAddress(parsed)
  return `${canonical} ${protocol.toLowerCase()} ${port}`
}

/** The addresses of which every port is known. SCTP is left out: not every data plane has it. */
export function coveredAddresses(addresses: readonly ServiceAddress[], known: ReadonlySet<string>): string[] {
  return addresses
    .filter(({ address, ports }) => {
      const asked = ports.filter(({ protocol }) => protocol !== 'SCTP')
      return (
        asked.length > 0 && asked.every(({ protocol, port }) => known.has(portKey(address, protocol, port)))
      )
    })
    .map(({ address }) => address)
}
