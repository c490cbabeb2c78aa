/*
 * What routers bring into BGP by themselves: `network`, `redistribute` and `aggregate-address`.
 *
 * `network` asks the routing table first where `import-check` is on. What `redistribute` brings has origin incomplete
 * unless its route map says otherwise. Kernel routes are not in any configuration: whoever simulates says which there
 * are.
 */
import { formatPrefix, type Prefix, parsePrefix } from '../../net/prefix.ts'
import { type BgpRoute, localRoute } from './bgp-route.ts'
import type { PathSource } from './decide.ts'
import { applyRouteMap } from './route-map.ts'
import type { Family, RouterModel } from './router-model.ts'
import { subnetOf } from './sessions.ts'

export interface Origin {
  router: RouterModel
  source: PathSource
  route: BgpRoute
}

export interface Aggregate {
  router: RouterModel
  prefix: Prefix
  summaryOnly: boolean
  routeMap: string | null
}

export interface Origins {
  /** By prefix. */
  routes: Map<string, Origin[]>
  aggregates: Map<string, Aggregate[]>
}

/** Routes of a router that are not BGP's: those of its interfaces, static ones, and the given ones of its kernel. */
export interface OwnRoute {
  prefix: string
  source: 'connected' | 'static' | 'kernel'
  /** Interface, address or `blackhole`. */
  via: string
}

/** Routes that a router has without BGP. */
export function ownRoutes(router: RouterModel, kernel: readonly string[]): OwnRoute[] {
  const connected = router.interfaces.flatMap(({ name, addresses }) =>
    addresses.flatMap((text): OwnRoute[] => {
      const subnet = subnetOf(text)
      return subnet === null ? [] : [{ prefix: formatPrefix(subnet), source: 'connected', via: name }]
    }),
  )
  const fixed = router.staticRoutes.map(({ prefix, via }): OwnRoute => ({ prefix, source: 'static', via }))
  return [
    ...connected,
    ...fixed,
    ...kernel.map((prefix): OwnRoute => ({ prefix, source: 'kernel', via: 'kernel' })),
  ]
}

/** Everything that the routers originate; aggregates are active only while something more specific is known. */
export function collectOrigins(
  routers: readonly RouterModel[],
  kernelRoutes: ReadonlyMap<string, readonly string[]>,
): Origins {
  const routes = new Map<string, Origin[]>()
  const aggregates = new Map<string, Aggregate[]>()
  const add = (prefix: string, origin: Origin) => {
    const list = routes.get(prefix)
    if (list === undefined) routes.set(prefix, [origin])
    else list.push(origin)
  }
  for (const router of routers) {
    if (router.asn === 0) continue
    const own = ownRoutes(router, kernelRoutes.get(router.name) ?? [])
    for (const family of ['ipv4', 'ipv6'] as const) {
      const { networks, redistribute, aggregates: summaries } = router.families[family]
      for (const { prefix, routeMap } of networks) {
        if (router.bgp.importCheck && !own.some((route) => route.prefix === prefix)) continue
        const route = originate(router, family, prefix, routeMap, localRoute)
        if (route !== null) add(prefix, { router, source: 'network', route })
      }
      for (const { source, routeMap } of redistribute) {
        for (const { prefix, via } of own.filter((found) => found.source === source)) {
          if (prefix.includes(':') !== (family === 'ipv6')) continue
          const route = originate(
            router,
            family,
            prefix,
            routeMap,
            { ...localRoute, origin: 'incomplete' },
            via,
          )
          if (route !== null) add(prefix, { router, source: 'redistribute', route })
        }
      }
      for (const { prefix, summaryOnly, routeMap } of summaries) {
        const list = aggregates.get(prefix) ?? []
        aggregates.set(prefix, list)
        list.push({ router, prefix: parsePrefix(prefix), summaryOnly, routeMap })
      }
    }
  }
  return { routes, aggregates }
}

/** A route of a router's own, after the route map that gives it attributes; null when that denies it. */
export function originate(
  router: RouterModel,
  family: Family,
  prefix: string,
  routeMap: string | null,
  bare: BgpRoute,
  via?: string,
): BgpRoute | null {
  const route = { ...bare, localPreference: router.bgp.localPreference }
  if (routeMap === null) return route
  const context = { prefix: parsePrefix(prefix), family, ...(via === undefined ? {} : { interface: via }) }
  return applyRouteMap(router, routeMap, route, context).route
}
