import { readFile } from 'node:fs/promises'
import { KubeClient, tokenFileAuthorization } from '../../kube/client.ts'
import { nodeApi, podApi } from './api.ts'
import type { NodeRuntimeConfig } from './config.ts'
import type { Log } from './log.ts'
import { keepRegistered } from './node-registration.ts'
import { prepareNode } from './pod-network.ts'
import { startPodRunner } from './pod-runner.ts'
import { serveProgrammedState } from './proxy/programmed-server.ts'
import { createServiceProxy, type ServiceProxy } from './proxy/service-proxy.ts'
import { openSandboxStore } from './sandbox.ts'
import { watchCluster } from './watch.ts'

/*
 * One lab node: what kubelet and, unless told to leave it out, kube-proxy are on a real one. Runs inside the node's network namespace.
 *
 * Order matters in two places. The pod prefix becomes a route first, before the API is asked for anything, because the
 * way to the API is made of routes. And the proxy's port is taken before pods are touched: it is what keeps a second
 * runtime out (beside kube-proxy, only the lab does).
 */

export interface NodeRuntime {
  stop(): Promise<void>
}

/** Starts a node's runtime; resolves when it works, whether or not the API is reached. */
export async function startNodeRuntime(config: NodeRuntimeConfig, log: Log): Promise<NodeRuntime> {
  await prepareNode(config.podCidrs)
  const proxy = config.serviceProxy === 'none' ? null : await startProxy(config, log)
  const { apiUrl, tokenFile, caFile } = config
  const client = new KubeClient({
    url: apiUrl,
    ...(caFile === undefined ? {} : { ca: await readFile(caFile, 'utf8') }),
    ...(tokenFile === undefined ? {} : tokenFileAuthorization(tokenFile)),
  })
  const store = await openSandboxStore(config.stateDirectory)
  const runner = await startPodRunner(config, store, podApi(client), log)
  const registration = keepRegistered(config, nodeApi(client), log)
  const watching = new AbortController()
  watchCluster(
    client,
    config.nodeName,
    { onPods: runner.setDesired, ...(proxy === null ? {} : { onServices: proxy.update }) },
    log,
    watching.signal,
  )
  log('node runtime started', { namespace: config.namespace, apiUrl: config.apiUrl })

  return {
    async stop() {
      watching.abort()
      registration.stop()
      proxy?.stop()
      if (config.stopPodsOnExit) await runner.stopAll()
      client.close()
    },
  }
}

/** The proxy with the server that says what it has programmed. */
async function startProxy(
  config: NodeRuntimeConfig,
  log: Log,
): Promise<Pick<ServiceProxy, 'update' | 'stop'>> {
  const proxy = createServiceProxy({
    nodeName: config.nodeName,
    nodeAddresses: config.addresses,
    podCidrs: config.podCidrs,
    log,
  })
  const server = await serveProgrammedState(proxy, config.proxyPort)
  return {
    update: proxy.update,
    stop() {
      proxy.stop()
      server.close()
      server.closeAllConnections()
    },
  }
}
