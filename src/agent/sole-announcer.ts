import type { FrrDaemon } from '../frr/daemon.ts'
import { readBgpTable } from '../frr/show-bgp.ts'
import type { EndpointSliceView } from '../kube/views.ts'
import type { ClusterView } from './cluster-view.ts'
import type { Decision } from './desired/decision.ts'
import type { Reconciler } from './reconciler.ts'

/*
 * Which addresses would be announced by nobody if this node stopped?
 *
 * A node does not see all other announcers: its leaf sends it one path for a prefix, and none when the best one is the
 * node's own. So another announcer is believed in when bgpd has a path from elsewhere, or when an endpoint on another
 * node could serve. What is left may still be announced elsewhere; being asked once too often is the smaller harm.
 */

interface Asked {
  config: { node: string }
  bgpd: FrrDaemon
  cluster: ClusterView
  decisions: ReadonlyMap<string, Decision>
  reconciler: Reconciler
}

/** Addresses announced here that nobody else is known to announce. */
export async function findSoleAddresses({
  config,
  bgpd,
  cluster,
  decisions,
  reconciler,
}: Asked): Promise<string[]> {
  const announced = [...reconciler.announced]
  const elsewhere = servedElsewhere(config.node, cluster)
  const candidates = announced.filter((address) => {
    const services = decisions.get(address)?.services ?? []
    return !services.some((service) => elsewhere.has(service))
  })
  if (candidates.length === 0 || !reconciler.isBgpdUp) return candidates
  const [v4, v6] = await Promise.all([readBgpTable(bgpd, 'ipv4'), readBgpTable(bgpd, 'ipv6')])
  return candidates.filter((address) => {
    const paths = v4.get(`${address}/32`) ?? v6.get(`${address}/128`) ?? []
    return !paths.some((path) => path.peer !== '' && path.isValid)
  })
}

/** Services with an endpoint on another node that could take traffic. */
function servedElsewhere(node: string, cluster: ClusterView): Set<string> {
  const slices = (cluster.reflectors.get('endpointslices')?.views ?? new Map()) as ReadonlyMap<
    string,
    EndpointSliceView
  >
  const services = new Set<string>()
  for (const { namespace, service, endpoints } of slices.values()) {
    const isElsewhere = endpoints.some(
      ({ nodeName, isReady, isServing }) =>
        nodeName !== undefined && nodeName !== node && (isReady || isServing),
    )
    if (isElsewhere && service !== undefined) services.add(`${namespace}/${service}`)
  }
  return services
}
