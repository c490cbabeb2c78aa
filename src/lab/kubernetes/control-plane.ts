/**
 * The embedded control plane: API server and controllers over one store, in one process.
 */
import { formatAddress } from '../../net/address.ts'
import { addressAt, parsePrefix } from '../../net/prefix.ts'
import { type ApiServer, createApiServer } from './api-server/api-server.ts'
import type { AnyObject } from './api-server/objects.ts'
import type { Registry } from './api-server/registry.ts'
import { type ControlPlaneConfig, readControlPlaneConfig } from './control-plane-config.ts'
import type { Controller } from './controllers/controller.ts'
import { startDeployments } from './controllers/deployments.ts'
import { startEndpointSlices } from './controllers/endpoint-slices.ts'
import { startEndpoints } from './controllers/endpoints.ts'
import { dropOldEvents } from './controllers/event-recorder.ts'
import { startLoadBalancer } from './controllers/load-balancer.ts'
import { startNamespaces } from './controllers/namespaces.ts'
import { startNodeLifecycle } from './controllers/node-lifecycle.ts'
import { startScheduler } from './controllers/scheduler.ts'
import type { Log } from './log.ts'

export interface EmbeddedControlPlane {
  /** The first listener. */
  readonly apiUrl: string
  readonly apiUrls: readonly string[]
  readonly api: ApiServer
  close(): Promise<void>
}

const eventSweepMs = 60_000

/** Starts everything; when this returns, the API answers. When a listener cannot be had, nothing is left running. */
export async function startControlPlane(config: ControlPlaneConfig, log: Log): Promise<EmbeddedControlPlane> {
  const { listeners, serviceCidrs, nodePortRange, pools, nodeGraceSeconds, accessLog } =
    readControlPlaneConfig(config)
  const api = createApiServer({
    serviceCidrs,
    log,
    accessLog,
    ...(nodePortRange === undefined ? {} : { nodePortRange }),
  })
  const apiUrls: string[] = []
  try {
    for (const { address, port } of listeners) apiUrls.push((await api.listen(address, port)).url)
  } catch (error) {
    await api.close()
    throw error
  }
  const { registry } = api
  announceApi(registry, serviceCidrs, apiUrls[0]!)
  const controllers: Controller[] = [
    startNamespaces(registry, log),
    startNodeLifecycle(registry, log, { graceSeconds: nodeGraceSeconds }),
    startDeployments(registry, log),
    startScheduler(registry, log),
    startEndpointSlices(registry, log),
    startEndpoints(registry, log),
    startLoadBalancer(registry, log, pools),
  ]
  const sweep = setInterval(() => dropOldEvents(registry, Date.now()), eventSweepMs)

  return {
    apiUrl: apiUrls[0]!,
    apiUrls,
    api,
    async close() {
      clearInterval(sweep)
      for (const controller of controllers) controller.stop()
      await api.close()
    },
  }
}

/**
 * The API as the Service `default/kubernetes`, at the first address of the range, as clients inside a cluster look for
 * it. This server speaks no TLS, whatever the port is called.
 */
function announceApi(registry: Registry, serviceCidrs: readonly string[], apiUrl: string): void {
  const { hostname, port } = new URL(apiUrl)
  const address = hostname.replace(/^\[|\]$/g, '')
  const metadata = { name: 'kubernetes', labels: { component: 'apiserver', provider: 'kubernetes' } }
  const range = parsePrefix(serviceCidrs[0]!)
  const clusterIP = formatAddress(addressAt(range, 1))
  const service = {
    metadata,
    spec: { clusterIP, ports: [{ name: 'https', port: 443, targetPort: Number(port) }] },
  }
  registry.create(registry.types.stored('services'), 'default', service as unknown as AnyObject)
  const slice = {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'https', port: Number(port), protocol: 'TCP' }],
  }
  registry.create(
    registry.types.stored('endpointslices.discovery.k8s.io'),
    'default',
    slice as unknown as AnyObject,
  )
}
