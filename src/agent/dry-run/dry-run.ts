import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { WeftError } from '../../diagnostics/error.ts'
import type { KubeClient } from '../../kube/client.ts'
import { readActual } from '../actual.ts'
import { applyChanges } from '../apply.ts'
import { everyAddress, idleRouteMapsAfter, planChanges } from '../changes.ts'
import type { ClusterView } from '../cluster-view.ts'
import type { AgentConfig } from '../config.ts'
import { createDecider } from '../decider.ts'
import type { Decision, ReasonCode } from '../desired/decision.ts'
import { isUnasked } from '../explain/unasked.ts'
import { PortGuard } from '../port-guard/port-guard.ts'
import { RecordingBgpd, RecordingIp, recordGuard, type Step } from './record.ts'

/*
 * What an agent that starts now would do in its first pass: reads the API, FRR and the kernel as it would, decides as it
 * would, and applies to recorders. Nothing is changed, and no lock is taken, so it may run beside the real agent.
 */

export interface DryRun {
  node: string
  /** Everything that would be sent; empty when there is nothing to do. */
  steps: Step[]
  announced: number
  withheld: Partial<Record<ReasonCode, number>>
}

export interface DryRunOptions {
  config: AgentConfig
  client: KubeClient
  log: Logger
  timeoutMs?: number
}

/** What waits for these may pass within moments of a start. */
const momentary: ReadonlySet<string> = new Set(['no-session', 'dataplane-not-programmed'])
const settleMs = 2_000

/** Finds out what would be done; rejects when API or FRR cannot be read. */
export async function dryRun({ config, client, log, timeoutMs = 30_000 }: DryRunOptions): Promise<DryRun> {
  const stopper = new AbortController()
  const steps: Step[] = []
  const begun = Promise.withResolvers<void>()
  const bgpd = new RecordingBgpd(steps, config.frr)
  const guard = new PortGuard()
  const { cluster, drain, gate } = createDecider({
    config,
    client,
    bgpd,
    log,
    onTouched: () => {},
    onBegin: () => begun.resolve(),
  })
  const connecting = bgpd.keepConnected({ onUp: () => gate.bgpdIsUp(), onDown: () => gate.bgpdIsDown() })
  const watching = cluster.run(stopper.signal)
  try {
    await Promise.race([begun.promise, timeout(timeoutMs, stopper.signal, cluster, bgpd)])
    await untilSettled(gate.decisions)
    const actual = await readActual(bgpd, config, guard)
    const wanted = (address: string) => {
      const decision = gate.decisions.get(address)
      return decision?.kind === 'announce' ? decision : undefined
    }
    const changes = planChanges(
      everyAddress(gate.decisions.keys(), actual),
      wanted,
      actual,
      (service) => cluster.serviceOf(service)?.ports ?? [],
    )
    changes.removeRouteMaps = idleRouteMapsAfter(changes, actual, false)
    await applyChanges(changes, {
      bgpd,
      ip: new RecordingIp(steps),
      guard: recordGuard(steps),
      actual,
    })
    return { node: config.node, steps: [...steps], ...count(gate.decisions) }
  } finally {
    stopper.abort()
    gate.stop()
    await drain.endShutdown()
    guard.close()
    bgpd.close()
    await Promise.allSettled([connecting, watching])
  }
}

async function timeout(
  timeoutMs: number,
  signal: AbortSignal,
  cluster: ClusterView,
  bgpd: RecordingBgpd,
): Promise<never> {
  await delay(timeoutMs, undefined, { signal })
  const unread = [...cluster.reflectors].filter(([, { hasSynced }]) => !hasSynced)
  const [kind, reflector] = unread[0] ?? []
  const waited = `after ${timeoutMs / 1000} s`
  if (kind === undefined) {
    throw new WeftError('WEFT_VTY_UNREACHABLE', `bgpd does not answer at ${bgpd.socketPath} ${waited}`, {
      hint: 'start FRR with bgpd enabled: /etc/frr/daemons, then systemctl restart frr',
      exitCode: 4,
    })
  }
  const { message, hint } = reflector?.lastError ?? { message: 'no answer', hint: undefined }
  throw new WeftError(
    'WEFT_KUBE_UNREACHABLE',
    `${kind} could not be read from the API ${waited}: ${message}`,
    {
      ...(hint === undefined ? {} : { hint }),
      exitCode: 4,
    },
  )
}

async function untilSettled(decisions: ReadonlyMap<string, Decision>): Promise<void> {
  const deadline = performance.now() + settleMs
  const isWaiting = () =>
    [...decisions.values()].some((decision) => decision.kind === 'withheld' && momentary.has(decision.code))
  while (isWaiting() && performance.now() < deadline) await delay(20)
}

function count(decisions: ReadonlyMap<string, Decision>): Pick<DryRun, 'announced' | 'withheld'> {
  const withheld: DryRun['withheld'] = {}
  let announced = 0
  for (const decision of decisions.values()) {
    if (decision.kind === 'announce') announced++
    else if (!isUnasked(decision)) withheld[decision.code] = (withheld[decision.code] ?? 0) + 1
  }
  return { announced, withheld }
}
