import { WeftError } from '../../diagnostics/error.ts'
import { inNamespace } from '../../linux/namespace.ts'
import { run } from '../../linux/run.ts'
import { parseAddress } from '../../net/address.ts'
import type { TrafficResult } from '../drills/result.ts'
import { namespaceOf } from '../names.ts'
import type { LabState } from '../state.ts'
import { type Candidate, chooseCovering, findUncovered } from './cover.ts'
import { firstProbePort, lastProbePort } from './host-capture.ts'
import { addressOfHost, familyOf, hostOfAddress } from './hosts.ts'
import { startStealMeter } from './machine-load.ts'
import { type FlowPath, followFlows, isForetold } from './path.ts'
import { type FlowRun, openProbe, type ProbeHost } from './probe-host.ts'
import { type MeasuredGroup, summarizeTraffic } from './traffic-result.ts'

/*
 * Traffic between hosts of a lab while something happens to it: what a drill measures with.
 *
 * Groups are started together and stopped together. A host that answers itself gets a listener; a service address is
 * answered by its pods. Each host has one probe process whatever it sends, and they end with the run, or with this
 * process.
 */

/** A group of flows between the same two ends. */
export interface TrafficSpec {
  name: string
  /** Host that sends: a device, or `client`. */
  from: string
  /** An address, or a host, which then answers itself. */
  to: string
  protocol: 'udp' | 'tcp' | 'http'
  /** At the answering side. A host that answers itself listens on it. */
  port: number
  flows: number
  /** Of the whole group; of HTTP, requests. */
  packetsPerSecond: number
  /**
   * `cover`: source ports are chosen so that every path of interest carries a flow. UDP and TCP over IPv4; requests
   * come from a new port each time. Default `any`.
   */
  spread?: 'any' | 'cover'
  /** What must carry flows, with `cover`: these devices and link ids; every path when absent. */
  through?: { devices?: readonly string[]; links?: readonly string[] }
}

/** Traffic under way. */
export interface TrafficRun {
  /** Devices and links that were to carry flows (`through`) and that no flow between these ends passes. */
  readonly uncovered: readonly string[]
  /**
   * Ends it and says what was lost.
   *
   * @param zeroAt epoch milliseconds of the first fault; results count from it
   * @param lastActionAt epoch milliseconds of the last fault or heal; default `zeroAt`
   */
  stop(zeroAt: number, lastActionAt?: number): Promise<TrafficResult[]>
  /** Why the results must not be used; known after `stop`. */
  readonly voidedBecause: string | null
  /** Ends it without results; harmless after `stop`. */
  close(): void
}

/** Times as many candidates as flows: enough to find each of eight paths with near certainty. */
const candidatesPerFlow = 8
const mostCandidates = 512

/** Starts traffic from inside a lab's hosts; resolves when every flow is being sent. */
export async function startTraffic(state: LabState, specs: readonly TrafficSpec[]): Promise<TrafficRun> {
  const session = new TrafficSession(state)
  try {
    await session.start(specs)
    return session
  } catch (error) {
    session.close()
    throw error
  }
}

interface Group {
  spec: TrafficSpec
  source: string | undefined
  destination: string
  run: FlowRun
  before: FlowPath[]
}

class TrafficSession implements TrafficRun {
  readonly #state: LabState
  readonly #probes = new Map<string, ProbeHost>()
  readonly #uncovered = new Set<string>()
  readonly #stolenShare = startStealMeter()
  #groups: Group[] = []
  /** Not the same twice: routers and nodes remember UDP flows by their ports. */
  #nextPort = firstProbePort + Math.floor(Math.random() * 6_000)
  voidedBecause: string | null = null

  constructor(state: LabState) {
    this.#state = state
  }

  get uncovered(): readonly string[] {
    return [...this.#uncovered]
  }

  async start(specs: readonly TrafficSpec[]): Promise<void> {
    await this.#listen(specs)
    const prepared = await Promise.all(
      specs.map(async (spec) => {
        const { source, destination } = this.#endsOf(spec)
        return { spec, source, destination, sourcePorts: await this.#choosePorts(spec, source, destination) }
      }),
    )
    const started = await Promise.all(
      prepared.map(async ({ spec, source, destination, sourcePorts }) => {
        const { protocol, port, flows, packetsPerSecond } = spec
        const run = await this.#probe(spec.from).startFlows({
          protocol,
          destination,
          port,
          flows,
          packetsPerSecond,
          ...(source === undefined ? {} : { source }),
          sourcePorts,
        })
        return { spec, source, destination, run }
      }),
    )
    this.#groups = await Promise.all(
      started.map(async (group) => ({ ...group, before: await this.#follow(group) })),
    )
  }

  async stop(zeroAt: number, lastActionAt = zeroAt): Promise<TrafficResult[]> {
    try {
      const measured = await Promise.all(
        this.#groups.map(async (group): Promise<MeasuredGroup> => {
          const after = await this.#follow(group)
          const report = await group.run.stop()
          return { spec: group.spec, report, before: group.before, after }
        }),
      )
      const reasons = [
        ...measured.map(({ report }) => report.voidedBecause),
        await this.#whyListenersFailed(),
        this.#stolenShare(),
      ]
      this.voidedBecause = reasons.find((reason) => reason !== null) ?? null
      return measured.map((group) => summarizeTraffic(group, zeroAt, lastActionAt))
    } finally {
      this.close()
    }
  }

  close(): void {
    for (const probe of this.#probes.values()) probe.close()
    this.#probes.clear()
  }

  async #whyListenersFailed(): Promise<string | null> {
    for (const [host, probe] of this.#probes) {
      // The host of a probe that has ended is dead: its packets are lost, as they should be.
      const lost = await probe.countOverflows().catch(() => 0)
      if (lost > 0)
        return `${host} could not answer ${lost} packets in time that had arrived: the machine is too busy to measure`
    }
    return null
  }

  #probe(host: string): ProbeHost {
    const probe = this.#probes.get(host) ?? openProbe(this.#state.name, host)
    this.#probes.set(host, probe)
    return probe
  }

  #endsOf({ from, to }: TrafficSpec): { source: string | undefined; destination: string } {
    const { plan } = this.#state
    const destination = addressOfHost(plan, to) ?? to
    if (parseAddress(destination) === null || addressOfHost(plan, from) === undefined)
      throw new WeftError(
        'WEFT_LAB_DEVICE_UNKNOWN',
        `lab "${this.#state.name}" has no host "${addressOfHost(plan, from) === undefined ? from : to}"`,
        { hint: 'traffic goes from a device, or "client", to one of them or to an address', exitCode: 2 },
      )
    return { source: addressOfHost(plan, from, familyOf(destination)), destination }
  }

  /** Hosts that answer themselves, each port of each once. */
  async #listen(specs: readonly TrafficSpec[]): Promise<void> {
    const { plan } = this.#state
    const listeners = new Map(
      specs.flatMap((spec) => {
        const { destination } = this.#endsOf(spec)
        const host = hostOfAddress(plan, destination)
        return host === undefined
          ? []
          : [[`${destination} ${spec.port}`, { host, address: destination, port: spec.port }] as const]
      }),
    )
    await Promise.all(
      [...listeners.values()].map(({ host, address, port }) => this.#probe(host).echo(address, port)),
    )
    // After a retransmission Linux gives a connection another hash, and pods' nodes would take another way for it: that
    // mends what no network mends. On a wire this hash means nothing.
    const hosts = new Set(specs.filter(({ protocol }) => protocol !== 'udp').map(({ from }) => from))
    await Promise.all(
      [...hosts, ...[...listeners.values()].map(({ host }) => host)].map((host) =>
        run(inNamespace(namespaceOf(this.#state.name, host), ['sysctl', '-qw', 'net.core.txrehash=0']), {
          acceptFailure: true,
        }),
      ),
    )
  }

  async #choosePorts(spec: TrafficSpec, source: string | undefined, destination: string): Promise<number[]> {
    const ports = this.#takePorts(
      spec.spread === 'cover' ? Math.min(mostCandidates, spec.flows * candidatesPerFlow) : spec.flows + 8,
    )
    if (spec.spread !== 'cover' || !isFollowed(spec, destination) || source === undefined) return ports
    const paths = await followFlows(
      this.#state,
      ports.map((sourcePort) => keyOf(spec, source, destination, sourcePort)),
    )
    const candidates = paths.map(({ devices, links }, index): Candidate => {
      return { sourcePort: ports[index] as number, devices, links }
    })
    const interest = spec.through ?? {}
    for (const name of findUncovered(candidates, interest)) this.#uncovered.add(name)
    return chooseCovering(candidates, candidates.length, interest).map(({ sourcePort }) => sourcePort)
  }

  #takePorts(count: number): number[] {
    return Array.from({ length: count }, () => {
      if (this.#nextPort > lastProbePort) this.#nextPort = firstProbePort
      return this.#nextPort++
    })
  }

  async #follow({ spec, source, destination, run }: Omit<Group, 'before'>): Promise<FlowPath[]> {
    if (!isFollowed(spec, destination) || source === undefined) return []
    return await followFlows(
      this.#state,
      run.sourcePorts.map((sourcePort) => keyOf(spec, source, destination, sourcePort)),
    )
  }
}

/** Flows that keep their ports, in a family whose ways kernels tell. */
function isFollowed({ protocol }: TrafficSpec, destination: string): boolean {
  return protocol !== 'http' && isForetold(destination)
}

function keyOf(spec: TrafficSpec, source: string, destination: string, sourcePort: number) {
  return {
    from: spec.from,
    source,
    destination,
    protocol: spec.protocol === 'tcp' ? ('tcp' as const) : ('udp' as const),
    sourcePort,
    destinationPort: spec.port,
  }
}
