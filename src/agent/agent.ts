import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { Logger } from 'pino'
import { FrrDaemon } from '../frr/daemon.ts'
import { inClusterAccess, type KubeAccess, KubeClient, tokenFileAuthorization } from '../kube/client.ts'
import { createMetrics } from './agent-metrics.ts'
import { ClusterView } from './cluster-view.ts'
import type { AgentConfig } from './config.ts'
import { Reconciler } from './reconciler.ts'
import { type Answer, serveTcp, serveUnix } from './status-server.ts'

/*
 * One node's agent: what may be announced (cluster view), what is (reconciler), and what to tell about it.
 *
 * This file only connects them. Nothing here decides or applies anything.
 */

export interface Agent {
  /** Stops following the API and, when configured so, withdraws; FRR and its sessions stay as they are. */
  stop(): Promise<void>
}

/** Starts an agent; rejects when it cannot listen or another agent runs on the node. */
export async function startAgent(config: AgentConfig, log: Logger): Promise<Agent> {
  const stopper = new AbortController()
  const client = new KubeClient(await kubeAccess(config))
  const bgpd = new FrrDaemon('bgpd', config.frr)
  const metrics = createMetrics(
    () => cluster,
    () => reconciler,
  )
  const cluster: ClusterView = new ClusterView({
    config,
    client,
    log,
    onTouched: (addresses, receivedAtMs) => reconciler.touch(addresses, receivedAtMs),
    onKnown: () => reconciler.enable(),
  })
  const reconciler: Reconciler = new Reconciler({
    config,
    bgpd,
    decisions: cluster.index.decisions,
    log,
    onApplied({ changes, seconds }) {
      if (seconds !== undefined) metrics.applySeconds.observe(seconds)
      metrics.changes.increment({ operation: 'announce' }, changes.addNetworks.length)
      metrics.changes.increment({ operation: 'withdraw' }, changes.removeNetworks.length)
      metrics.changes.increment({ operation: 'add-address' }, changes.addAddresses.length)
      metrics.changes.increment({ operation: 'remove-address' }, changes.removeAddresses.length)
    },
    onFailed: () => metrics.failures.increment(),
  })

  const servers: Server[] = []
  if (config.statusSocket !== undefined) servers.push(await serveUnix(config.statusSocket, answerStatus))
  if (config.metrics !== undefined) servers.push(await serveTcp(config.metrics, answerHttp))
  const resync = setInterval(() => reconciler.resync(), config.resyncSeconds * 1000)
  const connecting = bgpd.keepConnected({
    onUp: () => reconciler.bgpdIsUp(),
    onDown: (error) => reconciler.bgpdIsDown(error),
  })
  const watching = cluster.run(stopper.signal)
  log.info({ node: config.node, api: client.url, pools: config.pools.length }, 'agent started')

  function answerHttp(path: string): Answer | undefined {
    if (path === '/metrics') return { status: 200, body: metrics.registry.print() }
    if (path === '/healthz') return { status: 200, body: 'ok\n' }
    if (path !== '/readyz') return undefined
    const waiting = notReady()
    return waiting.length === 0
      ? { status: 200, body: 'ok\n' }
      : { status: 503, body: `${waiting.join('\n')}\n` }
  }

  function answerStatus(path: string): Answer | undefined {
    const { decisions } = cluster.index
    if (path === '/status') return { status: 200, body: status() }
    if (path === '/decisions') return { status: 200, body: [...decisions.values()] }
    const address = /^\/decisions\/(.+)$/.exec(path)?.[1]
    const decision = address === undefined ? undefined : decisions.get(address)
    return decision === undefined ? undefined : { status: 200, body: decision }
  }

  function notReady(): string[] {
    const unread = [...cluster.reflectors]
      .filter(([, reflector]) => !reflector.hasSynced)
      .map(([kind]) => kind)
    return [
      ...(unread.length > 0 ? [`not read yet from the API: ${unread.join(', ')}`] : []),
      ...(reconciler.isBgpdUp ? [] : ['bgpd does not answer']),
      ...(reconciler.lastError === undefined ? [] : [reconciler.lastError.message]),
    ]
  }

  function status(): object {
    return {
      node: config.node,
      site: config.site,
      isReady: notReady().length === 0,
      waitingFor: notReady(),
      isSettled: reconciler.isSettled,
      bgpd: { isUp: reconciler.isBgpdUp, socket: bgpd.socketPath },
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
              lastError: reflector.isConnected ? undefined : reflector.lastError?.message,
            },
          ]),
        ),
      },
      announced: [...reconciler.announced],
    }
  }

  return {
    async stop() {
      stopper.abort()
      clearInterval(resync)
      await watching
      if (config.onShutdown === 'withdraw') await reconciler.withdrawAll()
      reconciler.stop()
      bgpd.close()
      await connecting
      client.close()
      for (const server of servers) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
      log.info({ onShutdown: config.onShutdown, reason: reconciler.lastError?.message }, 'agent stopped')
    },
  }
}

async function kubeAccess({ api }: AgentConfig): Promise<KubeAccess> {
  if (api === 'in-cluster') return await inClusterAccess()
  return {
    url: api.url,
    ...(api.caFile === undefined ? {} : { ca: await readFile(api.caFile, 'utf8') }),
    ...(api.tokenFile === undefined ? {} : tokenFileAuthorization(api.tokenFile)),
  }
}
