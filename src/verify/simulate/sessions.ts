/*
 * Which BGP sessions form between routers, seen from their models and the cables between them; and why others do not.
 *
 * An unnumbered neighbour is whoever stands at the other end of the cable; a numbered one is the router that has the
 * address. Both ends must be configured and agree on AS numbers, password, GTSM and at least one address family.
 */
import { parseAddress } from '../../net/address.ts'
import { contains, type Prefix, prefixOf } from '../../net/prefix.ts'
import type { Family, NeighborModel, RouterLink, RouterModel } from './router-model.ts'

/** One end of a session that forms. */
export interface SessionSide {
  router: RouterModel
  neighbor: NeighborModel
  type: 'ebgp' | 'ibgp'
  families: readonly Family[]
  /** Own interface that it runs over. */
  interface: string
  /** The same session from the other end. */
  remote: SessionSide
}

export interface SessionProblem {
  router: string
  neighbor: string
  reason:
    | 'shut down'
    | 'no cable known'
    | 'other end unknown'
    | 'other end not configured'
    | 'not directly connected'
    | 'AS numbers differ'
    | 'passwords differ'
    | 'GTSM on one end'
    | 'no common address family'
    | 'both ends passive'
  detail: string
  /** The models do not say enough: the session may be up or down. */
  isOpen: boolean
}

export interface Sessions {
  /** By router, sorted by name of the other router, then by own interface. */
  sides: Map<string, SessionSide[]>
  problems: SessionProblem[]
}

interface Place {
  router: RouterModel
  interface: string
}

interface Half extends Place {
  neighbor: NeighborModel
  far: Place | null
}

/** Pairs the neighbours of all routers. */
export function resolveSessions(routers: readonly RouterModel[], links: readonly RouterLink[]): Sessions {
  const byName = new Map(routers.map((router) => [router.name, router]))
  const farEnds = farEndsOf(byName, links)
  const owners = addressOwners(routers)
  const halves = new Map<NeighborModel, Half>()
  const problems: SessionProblem[] = []

  for (const router of routers) {
    for (const neighbor of router.neighbors) {
      const half = locate(router, neighbor, farEnds, owners, problems)
      if (half !== null) halves.set(neighbor, half)
    }
  }
  const sides = new Map<string, SessionSide[]>(routers.map(({ name }) => [name, []]))
  const done = new Set<NeighborModel>()
  for (const half of halves.values()) {
    if (done.has(half.neighbor) || half.far === null) continue
    const other = counterpart(half, half.far, halves)
    if (other === null) {
      problems.push(
        problem(
          half,
          'other end not configured',
          `${half.far.router.name} has no neighbour for it at ${half.far.interface}`,
        ),
      )
      continue
    }
    done.add(half.neighbor).add(other.neighbor)
    const found = mismatch(half, other) ?? mismatch(other, half)
    if (found !== null) problems.push(found)
    else connect(half, other, sides)
  }
  for (const list of sides.values()) list.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
  return { sides, problems }
}

/** Sorts the sessions of a router. */
export function orderOf({ remote, interface: name }: SessionSide): string {
  return `${remote.router.name} ${name}`
}

function farEndsOf(
  routers: ReadonlyMap<string, RouterModel>,
  links: readonly RouterLink[],
): Map<string, Place> {
  const farEnds = new Map<string, Place>()
  for (const { a, b } of links) {
    const [routerA, routerB] = [routers.get(a.router), routers.get(b.router)]
    if (routerA === undefined || routerB === undefined) continue
    farEnds.set(`${a.router} ${a.interface}`, { router: routerB, interface: b.interface })
    farEnds.set(`${b.router} ${b.interface}`, { router: routerA, interface: a.interface })
  }
  return farEnds
}

function addressOwners(routers: readonly RouterModel[]): Map<string, Place> {
  const owners = new Map<string, Place>()
  for (const router of routers)
    for (const { name, addresses } of router.interfaces)
      for (const address of addresses) owners.set(address.split('/')[0]!, { router, interface: name })
  return owners
}

function locate(
  router: RouterModel,
  neighbor: NeighborModel,
  farEnds: ReadonlyMap<string, Place>,
  owners: ReadonlyMap<string, Place>,
  problems: SessionProblem[],
): Half | null {
  const fail = (reason: SessionProblem['reason'], detail: string, isOpen = false) => {
    problems.push({ router: router.name, neighbor: neighbor.id, reason, detail, isOpen })
    return null
  }
  if (neighbor.isShutdown) return fail('shut down', `neighbor ${neighbor.id} shutdown`)
  if (neighbor.interface !== null) {
    const far = farEnds.get(`${router.name} ${neighbor.interface}`)
    if (far === undefined)
      return fail(
        'no cable known',
        `nothing says what ${neighbor.interface} of ${router.name} is connected to`,
        true,
      )
    return { router, neighbor, interface: neighbor.interface, far }
  }
  const own = interfaceTowards(router, neighbor.address!)
  if (own === null)
    return fail(
      'not directly connected',
      `no interface of ${router.name} is in the subnet of ${neighbor.address}: such sessions are not modelled`,
      true,
    )
  const far = owners.get(neighbor.address!)
  if (far === undefined || far.router === router)
    return fail('other end unknown', `no router here has the address ${neighbor.address}`, true)
  // Where a cable is known, the address must be at its other end.
  const cabled = farEnds.get(`${router.name} ${own}`)
  if (cabled !== undefined && cabled.router !== far.router)
    return fail(
      'not directly connected',
      `${own} of ${router.name} leads to ${cabled.router.name}, and ${neighbor.address} is an address of ${far.router.name}`,
    )
  return { router, neighbor, interface: own, far }
}

/** The interface whose subnet an address lies in. */
export function interfaceTowards(router: RouterModel, address: string): string | null {
  const wanted = parseAddress(address)
  if (wanted === null) return null
  for (const { name, addresses } of router.interfaces)
    for (const text of addresses) {
      const subnet = subnetOf(text)
      const host = subnet?.family === 4 ? 32 : 128
      if (subnet !== null && subnet.length < host && contains(subnet, wanted)) return name
    }
  return null
}

/** The subnet of an address with prefix length; null when the text is neither. */
export function subnetOf(text: string): Prefix | null {
  const [left = '', length] = text.split('/')
  const address = parseAddress(left)
  if (address === null || length === undefined || !/^\d{1,3}$/.test(length)) return null
  return Number(length) > (address.family === 4 ? 32 : 128) ? null : prefixOf(address, Number(length))
}

function counterpart(half: Half, far: Place, halves: ReadonlyMap<NeighborModel, Half>): Half | null {
  for (const neighbor of far.router.neighbors) {
    const other = halves.get(neighbor)
    if (other === undefined || other.far?.router !== half.router) continue
    const isSamePlace =
      half.neighbor.interface === null
        ? ownAddresses(half).includes(neighbor.address ?? '')
        : other.interface === far.interface && other.far.interface === half.interface
    if (isSamePlace && (neighbor.interface === null) === (half.neighbor.interface === null)) return other
  }
  return null
}

function ownAddresses({ router, interface: name }: Place): string[] {
  const found = router.interfaces.find((entry) => entry.name === name)
  return (found?.addresses ?? []).map((address) => address.split('/')[0]!)
}

function mismatch(half: Half, other: Half): SessionProblem | null {
  const { neighbor, router } = half
  const remote = other.router.asn
  const isRight =
    neighbor.remoteAs === 'external'
      ? remote !== router.asn
      : neighbor.remoteAs === 'internal'
        ? remote === router.asn
        : neighbor.remoteAs === remote
  if (!isRight)
    return problem(
      half,
      'AS numbers differ',
      `${router.name} expects ${neighbor.remoteAs ?? 'no AS'}, ${other.router.name} is AS ${remote}`,
    )
  if (neighbor.password !== other.neighbor.password)
    return problem(half, 'passwords differ', `between ${router.name} and ${other.router.name}`)
  if (
    neighbor.ttlSecurityHops !== null &&
    other.neighbor.ttlSecurityHops === null &&
    neighbor.ttlSecurityHops < 255
  )
    if (other.neighbor.multihop === null && remote !== router.asn)
      return problem(
        half,
        'GTSM on one end',
        `${router.name} wants hop limit ${256 - neighbor.ttlSecurityHops} or more, ${other.router.name} sends 1`,
      )
  if (neighbor.isPassive && other.neighbor.isPassive)
    return problem(half, 'both ends passive', `neither ${router.name} nor ${other.router.name} begins`)
  if (commonFamilies(neighbor, other.neighbor).length === 0)
    return problem(half, 'no common address family', `between ${router.name} and ${other.router.name}`)
  return null
}

function commonFamilies(a: NeighborModel, b: NeighborModel): Family[] {
  return (['ipv4', 'ipv6'] as const).filter(
    (family) => a.families[family] !== null && b.families[family] !== null,
  )
}

function connect(half: Half, other: Half, sides: Map<string, SessionSide[]>): void {
  const shared = {
    type: half.router.asn === other.router.asn ? ('ibgp' as const) : ('ebgp' as const),
    families: commonFamilies(half.neighbor, other.neighbor),
  }
  // The two ends name each other; the first is complete when the second is there.
  const side: Partial<SessionSide> = {
    ...shared,
    router: half.router,
    neighbor: half.neighbor,
    interface: half.interface,
  }
  const remote: SessionSide = {
    ...shared,
    router: other.router,
    neighbor: other.neighbor,
    interface: other.interface,
    remote: side as SessionSide,
  }
  side.remote = remote
  sides.get(half.router.name)!.push(side as SessionSide)
  sides.get(other.router.name)!.push(remote)
}

function problem(half: Half, reason: SessionProblem['reason'], detail: string): SessionProblem {
  return { router: half.router.name, neighbor: half.neighbor.id, reason, detail, isOpen: false }
}
