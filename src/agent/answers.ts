import type { FrrDaemon } from '../frr/daemon.ts'
import { readBgpSummary } from '../frr/show-bgp.ts'
import type { KubeClient } from '../kube/client.ts'
import type { AgentMetrics } from './agent-metrics.ts'
import type { ClusterView } from './cluster-view.ts'
import type { AgentConfig } from './config.ts'
import type { Decision } from './desired/decision.ts'
import { explainSubject } from './explain/explain.ts'
import { isUnasked } from './explain/unasked.ts'
import type { Reconciler } from './reconciler.ts'
import { findAnnouncers } from './sole-announcer.ts'
import type { AgentControl, Answer, Answerer, DrainStatus, Question } from './status-server.ts'
import type { WeightWatch } from './weight-watch.ts'

/*
 * The agent's side of its two servers: what is behind each path.
 *
 * healthz says whether a restart would help: a pass that hangs. It stays 200 while the API or bgpd is away, since a new
 * process could do no better and would have forgotten what it knows. readyz says whether routes follow the cluster now.
 */

export interface AgentParts {
  config: AgentConfig
  client: KubeClient
  bgpd: FrrDaemon
  cluster: ClusterView
  /** By address. */
  decisions: ReadonlyMap<string, Decision>
  reconciler: Reconciler
  metrics: AgentMetrics
  /** Absent while nothing of this agent can be commanded. */
  control?: AgentControl
  weights: Pick<WeightWatch, 'ignored'>
}

export interface AgentStatus {
  node: string
  site?: string
  isReady: boolean
  waitingFor: string[]
  isSettled: boolean
  bgpd: {
    isUp: boolean
    socket: string
    sessions: { neighbor: string; hostname?: string; family: string; state: string; prefixesSent: number }[]
  }
  api: {
    url: string
    collections: Record<
      string,
      {
        isConnected: boolean
        hasSynced: boolean
        objects: number
        refused: Record<string, string>
        lastError?: string
      }
    >
  }
  announced: string[]
  /** How many addresses are withheld, by reason. */
  withheld: Record<string, number>
  drain?: DrainStatus
}

/** Answers on the metrics address. */
export function answerProbes(parts: AgentParts): Answerer {
  return async ({ method, path }) => {
    if (method !== 'GET') return undefined
    if (path === '/metrics') return { status: 200, body: await printMetrics(parts) }
    if (path === '/healthz') return verdict(unhealthy(parts))
    return path === '/readyz' ? verdict(notReady(parts)) : undefined
  }
}

/** Answers on the Unix socket. */
export function answerOperators(parts: AgentParts): Answerer {
  const probes = answerProbes(parts)
  return async (question) => {
    if (question.method === 'POST') return command(parts, question)
    const { path, query } = question
    const { decisions } = parts
    if (path === '/status') return { status: 200, body: await readStatus(parts) }
    if (path === '/drain') return { status: 200, body: parts.control?.drainStatus ?? {} }
    if (path === '/why') return { status: 200, body: await explainSubject(parts, query) }
    if (path === '/sole-addresses') return { status: 200, body: await findAnnouncers(parts) }
    if (path === '/decisions') return { status: 200, body: [...decisions.values()] }
    const address = /^\/decisions\/(.+)$/.exec(path)?.[1]
    const decision = address === undefined ? undefined : decisions.get(address)
    return decision === undefined ? await probes(question) : { status: 200, body: decision }
  }
}

/** Why routes do not follow the cluster now; empty when they do. */
function notReady({ cluster, reconciler }: Pick<AgentParts, 'cluster' | 'reconciler'>): string[] {
  const unread = [...cluster.reflectors].filter(([, reflector]) => !reflector.hasSynced).map(([kind]) => kind)
  return [
    ...(unread.length > 0 ? [`not read yet from the API: ${unread.join(', ')}`] : []),
    ...(reconciler.isBgpdUp ? [] : ['bgpd does not answer']),
    ...(reconciler.lastError === undefined ? [] : [reconciler.lastError.message]),
  ]
}

function unhealthy({ config, cluster, reconciler, metrics }: AgentParts): string[] {
  if (!cluster.isKnown || !reconciler.isBgpdUp) return []
  const allowedSeconds = Math.max(60, 6 * config.resyncSeconds)
  const silentSeconds = metrics.secondsSincePass()
  return silentSeconds > allowedSeconds
    ? [`no pass ended for ${Math.round(silentSeconds)} s although bgpd answers: restart the agent`]
    : []
}

function verdict(problems: string[]): Answer {
  return problems.length === 0
    ? { status: 200, body: 'ok\n' }
    : { status: 503, body: `${problems.join('\n')}\n` }
}

function command({ control }: AgentParts, { path }: Question): Answer | undefined {
  if (path !== '/drain' && path !== '/undrain') return undefined
  if (control === undefined) {
    const error = { code: 'WEFT_AGENT_NO_CONTROL', message: 'this agent cannot be drained' }
    return { status: 501, body: { error } }
  }
  if (path === '/drain') control.drain()
  else control.undrain()
  return { status: 202, body: control.drainStatus }
}

async function printMetrics({ bgpd, reconciler, metrics }: AgentParts): Promise<string> {
  const summary = reconciler.isBgpdUp ? await readBgpSummary(bgpd).catch(() => undefined) : undefined
  metrics.noteSessions(summary?.sessions ?? [])
  return metrics.registry.print()
}

async function readStatus(parts: AgentParts): Promise<AgentStatus> {
  const { config, client, bgpd, cluster, reconciler } = parts
  const waitingFor = notReady(parts)
  const summary = reconciler.isBgpdUp ? await readBgpSummary(bgpd).catch(() => undefined) : undefined
  const withheld = [...parts.decisions.values()]
    .filter((decision) => decision.kind === 'withheld')
    .filter((decision) => !isUnasked(decision))
  const byReason = Map.groupBy(withheld, (decision) => decision.code)
  return {
    node: config.node,
    ...(config.site === undefined ? {} : { site: config.site }),
    isReady: waitingFor.length === 0,
    waitingFor,
    isSettled: reconciler.isSettled,
    bgpd: {
      isUp: reconciler.isBgpdUp,
      socket: bgpd.socketPath,
      sessions: (summary?.sessions ?? []).map(({ neighbor, hostname, family, state, prefixesSent }) => ({
        neighbor,
        ...(hostname === undefined ? {} : { hostname }),
        family,
        state,
        prefixesSent,
      })),
    },
    api: {
      url: client.url,
      collections: Object.fromEntries(
        [...cluster.reflectors].map(([kind, reflector]) => [
          kind,
          {
            isConnected: reflector.isConnected,
            hasSynced: reflector.hasSynced,
            objects: reflector.views.size,
            refused: Object.fromEntries(reflector.refused),
            ...(reflector.isConnected || reflector.lastError === undefined
              ? {}
              : { lastError: reflector.lastError.message }),
          },
        ]),
      ),
    },
    announced: [...reconciler.announced],
    withheld: Object.fromEntries([...byReason].map(([code, group]) => [code, group.length])),
    ...(parts.control === undefined ? {} : { drain: parts.control.drainStatus }),
  }
}
