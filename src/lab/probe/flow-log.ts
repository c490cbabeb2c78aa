import { readAnswerer } from './answerer.ts'
import type { Packet } from './pcap.ts'
import type { FlowRecord } from './protocol.ts'

/** What a sender itself knows of a flow. */
export interface SentFlow {
  sourcePort: number
  /** When it handed each packet to the kernel, in epoch milliseconds; the kernel's own time is better. */
  handedAt: readonly number[]
}

interface OpenRecord extends FlowRecord {
  /** Interface on which the answer was first seen: the same packet passes several in a host with pods. */
  answeredOn: Int32Array
  highestAnswered: number
}

/** Puts the packets that a host's kernel saw together with what its sender sent. */
export function recordFlows(flows: readonly SentFlow[], packets: readonly Packet[]): FlowRecord[] {
  const records = new Map(flows.map((flow) => [flow.sourcePort, openRecord(flow)]))
  const isStamped = new Map(flows.map((flow) => [flow.sourcePort, new Uint8Array(flow.handedAt.length)]))
  for (const packet of packets) {
    if (packet.payload.length < 4) continue
    const sequence = packet.payload.readUInt32BE()
    if (packet.isOutgoing) {
      const stamped = isStamped.get(packet.sourcePort)
      // Seen again on the next interface of the same host: the first time counts.
      if (stamped === undefined || sequence >= stamped.length || stamped[sequence] === 1) continue
      stamped[sequence] = 1
      records.get(packet.sourcePort)!.sentAt[sequence] = packet.atMs
    } else {
      const record = records.get(packet.destinationPort)
      if (record !== undefined && sequence < record.sentAt.length) noteAnswer(record, sequence, packet)
    }
  }
  return [...records.values()].map(({ answeredOn: _, highestAnswered: __, ...record }) => record)
}

function openRecord({ sourcePort, handedAt }: SentFlow): OpenRecord {
  return {
    sourcePort,
    sentAt: Float64Array.from(handedAt),
    answeredAt: new Float64Array(handedAt.length).fill(Number.NaN),
    answeredBy: new Int16Array(handedAt.length).fill(-1),
    answerers: [],
    reordered: 0,
    duplicated: 0,
    reset: 0,
    answeredOn: new Int32Array(handedAt.length),
    highestAnswered: -1,
  }
}

function noteAnswer(record: OpenRecord, sequence: number, { atMs, payload, interfaceIndex }: Packet): void {
  if (!Number.isNaN(record.answeredAt[sequence])) {
    if (record.answeredOn[sequence] === interfaceIndex) record.duplicated++
    return
  }
  record.answeredAt[sequence] = atMs
  record.answeredOn[sequence] = interfaceIndex
  if (sequence < record.highestAnswered) record.reordered++
  else record.highestAnswered = sequence
  record.answeredBy[sequence] = placeOf(record.answerers, readAnswerer(payload.subarray(4).toString('utf8')))
}

/** Index of a name in a list, which it is added to when it is new. */
export function placeOf(names: string[], name: string): number {
  const known = names.indexOf(name)
  return known >= 0 ? known : names.push(name) - 1
}

/** Longest time in which none of the flows sent anything. */
export function longestPause(flows: readonly Pick<FlowRecord, 'sentAt'>[]): number {
  const times = Float64Array.from(flows.flatMap(({ sentAt }) => [...sentAt])).sort()
  return times.reduce((longest, time, index) => Math.max(longest, time - (times[index - 1] ?? time)), 0)
}
