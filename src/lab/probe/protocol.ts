/** Between a lab and its resident probe process in a host: requests with a number, answers with the same number. */

export interface ProbeRequests {
  /** Answers every datagram with itself and this host's name, and every HTTP request; resolves when both listen. */
  listen: { params: { address: string; port: number; name: string }; result: null }
  /** Datagrams that its listeners lost because the process did not run. */
  overflows: { params: null; result: number }
  startFlows: { params: FlowSpec; result: { run: number; sourcePorts: number[] } }
  stopFlows: { params: { run: number }; result: FlowSeries }
  http: { params: HttpRequest; result: HttpAnswer }
}

export type ProbeMethod = keyof ProbeRequests

export interface ProbeCall {
  id: number
  method: ProbeMethod
  params: unknown
}

export interface ProbeReply {
  id: number
  result?: unknown
  error?: string
}

export type FlowProtocol = 'udp' | 'tcp' | 'http'

/**
 * A group of flows that differ in their source port only, so that ECMP spreads them. UDP: numbered datagrams; TCP: one
 * connection a flow, with small HTTP requests that do not wait for answers; HTTP: a connection for each request.
 */
export interface FlowSpec {
  /** Default: udp. */
  protocol?: FlowProtocol
  /** Source address; the kernel chooses when absent. */
  source?: string
  destination: string
  port: number
  flows: number
  /** Of the whole group. */
  packetsPerSecond: number
  /** Source ports in order of preference, more than flows, because some may be taken. Default: any free ports. */
  sourcePorts?: number[]
}

/** Everything that was measured, raw. Times are milliseconds since the epoch. */
export interface FlowSeries {
  /** Between two packets of one flow. */
  intervalMs: number
  /** Longest time in which the sender itself did not send, beyond what was due. */
  senderStallMs: number
  /** Packets that the capture could not keep: some of what counts as lost may not be. */
  missedByCapture: number
  /** An answer that takes longer than this is a stall; null where answers are not waited for. */
  stallAfterMs: number | null
  flows: FlowRecord[]
}

/** One packet, request or message a place. */
export interface FlowRecord {
  sourcePort: number
  sentAt: Float64Array
  /** NaN for what was never answered. */
  answeredAt: Float64Array
  /** Place in `answerers`, or -1. */
  answeredBy: Int16Array
  /** Hosts that answered, in the order in which each first did. */
  answerers: string[]
  /** Answers that came after the answer to a later packet (RFC 4737). */
  reordered: number
  /** Answers that came again. */
  duplicated: number
  /** Connections that the other end or the network broke. */
  reset: number
}

export interface HttpRequest {
  url: string
  /** Default: GET. */
  method?: string
  /** Sent as JSON. */
  body?: unknown
  /** Of the body; default: application/json. */
  contentType?: string
  /** Source address; the kernel chooses when absent. */
  source?: string
  timeoutMs?: number
}

export interface HttpAnswer {
  /** 0 when there was no answer. */
  status: number
  body: string
  latencyMs: number
  /** Why there was no answer. */
  error?: string
}
