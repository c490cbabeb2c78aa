/**
 * The plan as integer arrays: what symmetry is looked for in, and what failures are played through on.
 *
 * A session is two directed edges, 2k from its end `a` to `b` and 2k+1 back, so `edge ^ 1` is the way back. Whatever
 * decides a route on an edge is interned by its exact content (policies by name, settings by value), so that comparing
 * two edges compares integers. Nothing here depends on the order of names.
 */
import type { Device, Plan, PrefixEntry, Session, SessionEnd } from '../../plan/model.ts'

export interface CompactNetwork {
  plan: Plan
  devices: readonly Device[]
  indexOf: ReadonlyMap<string, number>
  /** AS numbers as indexes into `asns`. */
  asnOf: Int32Array
  asns: readonly number[]
  from: Int32Array
  to: Int32Array
  /** What the sender exports through, and the receiver imports through: indexes into `policies`. */
  exportPolicy: Int32Array
  importPolicy: Int32Array
  /** Condition under which the sender sends a default route of its own; -1 never. */
  condition: Int32Array
  /** Everything else about session and both ends but names, filters and addresses, as one number. */
  settings: Int32Array
  flags: Uint8Array
  /** Exact filter of the receiver: an index into `acceptRanges`, or one of the two below. */
  accept: Int32Array
  /** The AS number in the receiver's AS-path filter, which is otherwise part of `settings`; -1 none. */
  expressionAsn: Int32Array
  /** The prefix sets inside exact filters: the part that is a range and not one node's own prefix. */
  acceptRanges: readonly (readonly PrefixEntry[])[]
  policies: readonly string[]
  /** Edges into device d: `inEdges[inStart[d]]` to `inEdges[inStart[d + 1] - 1]`, by neighbour. */
  inStart: Int32Array
  inEdges: Int32Array
}

export const acceptsAll = -1
/** The filter names single prefixes only. */
export const acceptsExactOnly = -2

export const flag = {
  ibgp: 1,
  ipv4: 2,
  ipv6: 4,
  toClient: 8,
  fromClient: 16,
  removePrivate: 32,
  expression: 64,
} as const

/** The receiving end of an edge, as the plan says it. */
export function receiverOf(network: CompactNetwork, edge: number): SessionEnd {
  const session = network.plan.sessions[edge >> 1]!
  return edge % 2 === 0 ? session.b : session.a
}

/** Compiles a plan; linear in its sessions. */
export function compactNetwork(plan: Plan): CompactNetwork {
  const { devices, sessions } = plan
  const indexOf = new Map(devices.map((device, index) => [device.name, index]))
  const asnIndex = new Interner<number>()
  const policies = new Interner<string>(Object.keys(plan.policies))
  const settings = new Interner<string>()
  const ranges = new Interner<string>()
  const acceptRanges: PrefixEntry[][] = []
  const count = sessions.length * 2
  const network = {
    plan,
    devices,
    indexOf,
    asnOf: Int32Array.from(devices, (device) => asnIndex.idOf(device.asn)),
    asns: asnIndex.values,
    from: new Int32Array(count),
    to: new Int32Array(count),
    exportPolicy: new Int32Array(count),
    importPolicy: new Int32Array(count),
    condition: new Int32Array(count).fill(-1),
    settings: new Int32Array(count),
    flags: new Uint8Array(count),
    accept: new Int32Array(count),
    expressionAsn: new Int32Array(count).fill(-1),
    acceptRanges,
    policies: policies.values,
    inStart: new Int32Array(devices.length + 1),
    inEdges: new Int32Array(count),
  }
  for (const [index, session] of sessions.entries()) {
    const shared = sharedSettings(session)
    addEdge(2 * index, session, session.a, session.b, shared)
    addEdge(2 * index + 1, session, session.b, session.a, shared)
  }
  sortEdges(network)
  return network

  function addEdge(edge: number, session: Session, sender: SessionEnd, receiver: SessionEnd, shared: string) {
    network.from[edge] = indexOf.get(sender.device)!
    network.to[edge] = indexOf.get(receiver.device)!
    network.exportPolicy[edge] = policies.idOf(sender.export)
    network.importPolicy[edge] = policies.idOf(receiver.import)
    if (sender.defaultOriginate !== null) network.condition[edge] = policies.idOf(sender.defaultOriginate)
    let expression = receiver.acceptAsPath ?? ''
    const parts = /^(\D*)(\d+)(\D*)$/.exec(expression)
    const number = parts === null ? undefined : asnIndex.known(Number(parts[2]))
    if (parts !== null && number !== undefined) {
      network.expressionAsn[edge] = number
      expression = `${parts[1]}#${parts[3]}`
    }
    network.settings[edge] = settings.idOf(
      `${shared}|${endSettings(sender)}|${endSettings(receiver)}|${expression}`,
    )
    network.flags[edge] =
      (session.type === 'ibgp' ? flag.ibgp : 0) |
      (session.families.includes('ipv4') ? flag.ipv4 : 0) |
      (session.families.includes('ipv6') ? flag.ipv6 : 0) |
      (sender.routeReflectorClient ? flag.toClient : 0) |
      (receiver.routeReflectorClient ? flag.fromClient : 0) |
      (sender.removePrivateAs ? flag.removePrivate : 0) |
      (receiver.acceptAsPath === null ? 0 : flag.expression)
    network.accept[edge] = receiver.accept === null ? acceptsAll : rangesOf(receiver.accept)
  }

  function rangesOf(entries: readonly PrefixEntry[]): number {
    const wide = entries.filter((entry) => !isExact(entry))
    if (wide.length === 0) return acceptsExactOnly
    const id = ranges.idOf(wide.map(({ prefix, ge, le }) => `${prefix}>${ge ?? ''}<${le ?? ''}`).join())
    acceptRanges[id] ??= wide
    return id
  }
}

/** Does the entry match one prefix and no other? */
export function isExact(entry: PrefixEntry): boolean {
  return entry.ge === undefined && entry.le === undefined
}

function sharedSettings(session: Session): string {
  const { keepaliveSeconds, holdSeconds } = session.timers
  return [
    session.class,
    session.type,
    session.unnumbered,
    session.families.join(),
    keepaliveSeconds,
    holdSeconds,
    session.bfd,
    session.gtsm,
    session.password,
  ].join('|')
}

function endSettings(end: SessionEnd): string {
  return `${end.maximumPrefixes},${end.routeReflectorClient},${end.nextHopSelf},${end.removePrivateAs}`
}

/** Edges by receiver, then by sender: a counting sort twice over. */
function sortEdges(network: { from: Int32Array; to: Int32Array; inStart: Int32Array; inEdges: Int32Array }) {
  const { from, to, inStart, inEdges } = network
  const bySender = place(Int32Array.from(from.keys()), from, inStart.length - 1).order
  const byReceiver = place(bySender, to, inStart.length - 1)
  inStart.set(byReceiver.start)
  inEdges.set(byReceiver.order)
}

function place(items: Int32Array, keys: Int32Array, size: number): { start: Int32Array; order: Int32Array } {
  const start = new Int32Array(size + 1)
  for (const item of items) start[keys[item]! + 1]!++
  for (let key = 0; key < size; key++) start[key + 1]! += start[key]!
  const next = start.slice()
  const order = new Int32Array(items.length)
  for (const item of items) order[next[keys[item]!]!++] = item
  return { start, order }
}

/** Gives equal values the same small number. */
export class Interner<T> {
  readonly values: T[] = []
  readonly #ids = new Map<T, number>()

  constructor(values: Iterable<T> = []) {
    for (const value of values) this.idOf(value)
  }

  known(value: T): number | undefined {
    return this.#ids.get(value)
  }

  idOf(value: T): number {
    let id = this.#ids.get(value)
    if (id === undefined) {
      id = this.values.length
      this.values.push(value)
      this.#ids.set(value, id)
    }
    return id
  }
}
