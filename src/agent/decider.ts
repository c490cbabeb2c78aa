import type { Logger } from 'pino'
import type { FrrDaemon } from '../frr/daemon.ts'
import type { KubeClient } from '../kube/client.ts'
import { ClusterView } from './cluster-view.ts'
import type { AgentConfig } from './config.ts'
import { DrainController } from './drain/drain-controller.ts'
import { Gatekeeper, type GatekeeperOptions } from './gate/gatekeeper.ts'

/** Everything that decides what is announced, and nothing that applies it: an agent and a dry run decide alike. */
export interface Decider {
  cluster: ClusterView
  drain: DrainController
  gate: Gatekeeper
}

export interface DeciderOptions extends Pick<GatekeeperOptions, 'onTouched' | 'onBegin'> {
  config: AgentConfig
  client: KubeClient
  bgpd: FrrDaemon
  log: Logger
}

/** Connects what the API says, the drain and the gate with each other. */
export function createDecider({ config, client, bgpd, log, onTouched, onBegin }: DeciderOptions): Decider {
  const cluster: ClusterView = new ClusterView({
    config,
    client,
    log,
    onTouched: (addresses, receivedAtMs) => gate.touch(addresses, receivedAtMs),
    onKnown: () => gate.apiIsKnown(),
    onNode: (node) => drain.setNode(node),
  })
  const drain: DrainController = new DrainController({
    drain: config.drain,
    bgpd,
    log,
    onPhase: (phase) => gate.setPhase(phase),
  })
  const gate: Gatekeeper = new Gatekeeper({
    config,
    bgpd,
    verdicts: cluster.index.verdicts,
    serviceOf: (key) => cluster.serviceOf(key),
    log,
    onTouched,
    onFound: (runningConfig) => drain.adopt(runningConfig),
    onBegin,
  })
  return { cluster, drain, gate }
}
