import { setTimeout as delay } from 'node:timers/promises'
import type { TrafficResult } from '../drills/result.ts'
import type { LabState } from '../state.ts'
import { openProbe, type ProbeHost } from './probe-host.ts'

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
  /** `cover`: source ports are chosen so that every path of interest carries a flow. Default `any`. */
  spread?: 'any' | 'cover'
  /** What must carry flows, with `cover`: these devices and link ids; every path when absent. */
  through?: { devices?: readonly string[]; links?: readonly string[] }
}

/** Traffic under way. */
export interface TrafficRun {
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

/** Starts traffic from inside a lab's hosts; resolves when every flow is being sent. */
export async function startTraffic(state: LabState, specs: readonly TrafficSpec[]): Promise<TrafficRun> {
  const probes = new Map<string, ProbeHost>()
  const probeOf = (host: string) => {
    const probe = probes.get(host) ?? openProbe(state.name, host)
    probes.set(host, probe)
    return probe
  }
  const close = () => {
    for (const probe of probes.values()) probe.close()
  }
  let voidedBecause: string | null = null
  const addressOf = (host: string) =>
    state.plan.devices.find(({ name }) => name === host)?.loopbacks[0]?.split('/')[0]
  const running = await Promise.all(
    specs.map(async (spec) => {
      const address = addressOf(spec.to)
      if (address !== undefined) await probeOf(spec.to).echo(address, spec.port)
      const run = await probeOf(spec.from).startFlows({
        destination: address ?? spec.to,
        port: spec.port,
        flows: spec.flows,
        packetsPerSecond: spec.packetsPerSecond,
      })
      return { spec, run, startedAt: Date.now() }
    }),
  )
  return {
    get voidedBecause() {
      return voidedBecause
    },
    close,
    async stop(zeroAt) {
      await delay(0)
      const results = await Promise.all(
        running.map(async ({ spec, run, startedAt }): Promise<TrafficResult> => {
          const report = await run.stop()
          voidedBecause ??= report.voidedBecause
          return {
            name: spec.name,
            from: spec.from,
            to: spec.to,
            protocol: spec.protocol,
            flows: report.flows.map((flow) => {
              const fromMs = startedAt + (flow.gapStartedMs ?? 0) - zeroAt
              return {
                id: String(flow.sourcePort),
                sent: flow.sent,
                lost: flow.lost,
                reordered: 0,
                outageMs: flow.longestGapMs,
                gaps: flow.gapStartedMs === null ? [] : [{ fromMs, toMs: fromMs + flow.longestGapMs }],
                pathBefore: [],
                pathAfter: [],
                reset: 0,
                stalled: 0,
              }
            }),
            resolutionMs: report.resolutionMs,
            balance: { before: [], after: [] },
            movedNeedlessly: 0,
          }
        }),
      )
      close()
      return results
    },
  }
}
