import type { Server } from 'node:http'
import type { Logger } from 'pino'
import { FrrDaemon } from '../frr/daemon.ts'
import { KubeClient } from '../kube/client.ts'
import type { ServiceView } from '../kube/views.ts'
import { takeNodeLock } from '../linux/node-lock.ts'
import { createMetrics } from './agent-metrics.ts'
import { type AgentParts, answerOperators, answerProbes } from './answers.ts'
import type { AgentConfig } from './config.ts'
import { createDecider } from './decider.ts'
import { EndOfRib } from './end-of-rib.ts'
import { reportEvents } from './events/report-events.ts'
import { kubeAccess } from './kube-access.ts'
import { LocalRepair } from './local-repair/local-repair.ts'
import { watchLoopback } from './loopback-watch.ts'
import { PortGuard } from './port-guard/port-guard.ts'
import { Reconciler } from './reconciler.ts'
import { serveTcp, serveUnix } from './status-server.ts'
import { WeightWatch } from './weight-watch.ts'

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
  const lock = await takeNodeLock('weft-agent', 'another agent')
  const stopper = new AbortController()
  const client = new KubeClient(await kubeAccess(config))
  const bgpd = new FrrDaemon('bgpd', config.frr)
  const metrics = createMetrics({
    cluster: () => cluster,
    decisions: () => gate.decisions,
    reconciler: () => reconciler,
    control: () => drain,
    weights: () => weights,
  })
  const { cluster, drain, gate } = createDecider({
    config,
    client,
    bgpd,
    log,
    onTouched: (addresses, receivedAtMs) => reconciler.touch(addresses, receivedAtMs),
    onBegin: () => reconciler.enable(),
  })
  const weights = new WeightWatch({ bgpd, decisions: gate.decisions })
  const reconciler: Reconciler = new Reconciler({
    config,
    bgpd,
    decisions: gate.decisions,
    portsOf: (service) =>
      (cluster.reflectors.get('services')?.views.get(service) as ServiceView | undefined)?.ports ?? [],
    guard: new PortGuard(),
    log,
    onApplied(applied) {
      metrics.noteApplied(applied)
      endOfRib?.isAnnounced()
    },
    onFailed: metrics.noteFailed,
  })

  const endOfRib = config.sendsEndOfRib ? new EndOfRib({ bgpd, log }) : undefined

  const parts: AgentParts = {
    config,
    client,
    bgpd,
    cluster,
    decisions: gate.decisions,
    reconciler,
    metrics,
    control: drain,
    weights,
  }
  const servers: Server[] = []
  if (config.statusSocket !== undefined)
    servers.push(await serveUnix(config.statusSocket, answerOperators(parts)))
  if (config.metrics !== undefined) servers.push(await serveTcp(config.metrics, answerProbes(parts)))
  const resync = setInterval(() => {
    reconciler.resync()
    if (reconciler.isBgpdUp) void weights.look()
  }, config.resyncSeconds * 1000)
  const loopback = watchLoopback({
    wants: (address) => reconciler.wants(address),
    onLost: () => reconciler.resync(),
    log,
  })
  const repair = config.fastLocalRepair
    ? await LocalRepair.start({
        frr: config.frr,
        log,
        onRepair(link, tookMs) {
          metrics.localRepairs.increment({})
          log.info({ link, tookMs: Math.round(tookMs * 10) / 10 }, 'a dead link was taken out of all routes')
        },
      })
    : undefined
  const connecting = bgpd.keepConnected({
    onUp() {
      reconciler.bgpdIsUp()
      drain.bgpdIsUp()
      gate.bgpdIsUp()
      endOfRib?.bgpdIsUp()
    },
    onDown(error) {
      reconciler.bgpdIsDown(error)
      drain.bgpdIsDown()
      gate.bgpdIsDown()
      endOfRib?.bgpdIsDown()
    },
  })
  const endEvents = reportEvents(parts, client, log)
  const watching = cluster.run(stopper.signal)
  log.info({ node: config.node, api: client.url, pools: config.pools.length }, 'agent started')

  return {
    async stop() {
      stopper.abort()
      clearInterval(resync)
      loopback.stop()
      endOfRib?.stop()
      await repair?.stop()
      endEvents()
      await watching
      if (config.onShutdown === 'drain') await drain.drainForShutdown()
      if (config.onShutdown !== 'stay') await reconciler.withdrawAll()
      await drain.endShutdown()
      gate.stop()
      reconciler.stop()
      bgpd.close()
      await connecting
      client.close()
      lock.release()
      for (const server of servers) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
      log.info({ onShutdown: config.onShutdown, reason: reconciler.lastError?.message }, 'agent stopped')
    },
  }
}
