/*
 * Reads what `tcpdump -i any -y LINUX_SLL2 --time-stamp-precision=nano -w -` writes: a pcap file of the form
 * draft-ietf-opsawg-pcap, little-endian, with the pseudo header that names interface and direction. Only what probes
 * send is understood: UDP and TCP over IPv4, or over IPv6 without extension headers.
 */

export interface Packet {
  /** When the kernel saw it: milliseconds since the epoch, exact to a quarter of a microsecond. */
  atMs: number
  interfaceIndex: number
  isOutgoing: boolean
  protocol: 'udp' | 'tcp'
  sourcePort: number
  destinationPort: number
  payload: Buffer
}

const nanosecondMagic = 0xa1b23c4d
const fileHeaderBytes = 24
const recordHeaderBytes = 16
const pseudoHeaderBytes = 20
const outgoing = 4

/** All packets of a capture; one that was cut off at the end is left out, as is what is neither UDP nor TCP. */
export function readPackets(capture: Buffer): Packet[] {
  if (capture.length < fileHeaderBytes) return []
  if (capture.readUInt32LE() !== nanosecondMagic)
    throw new Error(
      'not a little-endian pcap with nanoseconds: tcpdump wrote something else than it was asked for',
    )
  const packets: Packet[] = []
  let at = fileHeaderBytes
  while (at + recordHeaderBytes <= capture.length) {
    const length = capture.readUInt32LE(at + 8)
    const start = at + recordHeaderBytes
    if (start + length > capture.length) break
    const atMs = capture.readUInt32LE(at) * 1000 + capture.readUInt32LE(at + 4) / 1e6
    const packet = readPacket(capture.subarray(start, start + length), atMs)
    if (packet !== undefined) packets.push(packet)
    at = start + length
  }
  return packets
}

function readPacket(frame: Buffer, atMs: number): Packet | undefined {
  const network = frame.subarray(pseudoHeaderBytes)
  const transport = network.length < 20 ? undefined : findTransport(network)
  if (transport === undefined) return undefined
  const { number, offset } = transport
  const headerBytes = number === 6 ? ((network[offset + 12] ?? 0x50) >> 4) * 4 : 8
  if (network.length < offset + headerBytes) return undefined
  return {
    atMs,
    interfaceIndex: frame.readUInt32BE(4),
    isOutgoing: frame[10] === outgoing,
    protocol: number === 6 ? 'tcp' : 'udp',
    sourcePort: network.readUInt16BE(offset),
    destinationPort: network.readUInt16BE(offset + 2),
    payload: network.subarray(offset + headerBytes),
  }
}

/** Where the transport header begins, if it is there: later fragments have none. */
function findTransport(network: Buffer): { number: 6 | 17; offset: number } | undefined {
  const version = (network[0] ?? 0) >> 4
  const number = version === 4 ? network[9] : network[6]
  if (number !== 6 && number !== 17) return undefined
  if (version === 6) return { number, offset: 40 }
  const isLaterFragment = (network.readUInt16BE(6) & 0x1fff) !== 0
  return isLaterFragment ? undefined : { number, offset: ((network[0] ?? 0) & 0x0f) * 4 }
}
