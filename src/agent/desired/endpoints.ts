import type { EndpointSliceView, EndpointView } from '../../kube/views.ts'
import { parseAddress } from '../../net/address.ts'
import { contains } from '../../net/prefix.ts'
import type { AgentConfig } from '../config.ts'

/*
 * What a slice's endpoints mean for announcing, counted once when the slice changes: deciding about an address then
 * costs as much as its Service has slices, however many endpoints those hold.
 *
 * It follows kube-proxy: a ready endpoint counts (no `ready` condition means ready), and when there is none, one that
 * terminates but still serves.
 */

interface Tally {
  total: number
  ready: number
  /** Terminating, not ready any more, and still serving. */
  finishing: number
}

export interface EndpointSummary {
  anywhere: Tally
  /** On this node. */
  here: Tally
  /** On nodes that are known not to be this one. */
  elsewhere: Tally
  /** A usable endpoint that belongs to no pod or node of this cluster. */
  foreign?: string | undefined
}

/** One slice as deciding needs it: all that is kept of it, since a large cluster has a hundred thousand endpoints. */
export interface SliceFacts {
  /** `namespace/name` of its Service, the name empty when it belongs to none. */
  service: string
  addressType: EndpointSliceView['addressType']
  summary: EndpointSummary
  /** The nodes with an endpoint that may get traffic, each once. */
  usableNodes: readonly string[]
}

/** Counts a slice's endpoints. */
export function readSliceFacts(slice: EndpointSliceView, config: AgentConfig): SliceFacts {
  const summary = emptySummary()
  const nodes = new Set<string>()
  for (const endpoint of slice.endpoints) {
    add(summary.anywhere, endpoint)
    if (endpoint.nodeName === config.node) add(summary.here, endpoint)
    else if (endpoint.nodeName !== undefined) add(summary.elsewhere, endpoint)
    if (endpoint.nodeName !== undefined && isUsable(endpoint)) nodes.add(shareNodeName(endpoint.nodeName))
    summary.foreign ??= foreignAddress(endpoint, config)
  }
  return {
    service: [slice.namespace, slice.service ?? ''].join('/'),
    addressType: slice.addressType,
    summary,
    usableNodes: [...nodes],
  }
}

/** Every slice brings a text of its own for the same few nodes. */
const nodeNames = new Map<string, string>()
const mostNodeNames = 20_000

function shareNodeName(name: string): string {
  const known = nodeNames.get(name)
  if (known !== undefined) return known
  // Names come from objects that anybody with the right may write, in any number.
  if (nodeNames.size >= mostNodeNames) nodeNames.clear()
  nodeNames.set(name, name)
  return name
}

/** The endpoints of one family in all slices of a Service. */
export function summarize(
  slices: Iterable<SliceFacts>,
  addressType: EndpointSliceView['addressType'],
): EndpointSummary {
  const sum = emptySummary()
  for (const { summary, addressType: type } of slices) {
    if (type !== addressType) continue
    for (const place of ['anywhere', 'here', 'elsewhere'] as const) {
      sum[place].total += summary[place].total
      sum[place].ready += summary[place].ready
      sum[place].finishing += summary[place].finishing
    }
    sum.foreign ??= summary.foreign
  }
  return sum
}

/** How many endpoints traffic would be given to. */
export function countUsable({ ready, finishing }: Tally): number {
  return ready > 0 ? ready : finishing
}

/** The nodes with an endpoint that may get traffic. */
export function nodesWithUsable(
  slices: Iterable<SliceFacts>,
  addressType: EndpointSliceView['addressType'],
): Set<string> {
  const nodes = new Set<string>()
  for (const { usableNodes, addressType: type } of slices) {
    if (type === addressType) for (const node of usableNodes) nodes.add(node)
  }
  return nodes
}

function emptySummary(): EndpointSummary {
  const none = () => ({ total: 0, ready: 0, finishing: 0 })
  return { anywhere: none(), here: none(), elsewhere: none() }
}

function add(tally: Tally, endpoint: EndpointView): void {
  tally.total++
  if (endpoint.isReady) tally.ready++
  else if (isUsable(endpoint)) tally.finishing++
}

function isUsable({ isReady, isServing, isTerminating }: EndpointView): boolean {
  return isReady || (isServing && isTerminating)
}

/**
 * Whoever may write EndpointSlices could otherwise have a Service address lead to any host (CVE-2021-25740). One that
 * gets no traffic does no harm.
 */
function foreignAddress(endpoint: EndpointView, { endpointCidrs }: AgentConfig): string | undefined {
  if (endpointCidrs.length === 0 || !isUsable(endpoint)) return undefined
  return endpoint.addresses.find((text) => {
    const address = parseAddress(text)
    return address === null || !endpointCidrs.some((range) => contains(range, address))
  })
}
