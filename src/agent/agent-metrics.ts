import type { ClusterView, Collection } from './cluster-view.ts'
import { type Counter, type Histogram, MetricRegistry } from './metrics.ts'
import type { Reconciler } from './reconciler.ts'

export interface AgentMetrics {
  registry: MetricRegistry
  /** Event received to last vty reply, a pass each. */
  applySeconds: Histogram
  changes: Counter
  failures: Counter
}

/** The agent's metrics; docs/reference/metrics.md explains each. */
export function createMetrics(cluster: () => ClusterView, reconciler: () => Reconciler): AgentMetrics {
  const registry = new MetricRegistry()
  const applySeconds = registry.histogram(
    'weft_agent_apply_duration_seconds',
    'Time from receiving an event to the last reply of FRR about it.',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  )
  const changes = registry.counter('weft_agent_changes_total', 'Changes made to FRR and the kernel.')
  const failures = registry.counter('weft_agent_apply_failures_total', 'Passes that did not fully succeed.')
  const one = (value: number | boolean) => [{ labels: {}, value: Number(value) }]
  const perReflector = (read: (collection: Collection) => number) => () =>
    [...cluster().reflectors].map(([resource, reflector]) => ({
      labels: { resource },
      value: read(reflector),
    }))

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
      const withheld = [...cluster().index.decisions.values()].filter(
        (decision) => decision.kind === 'withheld',
      )
      return [...Map.groupBy(withheld, (decision) => decision.code)].map(([reason, group]) => ({
        labels: { reason },
        value: group.length,
      }))
    },
  )
  registry.observe(
    'weft_watch_connected',
    'Whether the API watch is open.',
    perReflector((r) => Number(r.isConnected)),
  )
  registry.observe(
    'weft_watch_last_event_age_seconds',
    'Time since the API sent anything.',
    perReflector((r) => (r.lastEventAtMs === 0 ? 0 : (Date.now() - r.lastEventAtMs) / 1000)),
  )
  registry.observe(
    'weft_watch_refused_objects',
    'Objects that could not be understood.',
    perReflector((r) => r.refused.size),
  )
  registry.observe(
    'weft_watch_events_total',
    'Watch events received.',
    perReflector((r) => r.counters.events),
    'counter',
  )
  registry.observe(
    'weft_watch_starts_total',
    'Watches opened.',
    perReflector((r) => r.counters.watches),
    'counter',
  )
  registry.observe(
    'weft_watch_lists_total',
    'Complete lists begun.',
    perReflector((r) => r.counters.relists),
    'counter',
  )
  registry.observe(
    'weft_watch_failures_total',
    'Lists and watches that failed.',
    perReflector((r) => r.counters.failures),
    'counter',
  )
  return { registry, applySeconds, changes, failures }
}
