/**
 * Addresses for load balancers of a real API, which leaves them to others: Services are watched, and what the pools
 * give is written to `status.loadBalancer`, with an Event when they give nothing.
 *
 * Nothing is handed out before the first complete list, because addresses that Services show keep their holders. One
 * Service is handled at a time; a write that fails is tried again, and the watch brings the Service back when it was
 * changed meanwhile.
 */
import { type KubeClient, KubeStatusError } from '../../../kube/client.ts'
import { Reflector } from '../../../kube/reflector.ts'
import { services as servicesPath } from '../../../kube/types.ts'
import { isSameJson, type LoadBalancerIngress, type Service } from '../api-server/objects.ts'
import { createAddressPools, type PoolConfig } from '../controllers/address-pools.ts'
import { adoptAddresses, assignAddresses, isClassOurs, isOurs } from '../controllers/load-balancer-wishes.ts'
import type { Log } from '../log.ts'

const component = 'weft-load-balancer'
const retryMs = 1_000

/** Starts serving; the API may come and go. */
export function startRealLoadBalancer(
  client: KubeClient,
  log: Log,
  configs: readonly PoolConfig[],
): { stop(): void } {
  const pools = createAddressPools(configs)
  const queue = new Set<string>()
  const waiting = new Set<string>()
  /** What was last refused, so that it is said once. */
  const said = new Map<string, string>()
  const stopping = new AbortController()
  let isWorking = false
  let hasAdopted = false

  const reflector = new Reflector<Service>({
    client,
    resource: servicesPath,
    timings: { maxBackoffMs: 3_000 },
    project: (raw) => raw as unknown as Service,
    onChange: ({ key }) => enqueue(key),
    onSynced() {
      if (!hasAdopted) adoptAddresses(pools, reflector.views.values())
      hasAdopted = true
      for (const key of reflector.views.keys()) enqueue(key)
    },
    onStatus({ error }) {
      if (error !== undefined) log.warn({ why: error.message }, 'Services are not watched')
    },
  })
  reflector.run(stopping.signal).catch((error) => log.error({ err: error }, 'load balancer ended'))

  function enqueue(key: string): void {
    queue.add(key)
    if (!hasAdopted || isWorking) return
    isWorking = true
    work().catch((error) => log.error({ err: error }, 'load balancer failed'))
  }

  async function work(): Promise<void> {
    // After the event's own callbacks, so that the views are up to date.
    await Promise.resolve()
    for (const key of queue) {
      if (stopping.signal.aborted) break
      queue.delete(key)
      try {
        await reconcile(key)
      } catch (error) {
        log.warn({ service: key, err: error }, 'addresses not written, trying again')
        setTimeout(() => enqueue(key), retryMs).unref()
      }
    }
    isWorking = false
  }

  async function reconcile(key: string): Promise<void> {
    const service = reflector.views.get(key)
    if (service === undefined || !isOurs(service)) {
      waiting.delete(key)
      said.delete(key)
      if (pools.release(key)) {
        wakeWaiting()
        if (service !== undefined && isClassOurs(service)) await writeIngress(service, [])
      }
      return
    }
    const { ingress, refusals, hasReleased } = assignAddresses(pools, service)
    if (hasReleased) wakeWaiting()
    const isChanged = await writeIngress(service, ingress)
    if (refusals.length > 0) {
      waiting.add(key)
      const why = refusals.join('; ')
      if (said.get(key) === why) return
      said.set(key, why)
      log.warn({ service: key, why }, 'no load balancer address')
      await writeEvent(service, 'Warning', 'AddressNotAssigned', why)
      return
    }
    waiting.delete(key)
    said.delete(key)
    if (!isChanged) return
    const addresses = ingress.map(({ ip }) => ip).join(', ')
    log.info({ service: key, addresses }, 'load balancer address assigned')
    await writeEvent(service, 'Normal', 'AddressAssigned', `Assigned ${addresses}`)
  }

  async function writeIngress(service: Service, ingress: LoadBalancerIngress[]): Promise<boolean> {
    if (isSameJson(service.status?.loadBalancer?.ingress ?? [], ingress)) return false
    const { namespace, name, uid } = service.metadata
    try {
      await client.json({
        method: 'PATCH',
        path: `/api/v1/namespaces/${namespace}/services/${name}/status`,
        contentType: 'application/merge-patch+json',
        // The uid: not to another Service that took the name meanwhile.
        body: {
          metadata: { uid },
          status: { loadBalancer: { ingress: ingress.length === 0 ? null : ingress } },
        },
        signal: AbortSignal.timeout(5_000),
      })
      return true
    } catch (error) {
      if (error instanceof KubeStatusError && (error.status === 404 || error.status === 409)) return false
      throw error
    }
  }

  async function writeEvent(
    { metadata }: Service,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): Promise<void> {
    const { namespace, name, uid } = metadata
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    await client.json({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/events`,
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: `${name}.`, namespace },
        involvedObject: { apiVersion: 'v1', kind: 'Service', namespace, name, uid },
        type,
        reason,
        message,
        source: { component },
        reportingComponent: component,
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      },
      signal: AbortSignal.timeout(5_000),
    })
  }

  function wakeWaiting(): void {
    for (const key of waiting) queue.add(key)
  }

  return { stop: () => stopping.abort() }
}
