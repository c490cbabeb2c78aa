/**
 * Addresses of load balancers: named pools, who holds which address, and who shares.
 *
 * An address belongs to one Service, or to all Services that name the same sharing key and claim no port twice.
 * A Service keeps its addresses as long as they fit what it asks for; asking for less never moves it.
 */
import { formatAddress, parseAddress } from '../../../net/address.ts'
import { parsePrefix } from '../../../net/prefix.ts'
import { type AddressAllocator, createAddressAllocator } from '../api-server/address-allocator.ts'
import type { IpFamily } from '../api-server/objects.ts'

export interface PoolConfig {
  name: string
  cidrs: readonly string[]
}

export interface AddressWish {
  family: IpFamily
  /** This address and no other. */
  address?: string
  /** A pool by name; any pool in their order when left out. */
  pool?: string
  /** Services with the same key may share an address. */
  sharingKey?: string
  /** `TCP/80`: two Services that share an address may not claim the same one. */
  ports: readonly string[]
}

type AddressOutcome = { address: string; pool: string } | { refused: string }

export interface AddressPools {
  /** Gives the Service (by key) the address it wishes for, preferring the one it has. */
  assign(service: string, wish: AddressWish): AddressOutcome
  /** Gives back what a Service holds, of one family or all; returns whether it held anything. */
  release(service: string, family?: IpFamily): boolean
}

interface Pool {
  name: string
  allocators: Map<IpFamily, AddressAllocator>
  cidrs: readonly string[]
}

interface Holding {
  address: string
  pool: Pool
  holder: string
  ports: readonly string[]
}

/** Pools with all addresses free. */
export function createAddressPools(configs: readonly PoolConfig[]): AddressPools {
  const pools = configs.map(openPool)
  const holdings = new Map<string, Map<IpFamily, Holding>>()
  const users = new Map<string, Map<string, Holding>>()

  function usersOf(address: string, except: string): Holding[] {
    return [...(users.get(address) ?? [])].flatMap(([service, holding]) =>
      service === except ? [] : holding,
    )
  }

  function isFree(address: string, service: string, ports: readonly string[]): boolean {
    return usersOf(address, service).every((other) => !other.ports.some((port) => ports.includes(port)))
  }

  function release(service: string, family?: IpFamily): boolean {
    const byFamily = holdings.get(service)
    const gone = [...(byFamily ?? [])].filter(([each]) => family === undefined || each === family)
    for (const [each, { address, pool, holder }] of gone) {
      byFamily?.delete(each)
      const remaining = users.get(address)
      remaining?.delete(service)
      if (remaining?.size === 0) users.delete(address)
      if (usersOf(address, service).length === 0) pool.allocators.get(each)?.release(address, holder)
    }
    if (byFamily?.size === 0) holdings.delete(service)
    return gone.length > 0
  }

  function hold(
    service: string,
    wish: AddressWish,
    address: string,
    pool: Pool,
    holder: string,
  ): AddressOutcome {
    const current = holdings.get(service)?.get(wish.family)
    if (current !== undefined && (current.address !== address || current.holder !== holder)) {
      release(service, wish.family)
      // The release may have freed the very address, when only the sharing key changed.
      pool.allocators.get(wish.family)?.claim(address, holder)
    }
    const byFamily = holdings.get(service) ?? new Map<IpFamily, Holding>()
    const holding = { address, pool, holder, ports: wish.ports }
    byFamily.set(wish.family, holding)
    holdings.set(service, byFamily)
    const sharers = users.get(address) ?? new Map<string, Holding>()
    sharers.set(service, holding)
    users.set(address, sharers)
    return { address, pool: pool.name }
  }

  function assign(service: string, wish: AddressWish): AddressOutcome {
    const { family, sharingKey, ports } = wish
    const holder = sharingKey === undefined ? service : `shared:${sharingKey}`
    const candidates = pools.filter(({ name }) => wish.pool === undefined || name === wish.pool)
    if (candidates.length === 0) return { refused: unknownPool(wish.pool, pools) }
    if (wish.address !== undefined)
      return assignExactly(service, { ...wish, address: wish.address }, candidates, holder)
    const current = holdings.get(service)?.get(family)
    if (current !== undefined && current.holder === holder && candidates.includes(current.pool)) {
      if (isFree(current.address, service, ports))
        return hold(service, wish, current.address, current.pool, holder)
    }
    const shared = sharingKey === undefined ? undefined : sharedAddress(service, wish, candidates, holder)
    if (shared !== undefined) return hold(service, wish, shared.address, shared.pool, holder)
    for (const pool of candidates) {
      const address = pool.allocators.get(family)?.take(holder)
      if (address !== undefined) return hold(service, wish, address, pool, holder)
    }
    return { refused: exhausted(family, candidates) }
  }

  function sharedAddress(
    service: string,
    wish: AddressWish,
    candidates: readonly Pool[],
    holder: string,
  ): Holding | undefined {
    return [...holdings.values()]
      .flatMap((byFamily) => byFamily.get(wish.family) ?? [])
      .find(
        (each) =>
          each.holder === holder &&
          candidates.includes(each.pool) &&
          isFree(each.address, service, wish.ports),
      )
  }

  function assignExactly(
    service: string,
    wish: AddressWish & { address: string },
    candidates: readonly Pool[],
    holder: string,
  ): AddressOutcome {
    const parsed = parseAddress(wish.address)
    if (parsed === null) return { refused: `"${wish.address}" is not an IP address` }
    const address = formatAddress(parsed)
    const current = holdings.get(service)?.get(wish.family)
    for (const pool of candidates) {
      const allocator = pool.allocators.get(wish.family)
      if (allocator === undefined) continue
      const isOwn = current?.address === address && usersOf(address, service).length === 0
      const outcome = isOwn ? 'taken' : allocator.claim(address, holder)
      if (outcome === 'outside') continue
      if (outcome === 'held-by-another') {
        return {
          refused: `${address} is held by ${allocator.holderOf(address)}; both need the same weft.dev/shared-address to share it`,
        }
      }
      if (!isFree(address, service, wish.ports)) {
        return {
          refused: `${address} is shared already, and another Service on it claims one of ${wish.ports.join(', ')}`,
        }
      }
      return hold(service, wish, address, pool, holder)
    }
    return { refused: `${address} lies in none of the pools ${describe(candidates)}` }
  }

  return { assign, release }
}

function openPool({ name, cidrs }: PoolConfig): Pool {
  const prefixes = cidrs.map((text) => parsePrefix(text))
  const allocators = new Map<IpFamily, AddressAllocator>()
  for (const [family, number] of [
    ['IPv4', 4],
    ['IPv6', 6],
  ] as const) {
    const ofFamily = prefixes.filter((prefix) => prefix.family === number)
    if (ofFamily.length > 0) allocators.set(family, createAddressAllocator(ofFamily))
  }
  return { name, cidrs, allocators }
}

function describe(pools: readonly Pool[]): string {
  return pools.map(({ name, cidrs }) => `${name} (${cidrs.join(', ')})`).join(', ')
}

function unknownPool(name: string | undefined, pools: readonly Pool[]): string {
  if (pools.length === 0) return 'no address pool is configured'
  return `there is no pool "${name}"; there are: ${pools.map((pool) => pool.name).join(', ')}`
}

function exhausted(family: IpFamily, pools: readonly Pool[]): string {
  const withFamily = pools.filter(({ allocators }) => allocators.has(family))
  if (withFamily.length === 0) return `no pool has ${family} addresses: ${describe(pools)}`
  return `no ${family} address is free in ${describe(withFamily)}; widen a pool or delete Services that are not needed`
}
