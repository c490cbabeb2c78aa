import { WeftError } from '../diagnostics/error.ts'
import { parseAddress } from '../net/address.ts'
import { expectedRoutes } from '../verify/simulate/expected-routes.ts'
import { requireHost } from './inside.ts'
import { clientHost } from './names.ts'
import { type Balance, hashNoiseBound, judgeBalance } from './probe/balance.ts'
import { addressOfHost, familyOf } from './probe/hosts.ts'
import { followFlows } from './probe/path.ts'
import type { LabState } from './state.ts'
import {
  type Forwarding,
  type Hop,
  isPlaced,
  listPaths,
  plannedForwarding,
  readForwarding,
} from './trace-forwarding.ts'
import { sendAndListen } from './trace-packets.ts'

/*
 * Which ways packets take between two points, by sending some: every device that they may come to is listened at, and
 * a flow's path is the interfaces by which its packets left. Beside it stand what the kernels' tables allow, what their
 * hash foretells, and what the plan wants; where they part is what the reader is looking for.
 */

export interface TraceResult {
  lab: string
  from: string
  to: string
  address: string
  flows: number
  /** Most flows first; with those that could have been taken and were not. */
  paths: TracedPath[]
  balance: Balance & {
    /** Largest share by mean that chance alone explains. */
    noiseBound: number
  }
  hops: TracedHop[]
  /** Differences from the plan, and flows that did not arrive; empty when all is well. */
  differences: string[]
  /** False for addresses that no plan places, such as those of Services. */
  isPlanned: boolean
}

export interface TracedPath {
  devices: string[]
  flows: number
  share: number
  ideal: number
  /** Packets came to its end and nobody dropped them. */
  isDelivered: boolean
}

export interface TracedHop {
  device: string
  /** Neighbours that its kernel spreads the address over. */
  kernel: string[]
  /** Null where the plan does not place the address. */
  planned: string[] | null
  /** Flows by neighbour. */
  flows: Record<string, number>
  /** One neighbour gets more than chance explains in 1 of 1,000 cases; never said where weights differ. */
  isUneven: boolean
}

export interface TraceOptions {
  flows: number
  port: number
}

/** Sends flows from a host to a host or an address and says which ways they took. */
export async function traceFlows(
  state: LabState,
  fromName: string,
  to: string,
  { flows, port }: TraceOptions,
): Promise<TraceResult> {
  const from = requireHost(state, fromName)
  const address = addressOf(state, to)
  const source = addressOfHost(state.plan, from, familyOf(address))
  if (source === undefined)
    throw new WeftError('WEFT_LAB_DEVICE_UNKNOWN', `${from} has no address of the family of ${address}`, {
      hint: 'trace from a device that has one: weft plan --show devices',
      exitCode: 2,
    })
  const kernel = await readForwarding(state, from, address)
  const planned =
    from === clientHost || !isPlaced(state.plan, address)
      ? null
      : plannedForwarding(expectedRoutes(state.plan, { pods: state.hasPods }), from, address)
  const { ports, taken } = await sendAndListen(state, { from, source, address, port, flows, kernel, planned })
  const foretold = await followFlows(
    state,
    ports.map((sourcePort) => ({
      from,
      source,
      destination: address,
      protocol: 'udp' as const,
      sourcePort,
      destinationPort: port,
    })),
  )
  const wrong = taken.filter(
    (path, index) => foretold[index]?.end !== 'unknown' && path.join() !== foretold[index]?.devices.join(),
  )
  const paths = countPaths(kernel, from, taken)
  const counts = paths.map((path) => path.flows)
  return {
    lab: state.name,
    from,
    to,
    address,
    flows: ports.length,
    paths,
    balance: { ...judgeBalance(counts), noiseBound: hashNoiseBound(ports.length, counts.length) },
    hops: [...kernel].flatMap(([device, hop]) => describeHop(device, hop, planned, taken)),
    differences: [
      ...findDifferences(kernel, planned),
      ...paths
        .filter((path) => !path.isDelivered && path.flows > 0)
        .map((path) => describeLoss(path, ports.length, address, kernel)),
      ...(wrong.length === 0
        ? []
        : [
            `${wrong.length} of ${ports.length} flows went another way than the kernels' hash says: routes changed meanwhile, or packets were lost`,
          ]),
    ],
    isPlanned: planned !== null,
  }
}

function addressOf(state: LabState, to: string): string {
  if (parseAddress(to) !== null) return to
  return addressOfHost(state.plan, requireHost(state, to)) as string
}

function countPaths(kernel: Forwarding, from: string, taken: readonly string[][]): TracedPath[] {
  const counts = new Map<string, number>()
  for (const path of taken) counts.set(path.join(' '), (counts.get(path.join(' ')) ?? 0) + 1)
  const possible = listPaths(kernel, from)
  const known = new Set(possible.map(({ devices }) => devices.join(' ')))
  const others = [...counts.keys()]
    .filter((key) => !known.has(key))
    .map((key) => ({ devices: key.split(' '), ideal: 0, isDelivered: false }))
  return [...possible, ...others]
    .map((path) => {
      const flows = counts.get(path.devices.join(' ')) ?? 0
      return { ...path, flows, share: flows / taken.length }
    })
    .sort((a, b) => b.flows - a.flows)
}

function describeHop(
  device: string,
  hop: Hop,
  planned: Forwarding | null,
  taken: readonly string[][],
): TracedHop[] {
  if (hop.kind !== 'forwards') return []
  const kernel = hop.next.map((next) => next.device).sort()
  const flows: Record<string, number> = {}
  for (const name of kernel) flows[name] = 0
  for (const path of taken) {
    const at = path.indexOf(device)
    const next = at < 0 ? undefined : path[at + 1]
    if (next !== undefined) flows[next] = (flows[next] ?? 0) + 1
  }
  const wanted = planned?.get(device)
  return [
    {
      device,
      kernel,
      planned:
        planned === null
          ? null
          : wanted?.kind === 'forwards'
            ? wanted.next.map((next) => next.device).sort()
            : [],
      flows,
      isUneven: isUneven(hop.next, Object.values(flows)),
    },
  ]
}

function isUneven(next: readonly { weight: number }[], counts: readonly number[]): boolean {
  const isWeighted = new Set(next.map(({ weight }) => weight)).size > 1
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (isWeighted || total === 0) return false
  return judgeBalance(counts).maxToMean > hashNoiseBound(total, counts.length, 0.999)
}

function describeLoss(
  { devices, flows }: TracedPath,
  all: number,
  address: string,
  kernel: Forwarding,
): string {
  const last = devices.at(-1) as string
  const why = kernel.get(last)?.kind === 'drops' ? `, which has no route to ${address}` : ''
  return `${flows} of ${all} flows end at ${last}${why}`
}

/** Where kernels forward otherwise than planned, nearest to the sender first. */
export function findDifferences(kernel: Forwarding, planned: Forwarding | null): string[] {
  if (planned === null) return []
  return [...new Set([...kernel.keys(), ...planned.keys()])].flatMap((device) => {
    const [is, wanted] = [kernel.get(device), planned.get(device)]
    // What is only on one of the maps is there because of another device, which is named itself.
    if (is === undefined || wanted === undefined) return []
    const [actual, expected] = [describe(is), describe(wanted)]
    return actual === expected ? [] : [`${device}: planned ${expected}, kernel ${actual}`]
  })
}

function describe(hop: Hop): string {
  if (hop.kind !== 'forwards') return hop.kind
  const names = hop.next.map(({ device }) => device).sort()
  return `via ${names.join(', ')}`
}
