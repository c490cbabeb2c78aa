import { expect, test } from 'vitest'
import { readPackets } from './pcap.ts'

const header = Buffer.alloc(24)
header.writeUInt32LE(0xa1b23c4d)

/** A record as tcpdump writes it for `-y LINUX_SLL2`. */
function record(seconds: number, nanoseconds: number, network: Buffer, direction = 4): Buffer {
  const pseudo = Buffer.alloc(20)
  pseudo.writeUInt32BE(101, 4)
  pseudo[10] = direction
  const head = Buffer.alloc(16)
  head.writeUInt32LE(seconds)
  head.writeUInt32LE(nanoseconds, 4)
  head.writeUInt32LE(20 + network.length, 8)
  head.writeUInt32LE(20 + network.length, 12)
  return Buffer.concat([head, pseudo, network])
}

function udp(version: 4 | 6, payload: string): Buffer {
  const network = Buffer.alloc(version === 4 ? 20 : 40)
  network[0] = version === 4 ? 0x45 : 0x60
  network[version === 4 ? 9 : 6] = 17
  const transport = Buffer.alloc(8)
  transport.writeUInt16BE(20_001)
  transport.writeUInt16BE(9000, 2)
  return Buffer.concat([network, transport, Buffer.from(payload)])
}

test('reads time to the nanosecond, interface, direction, ports and payload of both families', () => {
  const capture = Buffer.concat([
    header,
    record(1_700_000_000, 123_456_789, udp(4, 'four')),
    record(1_700_000_001, 0, udp(6, 'six'), 0),
  ])

  const [first, second] = readPackets(capture)
  expect(first).toMatchObject({
    interfaceIndex: 101,
    isOutgoing: true,
    protocol: 'udp',
    sourcePort: 20_001,
    destinationPort: 9000,
  })
  expect(first?.atMs).toBeCloseTo(1_700_000_000_123.4568, 3)
  expect([first?.payload.toString(), second?.payload.toString(), second?.isOutgoing]).toEqual([
    'four',
    'six',
    false,
  ])
})

test('leaves out a record that was cut off, and what has no ports', () => {
  const fragment = udp(4, 'later')
  fragment.writeUInt16BE(100, 6)
  const whole = Buffer.concat([header, record(1, 0, udp(4, 'whole')), record(2, 0, fragment)])

  expect(readPackets(whole)).toHaveLength(1)
  expect(readPackets(whole.subarray(0, whole.length - 40))).toHaveLength(1)
  expect(readPackets(Buffer.concat([header, record(1, 0, udp(4, 'cut'))]).subarray(0, 50))).toEqual([])
})

test('says so when tcpdump wrote something else', () => {
  expect(() => readPackets(Buffer.alloc(64))).toThrow(/not a little-endian pcap/)
})
