import fc from 'fast-check'
import { expect, test } from 'vitest'
import { longestPause, recordFlows } from './flow-log.ts'
import type { Packet } from './pcap.ts'

const port = 20_001

function packet(sequence: number, atMs: number, more: Partial<Packet> & { by?: string } = {}): Packet {
  const { by, ...rest } = more
  const isOutgoing = by === undefined
  const payload = Buffer.concat([Buffer.alloc(4), Buffer.from(by ?? '')])
  payload.writeUInt32BE(sequence)
  return {
    atMs,
    interfaceIndex: 101,
    isOutgoing,
    protocol: 'udp',
    sourcePort: isOutgoing ? port : 9000,
    destinationPort: isOutgoing ? 9000 : port,
    payload,
    ...rest,
  }
}

const sent = (count: number) => [
  { sourcePort: port, handedAt: Array.from({ length: count }, (_, index) => index * 10) },
]

test('takes the kernel’s times, and the sender’s own for what never left', () => {
  const [flow] = recordFlows(sent(3), [packet(0, 0.5), packet(0, 0.9, { by: 'n2' }), packet(2, 20.4)])

  expect([...(flow?.sentAt ?? [])]).toEqual([0.5, 10, 20.4])
  expect([...(flow?.answeredAt ?? [])]).toEqual([0.9, Number.NaN, Number.NaN])
  expect(flow?.answerers).toEqual(['n2'])
})

test('counts answers that came after the answer to a later packet, and answers that came again', () => {
  const answers = [0, 2, 1, 3, 3].map((sequence, index) => packet(sequence, 100 + index, { by: 'n2' }))
  const [flow] = recordFlows(sent(4), answers)

  expect(flow).toMatchObject({ reordered: 1, duplicated: 1 })
})

test('a packet that passes several interfaces of its host is one packet', () => {
  const [flow] = recordFlows(sent(1), [
    packet(0, 1),
    packet(0, 1.1, { interfaceIndex: 102 }),
    packet(0, 2, { by: 'n2', interfaceIndex: 102 }),
    packet(0, 2.1, { by: 'n2', interfaceIndex: 101 }),
  ])

  expect([flow?.sentAt[0], flow?.answeredAt[0], flow?.duplicated]).toEqual([1, 2, 0])
})

test('a pod that answers is named by its node, also where the capture cut its answer off', () => {
  const answer = '{"pod":"web-1","namespace":"default","node":"dc1-compute1-n1","zone":"dc'
  const [flow] = recordFlows(sent(1), [packet(0, 1, { by: answer })])

  expect(flow?.answerers).toEqual(['dc1-compute1-n1'])
})

test('packets of others change nothing', () => {
  const strangers = [
    packet(0, 5, { sourcePort: 9 }),
    packet(7, 5),
    packet(0, 5, { by: 'x', destinationPort: 9 }),
  ]
  expect(recordFlows(sent(1), strangers)).toEqual(recordFlows(sent(1), []))
})

test('every order of answers gives the same losses, and never more reordering than there are packets', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(29), { maxLength: 30 }), (answered) => {
      const [flow] = recordFlows(
        sent(30),
        answered.map((sequence, index) => packet(sequence, 1000 + index, { by: 'n2' })),
      )
      const lost = [...(flow?.answeredAt ?? [])].filter((time) => Number.isNaN(time)).length
      expect(lost).toBe(30 - answered.length)
      expect(flow?.reordered).toBeLessThanOrEqual(Math.max(0, answered.length - 1))
      const isSorted = answered.every(
        (sequence, index) => index === 0 || sequence > (answered[index - 1] as number),
      )
      expect(flow?.reordered === 0).toBe(isSorted)
    }),
  )
})

test('a pause is a time in which no flow sent, whichever sent last', () => {
  const flows = [{ sentAt: Float64Array.from([0, 20, 90]) }, { sentAt: Float64Array.from([10, 30, 80]) }]
  expect([longestPause(flows), longestPause([])]).toEqual([50, 0])
})
