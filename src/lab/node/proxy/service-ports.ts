import { type Family, formatAddress, parseAddress } from '../../../net/address.ts'
import type { Endpoint, EndpointSlice, Service, ServicePort } from '../../kubernetes/api-server/objects.ts'

/*
 * Which endpoint may serve a connection to which address: the meaning of Services, before any word of nftables.
 *
 * One {@link ProxiedPort} for each Service port and address family. It follows what kube-proxy does with the same
 * objects: ready endpoints; when there are none, those that are terminating but still serve, so that the last pods of
 * a Service finish what reaches them while routes move away. Whatever cannot be used (an address that is none, a host
 * name, an address that another Service holds already) is left out, because one bad element would make the kernel
 * refuse the rules of all the others.
 */

type ProxiedProtocol = 'tcp' | 'udp'

export interface ProxiedPort {
  /** `<namespace>/<service>`. */
  service: string
  portName: string
  family: Family
  protocol: ProxiedProtocol
  /** Where clients connect to. */
  frontends: Frontend[]
  /** Endpoints anywhere in the cluster, for traffic that any of them may serve. */
  anywhere: Backend[]
  /** Endpoints on this node, for traffic that must not leave it. */
  local: Backend[]
  hasClientAffinity: boolean
}

export interface Frontend {
  address: string
  port: number
  /** `internal` for the cluster IP; `external` for load-balancer and external IPs. */
  reach: 'internal' | 'external'
  /** Traffic policy `Local`. */
  localOnly: boolean
}

export interface Backend {
  address: string
  port: number
}

/** The ports this node forwards, in a stable order. */
export function selectServicePorts(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  nodeName: string,
): ProxiedPort[] {
  const slicesOf = Map.groupBy(slices, serviceOf)
  const taken = new Set<string>()
  return bySeniority(services).flatMap((service) =>
    (service.spec.ports ?? []).flatMap((port) =>
      ([4, 6] as const).flatMap((family) => {
        const protocol = protocolOf(port.protocol)
        const frontends = frontendsOf(service, port, family).filter((frontend) => {
          const key = `${frontend.address} ${protocol} ${frontend.port}`
          return !taken.has(key) && taken.add(key)
        })
        if (protocol === null || frontends.length === 0) return []
        const candidates = candidatesOf(slicesOf.get(nameOf(service)) ?? [], port, family)
        return [
          {
            service: nameOf(service),
            portName: port.name ?? '',
            family,
            protocol,
            frontends,
            anywhere: chooseBackends(candidates),
            local: chooseBackends(candidates.filter(({ endpoint }) => endpoint.nodeName === nodeName)),
            hasClientAffinity: service.spec.sessionAffinity === 'ClientIP',
          },
        ]
      }),
    ),
  )
}

/** The older Service keeps an address that two of them claim. */
function bySeniority(services: readonly Service[]): Service[] {
  return services
    .filter((service) => service.spec.type !== 'ExternalName')
    .map((service) => ({ service, key: `${service.metadata.creationTimestamp ?? ''} ${nameOf(service)}` }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ service }) => service)
}

function nameOf(service: Service): string {
  return `${service.metadata.namespace ?? 'default'}/${service.metadata.name}`
}

function serviceOf(slice: EndpointSlice): string {
  const name = slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''
  return `${slice.metadata.namespace ?? 'default'}/${name}`
}

function frontendsOf({ spec, status }: Service, { port }: ServicePort, family: Family): Frontend[] {
  const internal = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP])
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
    // `Proxy` says that something in front translates already and wants the node's own answer.
    ip === undefined || ipMode === 'Proxy' ? [] : [ip],
  )
  const external = [...ingress, ...(spec.externalIPs ?? [])]
  const isInternalLocal = spec.internalTrafficPolicy === 'Local'
  const isExternalLocal = spec.externalTrafficPolicy === 'Local'
  return [
    ...ofFamily(internal, family).map((address) => ({
      address,
      port,
      reach: 'internal' as const,
      localOnly: isInternalLocal,
    })),
    ...ofFamily(external, family).map((address) => ({
      address,
      port,
      reach: 'external' as const,
      localOnly: isExternalLocal,
    })),
  ]
}

interface Candidate {
  endpoint: Endpoint
  backend: Backend
}

function candidatesOf(slices: readonly EndpointSlice[], port: ServicePort, family: Family): Candidate[] {
  const wanted = protocolOf(port.protocol)
  return slices
    .filter((slice) => slice.addressType === `IPv${family}`)
    .flatMap((slice) => {
      const target = slice.ports?.find(
        (row) => (row.name ?? '') === (port.name ?? '') && protocolOf(row.protocol) === wanted,
      )?.port
      if (target === undefined) return []
      return slice.endpoints.flatMap((endpoint) =>
        ofFamily(endpoint.addresses.slice(0, 1), family).map((address) => ({
          endpoint,
          backend: { address, port: target },
        })),
      )
    })
}

function chooseBackends(candidates: readonly Candidate[]): Backend[] {
  const ready = candidates.filter(({ endpoint }) => endpoint.conditions?.ready !== false)
  const chosen = ready.length > 0 ? ready : candidates.filter(({ endpoint }) => isDrained(endpoint))
  // An endpoint shows in two slices for a moment while it moves between them.
  const unique = new Map(chosen.map(({ backend }) => [`${backend.address} ${backend.port}`, backend]))
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, backend]) => backend)
}

function isDrained({ conditions }: Endpoint): boolean {
  return conditions?.terminating === true && conditions.serving !== false
}

/** Canonical addresses of one family; anything else (`None`, host names, the other family) falls out. */
function ofFamily(addresses: readonly string[], family: Family): string[] {
  return addresses.flatMap((text) => {
    const address = parseAddress(text)
    return address?.family === family ? [formatAddress(address)] : []
  })
}

function protocolOf(protocol: string | undefined): ProxiedProtocol | null {
  if (protocol === undefined || protocol === 'TCP') return 'tcp'
  return protocol === 'UDP' ? 'udp' : null
}
