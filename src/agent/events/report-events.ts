import type { Logger } from 'pino'
import type { KubeClient } from '../../kube/client.ts'
import type { AgentParts } from '../answers.ts'
import { EventRecorder } from './event-recorder.ts'
import { EventReporter } from './event-reporter.ts'

const everyMs = 5_000

/**
 * Looks at the agent every few seconds and leaves Events about what somebody has to mend; returns what ends that.
 * Looking now and then instead of at every change keeps Events out of the way of routes, and short flaps out of Events.
 */
export function reportEvents(
  parts: Pick<
    AgentParts,
    'config' | 'decisions' | 'cluster' | 'reconciler' | 'metrics' | 'control' | 'weights'
  >,
  client: KubeClient,
  log: Logger,
): () => void {
  const { config, decisions, cluster, reconciler, metrics, control, weights } = parts
  const recorder = new EventRecorder({
    client,
    node: config.node,
    log,
    onOutcome: (result) => metrics.events.increment({ result }),
  })
  const reporter = new EventReporter({ recorder, node: config.node, decisions })
  let wasBgpdUp: boolean | undefined
  let phase = 'serving'
  const timer = setInterval(() => {
    if (!cluster.isKnown) return
    reporter.look()
    reporter.lookAtIgnoredWeights(weights.ignored)
    reporter.lookAtRefused(cluster.reflectors.get('services')?.refused ?? new Map())
    tellBgpd()
    tellDrain()
  }, everyMs)

  function tellBgpd(): void {
    const isUp = reconciler.isBgpdUp
    if (wasBgpdUp !== isUp && !isUp) {
      reporter.tellNode(
        'Warning',
        'BgpdLost',
        'bgpd does not answer: this node announces nothing until it is back',
      )
    }
    if (wasBgpdUp === false && isUp) {
      reporter.tellNode('Normal', 'BgpdBack', 'bgpd answers again; its routes were compared and mended')
    }
    wasBgpdUp = isUp
  }

  function tellDrain(): void {
    const status = control?.drainStatus
    if (status === undefined || status.phase === phase) return
    phase = status.phase
    // With the time each drain is an Event of its own, and whoever waits for one can tell it from the last.
    const since = new Date(status.sinceMs).toISOString().replace(/\.\d+Z$/, 'Z')
    reporter.tellNode('Normal', 'DrainPhase', `${phase} since ${since}: ${status.text}`)
  }

  return () => {
    clearInterval(timer)
    recorder.close()
  }
}
