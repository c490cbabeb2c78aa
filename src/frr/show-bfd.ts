import type { VtyReader } from './daemon.ts'
import { asArray, asNumber, asRecord, asText, type Json, showJson } from './show-json.ts'

export interface BfdPeer {
  peer: string
  local?: string
  interface?: string
  isMultihop: boolean
  /** up, down, init or shutdown. */
  status: string
  isUp: boolean
  uptimeSeconds?: number
  downtimeSeconds?: number
  diagnostic: string
  remoteDiagnostic: string
  transmitIntervalMs: number
  receiveIntervalMs: number
  detectMultiplier: number
  remoteTransmitIntervalMs: number
  remoteReceiveIntervalMs: number
  remoteDetectMultiplier: number
}

/** How often a session came up and went down, which shows flaps that happen between two looks. */
export interface BfdCounters {
  peer: string
  interface?: string
  timesUp: number
  timesDown: number
  controlPacketsReceived: number
  controlPacketsSent: number
}

/** Every BFD session of a daemon. */
export async function readBfdPeers(bfdd: VtyReader): Promise<BfdPeer[]> {
  const rows = asArray(await showJson(bfdd, 'show bfd peers json')).map(asRecord)
  return rows.map((raw) => ({
    ...identify(raw),
    ...(raw.local === undefined ? {} : { local: asText(raw.local) }),
    isMultihop: raw.multihop === true,
    status: asText(raw.status),
    isUp: raw.status === 'up',
    ...(raw.uptime === undefined ? {} : { uptimeSeconds: asNumber(raw.uptime) }),
    ...(raw.downtime === undefined ? {} : { downtimeSeconds: asNumber(raw.downtime) }),
    diagnostic: asText(raw.diagnostic),
    remoteDiagnostic: asText(raw['remote-diagnostic']),
    transmitIntervalMs: asNumber(raw['transmit-interval']),
    receiveIntervalMs: asNumber(raw['receive-interval']),
    detectMultiplier: asNumber(raw['detect-multiplier']),
    remoteTransmitIntervalMs: asNumber(raw['remote-transmit-interval']),
    remoteReceiveIntervalMs: asNumber(raw['remote-receive-interval']),
    remoteDetectMultiplier: asNumber(raw['remote-detect-multiplier']),
  }))
}

/** Counters of every BFD session of a daemon. */
export async function readBfdCounters(bfdd: VtyReader): Promise<BfdCounters[]> {
  const rows = asArray(await showJson(bfdd, 'show bfd peers counters json')).map(asRecord)
  return rows.map((raw) => ({
    ...identify(raw),
    timesUp: asNumber(raw['session-up']),
    timesDown: asNumber(raw['session-down']),
    controlPacketsReceived: asNumber(raw['control-packet-input']),
    controlPacketsSent: asNumber(raw['control-packet-output']),
  }))
}

function identify(raw: Json): { peer: string; interface?: string } {
  return {
    peer: asText(raw.peer),
    ...(raw.interface === undefined ? {} : { interface: asText(raw.interface) }),
  }
}
