/** Between a lab and its resident probe process in a host: requests with a number, answers with the same number. */

export interface ProbeRequests {
  /** Answers every datagram with itself and this host's name; resolves when the socket listens. */
  echo: { params: { address: string; port: number; name: string }; result: null }
  startFlows: { params: FlowSpec; result: { run: number } }
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

/** A group of UDP flows that differ in their source port only, so that ECMP spreads them. */
export interface FlowSpec {
  /** Source address; the kernel chooses when absent. */
  source?: string
  destination: string
  port: number
  flows: number
  /** Of the whole group. */
  packetsPerSecond: number
  /** First source port; the flows use this one and those that follow. Default: any free ports. */
  firstSourcePort?: number
}

/** Everything that was measured, raw. Times are milliseconds of the sender's monotonic clock. */
export interface FlowSeries {
  intervalMs: number
  /** Longest time in which the sender itself did not run. */
  senderStallMs: number
  flows: {
    sourcePort: number
    sentAt: number[]
    /** Same places as `sentAt`; null for what was never answered. */
    answeredAt: (number | null)[]
    /** Hosts that answered, in the order in which each first did. */
    answeredBy: string[]
  }[]
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
