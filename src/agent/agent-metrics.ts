import { readFileSync } from 'node:fs'
import type { BgpSession } from '../frr/show-bgp.ts'
import type { ClusterView, Collection } from './cluster-view.ts'
import { type Decision, holdCodes, reasonCodes } from './desired/decision.ts'
import { isUnasked } from './explain/unasked.ts'
import { type Counter, type Labels, MetricRegistry } from './metrics.ts'
import type { Reconciler, ReconcilerOptions } from './reconciler.ts'
import type { AgentControl } from './status-server.ts'
import type { WeightWatch } from './weight-watch.ts'

/*
 * The agent's metrics; docs/reference/metrics.md explains each, and a test keeps page and code equal.
 *
 * Gauges are read from their owners when somebody scrapes. Only what has no owner is kept here: counters, the time of
 * the last pass, and the sessions as they were when last asked for.
 */

export interface AgentMetrics {
  registry: MetricRegistry
  events: Counter
  /** Dead links that were taken out of the routes ahead of FRR. */
  localRepairs: Counter
  /** A pass has ended; seconds from the event to the last reply, when an event caused it. */
  noteApplied: ReconcilerOptions['onApplied']
  noteFailed(): void
  noteSessions(sessions: readonly BgpSession[]): void
  /** Since a pass ended, well or not; since the start when none has. */
  secondsSincePass(): number
}

export interface MetricSources {
  cluster: () => ClusterView
  /** By address. */
  decisions: () => ReadonlyMap<string, Decision>
  reconciler: () => Reconciler
  control?: () => AgentControl | undefined
  weights: () => Pick<WeightWatch, 'ignored'>
}

const applyBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Makes the registry and what feeds it. */
export function createMetrics(sources: MetricSources): AgentMetrics {
  const registry = new MetricRegistry()
  const startedAtMs = performance.now()
  let lastPassAtMs: number | undefined
  let sessions: readonly BgpSession[] = []

  const applySeconds = registry.histogram(
    'weft_agent_apply_duration_seconds',
    'Time from receiving an event to the last reply of FRR about it.',
    applyBounds,
  )
  const changed = registry.counter('weft_agent_changes_total', 'Changes made to FRR and the kernel.')
  const drift = registry.counter(
    'weft_agent_drift_repairs_total',
    'Changes that undid what somebody else had changed.',
  )
  const failures = registry.counter('weft_agent_apply_failures_total', 'Passes that did not fully succeed.')
  const events = registry.counter('weft_agent_events_total', 'Kubernetes Events, by what became of them.')
  const localRepairs = registry.counter(
    'weft_agent_local_repairs_total',
    'Dead links taken out of all routes ahead of FRR.',
  )
  localRepairs.increment({}, 0)
  drift.increment({}, 0)
  failures.increment({}, 0)

  observeProcess(registry, () => lastPassAtMs)
  observeRoutes(registry, sources)
  observeSessions(registry, () => sessions)
  observeWatches(registry, sources)

  return {
    registry,
    events,
    localRepairs,
    noteApplied({ changes, seconds }) {
      if (seconds !== undefined) applySeconds.observe(seconds)
      const counts = {
        announce: changes.addNetworks.length,
        withdraw: changes.removeNetworks.length,
        'add-address': changes.addAddresses.length,
        'remove-address': changes.removeAddresses.length,
      }
      for (const [operation, count] of Object.entries(counts)) changed.increment({ operation }, count)
      const total = Object.values(counts).reduce((a, b) => a + b, 0)
      // The first pass finds whatever an earlier process left: that is no drift.
      if (seconds === undefined && lastPassAtMs !== undefined) drift.increment({}, total)
      lastPassAtMs = performance.now()
    },
    noteFailed() {
      failures.increment()
      lastPassAtMs = performance.now()
    },
    noteSessions(read) {
      sessions = read
    },
    secondsSincePass: () => (performance.now() - (lastPassAtMs ?? startedAtMs)) / 1000,
  }
}

function observeProcess(registry: MetricRegistry, lastPassAtMs: () => number | undefined): void {
  const version = readVersion()
  const startedAtSeconds = Date.now() / 1000
  registry.observe('weft_build_info', 'Always 1; the labels say what runs.', () =>
    one(1, { version, node: process.version }),
  )
  registry.observe('weft_agent_start_timestamp_seconds', 'When the agent started, Unix time.', () =>
    one(startedAtSeconds),
  )
  registry.observe('weft_agent_resident_memory_bytes', 'Memory of the process that is in RAM.', () =>
    one(process.memoryUsage.rss()),
  )
  registry.observe(
    'weft_agent_last_pass_timestamp_seconds',
    'When FRR and the kernel were last compared with what should be, Unix time; 0 when never.',
    () => one(unixSeconds(lastPassAtMs())),
  )
}

function observeRoutes(registry: MetricRegistry, sources: MetricSources): void {
  const { reconciler, control, cluster, weights } = sources
  const decisions = () => [...sources.decisions().values()]
  const announcing = () => decisions().filter((decision) => decision.kind === 'announce')

  registry.observe('weft_agent_bgpd_up', 'Whether bgpd answers on its vty socket.', () =>
    one(reconciler().isBgpdUp),
  )
  registry.observe('weft_agent_settled', 'Whether FRR and the kernel hold what they should.', () =>
    one(reconciler().isSettled),
  )
  registry.observe('weft_agent_announced_addresses', 'Service addresses announced.', () =>
    one([...reconciler().announced].length),
  )
  registry.observe(
    'weft_agent_withheld_addresses',
    'Service addresses not announced, by first failing reason.',
    () => {
      const counts = Map.groupBy(
        decisions()
          .filter((decision) => decision.kind === 'withheld')
          .filter((decision) => !isUnasked(decision)),
        (decision) => decision.code,
      )
      return reasonCodes.map((reason) => ({ labels: { reason }, value: counts.get(reason)?.length ?? 0 }))
    },
  )
  registry.observe(
    'weft_agent_held_addresses',
    'Service addresses that stay announced because a guard holds them, by guard.',
    () => {
      const counts = Map.groupBy(announcing(), (decision) => decision.held?.by)
      return holdCodes.map((guard) => ({ labels: { guard }, value: counts.get(guard)?.length ?? 0 }))
    },
  )
  registry.observe('weft_agent_damped_addresses', 'Service addresses under flap damping.', () =>
    one(
      decisions().filter((decision) =>
        decision.kind === 'withheld' ? decision.code === 'damped' : decision.held?.by === 'damped',
      ).length,
    ),
  )
  registry.observe('weft_agent_weighted_addresses', 'Service addresses announced with a weight.', () =>
    one(announcing().filter((decision) => decision.weight !== undefined).length),
  )
  registry.observe(
    'weft_agent_weights_ignored_addresses',
    'Service addresses with an announcer that sends no weight, by where it was seen.',
    () => {
      const isLocal = (service: string) => cluster().serviceOf(service)?.externalTrafficPolicy === 'Local'
      const here = announcing().filter(
        (decision) => decision.weight === undefined && decision.services.some(isLocal),
      )
      return [
        { labels: { seen: 'here' }, value: here.length },
        { labels: { seen: 'neighbor' }, value: weights().ignored.size },
      ]
    },
  )
  registry.observe('weft_agent_drain_phase', '1 for the phase of draining that the node is in.', () => {
    const status = control?.()?.drainStatus
    return status === undefined ? [] : one(1, { phase: status.phase })
  })
}

function observeSessions(registry: MetricRegistry, sessions: () => readonly BgpSession[]): void {
  const each = (read: (session: BgpSession) => number | boolean) => () =>
    sessions().map((session) => ({ labels: labelsOf(session), value: Number(read(session)) }))
  registry.observe(
    'weft_bgp_session_up',
    'Whether the session is Established.',
    each((session) => session.isEstablished),
  )
  registry.observe(
    'weft_bgp_session_prefixes_sent',
    'Prefixes announced to the neighbor.',
    each((session) => session.prefixesSent),
  )
  registry.observe(
    'weft_bgp_session_prefixes_received',
    'Prefixes accepted from the neighbor.',
    each((session) => session.prefixesReceived),
  )
  registry.observe(
    'weft_bgp_session_drops_total',
    'How often the session was lost.',
    each((session) => session.timesDropped),
    'counter',
  )
}

function labelsOf({ neighbor, family, hostname }: BgpSession): Labels {
  return { neighbor, family, ...(hostname === undefined ? {} : { hostname }) }
}

function observeWatches(registry: MetricRegistry, { cluster }: MetricSources): void {
  const each = (read: (collection: Collection) => number) => () =>
    [...cluster().reflectors].map(([resource, reflector]) => ({
      labels: { resource },
      value: read(reflector),
    }))
  registry.observe(
    'weft_watch_connected',
    'Whether the API watch is open.',
    each((r) => Number(r.isConnected)),
  )
  registry.observe(
    'weft_watch_last_event_age_seconds',
    'Time since the API sent anything.',
    each((r) => (r.lastEventAtMs === 0 ? 0 : (performance.now() - r.lastEventAtMs) / 1000)),
  )
  registry.observe(
    'weft_watch_refused_objects',
    'Objects that could not be understood.',
    each((r) => r.refused.size),
  )
  registry.observe(
    'weft_watch_objects',
    'Objects known.',
    each((r) => r.views.size),
  )
  registry.observe(
    'weft_watch_events_total',
    'Watch events received.',
    each((r) => r.counters.events),
    'counter',
  )
  registry.observe(
    'weft_watch_starts_total',
    'Watches opened.',
    each((r) => r.counters.watches),
    'counter',
  )
  registry.observe(
    'weft_watch_lists_total',
    'Complete lists begun.',
    each((r) => r.counters.relists),
    'counter',
  )
  registry.observe(
    'weft_watch_failures_total',
    'Lists and watches that failed.',
    each((r) => r.counters.failures),
    'counter',
  )
}

/** Of a time of the monotonic clock; 0 when there is none. */
function unixSeconds(atMs: number | undefined): number {
  return atMs === undefined ? 0 : (Date.now() - (performance.now() - atMs)) / 1000
}

function one(value: number | boolean, labels: Labels = {}): { labels: Labels; value: number }[] {
  return [{ labels, value: Number(value) }]
}

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
