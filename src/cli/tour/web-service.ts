import { setTimeout as delay } from 'node:timers/promises'
import { WeftError } from '../../diagnostics/error.ts'
import type { ClusterApi } from '../../lab/cluster-api.ts'

/*
 * What the tour deploys: a web server on two nodes of each site behind one address that both sites announce.
 * `externalTrafficPolicy: Local` lets only nodes with a pod announce, and keeps the client's address.
 */

export const webPort = 80
/** Datagrams to it are answered by the same pods, so flows to the Service can be measured packet by packet. */
export const echoPort = 7

const namespace = '/api/v1/namespaces/default'
const labels = { app: 'web' }

/** Creates one pod on each of the nodes, and the Service. */
export async function deployWeb(api: ClusterApi, nodes: readonly string[], address: string): Promise<void> {
  for (const node of nodes) {
    await api.create(`${namespace}/pods`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `web-${node}`, labels },
      spec: {
        nodeName: node,
        containers: [
          {
            name: 'web',
            image: 'responder',
            ports: [
              { containerPort: 8080, protocol: 'TCP' },
              { containerPort: 8080, protocol: 'UDP' },
            ],
          },
        ],
      },
    })
  }
  await api.create(`${namespace}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'web',
      annotations: { 'weft.dev/pool': 'global', 'weft.dev/address': address },
    },
    spec: {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      selector: labels,
      ports: [
        { name: 'http', port: webPort, targetPort: 8080, protocol: 'TCP' },
        { name: 'echo', port: echoPort, targetPort: 8080, protocol: 'UDP' },
      ],
    },
  })
}

export async function deleteWeb(api: ClusterApi): Promise<void> {
  await api.delete(`${namespace}/services/web`)
}

interface PodList {
  items: { status?: { conditions?: { type: string; status: string }[] } }[]
}

/** Waits until all web pods are Ready. */
export async function awaitPods(api: ClusterApi, count: number, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const { items } = await api.get<PodList>(`${namespace}/pods?labelSelector=app%3Dweb`)
    const ready = items.filter(({ status }) =>
      status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    )
    if (ready.length >= count) return
    if (Date.now() > deadline)
      throw new WeftError('WEFT_TOUR_PODS', `only ${ready.length} of ${count} web pods are Ready`, {
        hint: 'see the logs of the node runtimes in the lab’s folder: weft lab status',
      })
    await delay(100)
  }
}
