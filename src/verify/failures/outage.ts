/**
 * How long packets are lost when something fails: detection, then one BGP hop after another.
 *
 * Detection is carrier, or BFD (RFC 5880 §6.8.4: the multiplier times the slower of both intervals, from the last packet
 * received; packets come every 75 to 100 % of the interval), or the hold time where there is no BFD. Then every BGP
 * speaker that has to choose anew holds its table for 50 ms, with 10 ms before the first and 10 ms in the last zebra:
 * measured with FRR 8.4 and 10.3, neither has a command for the 50 ms.
 */
import type { Role, Session } from '../../plan/model.ts'
import type { CompactNetwork } from '../symmetry/compact-network.ts'
import type { Failure, FailureClass } from './failure.ts'

export interface Range {
  min: number
  mean: number
  max: number
}

/** How a failure shows: the carrier goes, or packets vanish and nothing says so. */
export type Manner = 'carrier' | 'silent'

export interface Outage {
  /** As drills call it, such as `silent link, leaf to node`: their results can be laid beside it. */
  failureClass: string
  manner: Manner
  detectedBy: 'carrier' | 'BFD' | 'hold time'
  detectionMs: Range
  /** BGP speakers one after the other; 0 when no user's packets come near. */
  hops: number
  outageMs: Range
}

const clearQueueMs = 10
const bgpHoldMs = 50
const zebraMs = 10
const carrierMs: Range = { min: 5, mean: 8, max: 10 }
/**
 * Mean time since the last BFD packet, in intervals, when intervals are evenly spread over 75 to 100 %: half their mean
 * square over their mean.
 */
const meanAge = 0.44

/** What a single failure is predicted to cost, by carrier and silently. Empty for what no drill calls by one name. */
export function predictOutages(network: CompactNetwork, { failures }: FailureClass, hops: number): Outage[] {
  return (['carrier', 'silent'] as const).map((manner) => {
    const ways = failures.map((failure) => detection(network, failure, manner))
    const slowest = ways.reduce((worst, way) => (way.detectionMs.max > worst.detectionMs.max ? way : worst))
    const settleMs = clearQueueMs + bgpHoldMs * hops + zebraMs
    const { min, mean, max } = slowest.detectionMs
    const nothing = { min: 0, mean: 0, max: 0 }
    return {
      failureClass: failures.map((failure) => drillName(network, failure, manner)).join(' and '),
      manner,
      ...slowest,
      hops,
      outageMs: hops === 0 ? nothing : { min: min + settleMs, mean: mean + settleMs, max: max + settleMs },
    }
  })
}

function detection(
  network: CompactNetwork,
  failure: Failure,
  manner: Manner,
): Pick<Outage, 'detectedBy' | 'detectionMs'> {
  if (manner === 'carrier') return { detectedBy: 'carrier', detectionMs: carrierMs }
  const ways = failure.sessions
    .filter((session) => !isInside(network, failure, session))
    .map((session) => silentDetection(network, network.plan.sessions[session]!))
  return ways.reduce((worst, way) => (way.detectionMs.max > worst.detectionMs.max ? way : worst), {
    detectedBy: 'BFD',
    detectionMs: { min: 0, mean: 0, max: 0 },
  })
}

/** Nobody is left to notice the end of a session between two devices that both fail. */
function isInside({ from, to }: CompactNetwork, { devices }: Failure, session: number): boolean {
  return devices.includes(from[2 * session]!) && devices.includes(to[2 * session]!)
}

function silentDetection(
  { plan }: CompactNetwork,
  session: Session,
): Pick<Outage, 'detectedBy' | 'detectionMs'> {
  const profile = session.bfd === null ? undefined : plan.bfdProfiles[session.bfd]
  if (profile === undefined) {
    const { holdSeconds, keepaliveSeconds } = session.timers
    const [max, min] = [holdSeconds * 1000, (holdSeconds - keepaliveSeconds) * 1000]
    return { detectedBy: 'hold time', detectionMs: { min, mean: (min + max) / 2, max } }
  }
  const interval = Math.max(profile.transmitMilliseconds, profile.receiveMilliseconds)
  const max = interval * profile.multiplier
  return {
    detectedBy: 'BFD',
    detectionMs: { min: max - interval, mean: Math.round(max - meanAge * interval), max },
  }
}

const roleNames: Record<Role, string> = {
  node: 'node',
  leaf: 'leaf',
  spine: 'spine',
  'super-spine': 'super-spine',
  'border-leaf': 'border leaf',
  'dci-router': 'DCI router',
  'edge-router': 'edge router',
  external: 'provider',
}

function drillName({ devices }: CompactNetwork, { domain, name, anchor }: Failure, manner: Manner): string {
  const [first, second] = anchor.map((device) => devices[device]!.role)
  if (domain === 'link') {
    const kind = manner === 'carrier' ? 'link down' : 'silent link'
    const isBetweenSites = first === 'dci-router' && second === 'dci-router'
    return `${kind}, ${isBetweenSites ? 'between sites' : `${roleNames[first!]} to ${roleNames[second!]}`}`
  }
  const ending = manner === 'carrier' ? 'links down' : 'silent'
  if (domain === 'device') return `${roleNames[first!]} ${ending}`
  return `${domain === 'rack' || domain === 'site' ? domain : name.replace(/^\S+ /, '')} ${ending}`
}
