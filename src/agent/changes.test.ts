import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ChangeSet, idleRouteMapsAfter, type Known, planChanges } from './changes.ts'
import type { Announce } from './desired/decision.ts'

function announce(address: string, scope: Announce['scope'] = 'site'): Announce {
  return {
    kind: 'announce',
    address,
    prefix: `${address}/32`,
    family: 'ipv4',
    pool: 'web',
    scope,
    services: [],
  }
}

const nothing: ChangeSet = {
  addAddresses: [],
  removeAddresses: [],
  addNetworks: [],
  removeNetworks: [],
  addRouteMaps: [],
  removeRouteMaps: [],
  rebuildGuard: false,
  setGuards: [],
  removeGuards: [],
}

function known(addresses: Iterable<string>, networks: Iterable<[string, string]>): Known {
  return {
    addresses: new Set(addresses),
    unrouted: new Set<string>(),
    networks: new Map(networks),
    routeMaps: new Set(['VIP-site', 'VIP-edge']),
    guard: undefined,
  }
}

const noPorts = () => []

test('a new address gets both its place on lo and its statement', () => {
  const actual = known([], [])

  expect(planChanges(['10.9.0.1'], announce, actual, noPorts)).toEqual({
    ...nothing,
    addAddresses: ['10.9.0.1'],
    addNetworks: [{ address: '10.9.0.1', routeMap: 'VIP-site' }],
  })
})

test('a change of scope replaces the statement and leaves the address', () => {
  const actual = known(['10.9.0.1'], [['10.9.0.1', 'VIP-site']])

  expect(planChanges(['10.9.0.1'], (address) => announce(address, 'edge'), actual, noPorts)).toEqual({
    ...nothing,
    addNetworks: [{ address: '10.9.0.1', routeMap: 'VIP-edge' }],
  })
})

test('what nobody wants is taken away, also when only half of it is there', () => {
  const actual = known(
    ['10.9.0.1', '10.9.0.2'],
    [
      ['10.9.0.1', ''],
      ['10.9.0.3', ''],
    ],
  )

  expect(planChanges(['10.9.0.1', '10.9.0.2', '10.9.0.3'], () => undefined, actual, noPorts)).toEqual({
    ...nothing,
    removeAddresses: ['10.9.0.1', '10.9.0.2'],
    removeNetworks: ['10.9.0.1', '10.9.0.3'],
  })
})

test('applying a plan leaves nothing to plan', () => {
  const address = fc.nat(20).map((index) => `10.9.0.${index}`)
  const routeMap: fc.Arbitrary<string> = fc.constantFrom('', 'VIP-site', 'VIP-edge')

  fc.assert(
    fc.property(
      fc.uniqueArray(address),
      fc.uniqueArray(address),
      fc.dictionary(address, routeMap),
      (wanted, present, statements) => {
        const actual = known(present, Object.entries(statements))
        const decide = (candidate: string) => (wanted.includes(candidate) ? announce(candidate) : undefined)
        const everything = new Set([...wanted, ...actual.addresses, ...actual.networks.keys()])

        const changes = planChanges(everything, decide, actual, noPorts)
        for (const added of changes.addAddresses) actual.addresses.add(added)
        for (const removed of changes.removeAddresses) actual.addresses.delete(removed)
        for (const { address: added, routeMap: map } of changes.addNetworks) actual.networks.set(added, map)
        for (const removed of changes.removeNetworks) actual.networks.delete(removed)

        expect(planChanges(everything, decide, actual, noPorts)).toEqual(nothing)
        expect([...actual.addresses].toSorted()).toEqual(wanted.toSorted())
      },
    ),
  )
})

test('a weight is said by a shared route map, made once; another weight is another statement', () => {
  const weighted = (weight: number) => (address: string) => ({ ...announce(address), weight })
  const actual = known(['10.9.0.1', '10.9.0.2'], [['10.9.0.1', 'VIP-site-w2']])
  actual.routeMaps.add('VIP-site-w2')

  const first = planChanges(['10.9.0.1', '10.9.0.2'], weighted(3), actual, noPorts)

  expect(first.addRouteMaps.map(({ name }) => name)).toEqual(['VIP-site-w3'])
  expect(first.addNetworks).toEqual([
    { address: '10.9.0.1', routeMap: 'VIP-site-w3' },
    { address: '10.9.0.2', routeMap: 'VIP-site-w3' },
  ])
  expect(first.removeNetworks).toEqual([])
  expect(planChanges(['10.9.0.1'], weighted(2), actual, noPorts)).toEqual(nothing)
})

test('the guard opens the ports of all Services of an address, and closes the address when nobody wants it', () => {
  const decide = (address: string) => ({ ...announce(address), services: ['shop/web', 'shop/dns'] })
  const portsOf = (service: string) =>
    service === 'shop/web' ? [{ protocol: 'TCP', port: 443 }] : [{ protocol: 'UDP', port: 53 }]
  const actual = known(['10.9.0.1'], [['10.9.0.1', 'VIP-site']])
  actual.guard = { isIntact: true, ports: new Map([['10.9.0.1', ['tcp . 443']]]) }

  expect(planChanges(['10.9.0.1'], decide, actual, portsOf)).toEqual({
    ...nothing,
    setGuards: [{ address: '10.9.0.1', ports: ['tcp . 443', 'udp . 53'] }],
  })
  expect(planChanges(['10.9.0.1'], () => undefined, actual, portsOf).removeGuards).toEqual(['10.9.0.1'])
})

test('a damaged guard is made anew with every address, whatever it seems to hold', () => {
  const actual = known(['10.9.0.1'], [['10.9.0.1', 'VIP-site']])
  actual.guard = { isIntact: false, ports: new Map([['10.9.0.1', []]]) }

  const changes = planChanges(['10.9.0.1'], announce, actual, noPorts)

  expect(changes).toEqual({ ...nothing, rebuildGuard: true, setGuards: [{ address: '10.9.0.1', ports: [] }] })
})

test('idle route maps wait to be used again until there are many; those of the base stay for ever', () => {
  const actual = known([], [['10.9.0.1', 'VIP-site-w1']])
  for (let weight = 1; weight <= 65; weight++) actual.routeMaps.add(`VIP-site-w${weight}`)

  expect(idleRouteMapsAfter(nothing, actual, false)).toEqual([])
  actual.routeMaps.add('VIP-site-w66')
  expect(idleRouteMapsAfter(nothing, actual, false)).toHaveLength(65)
  expect(idleRouteMapsAfter(nothing, actual, false)).not.toContain('VIP-site-w1')
  actual.networks.clear()
  expect(idleRouteMapsAfter(nothing, actual, true)).toHaveLength(66)
})

test('an address whose local route somebody took away is added anew', () => {
  const actual = known(['10.9.0.1'], [['10.9.0.1', 'VIP-site']])
  actual.unrouted.add('10.9.0.1')

  expect(planChanges(['10.9.0.1'], announce, actual, noPorts)).toEqual({
    ...nothing,
    addAddresses: ['10.9.0.1'],
  })
  expect(planChanges(['10.9.0.1'], () => undefined, actual, noPorts).removeAddresses).toEqual(['10.9.0.1'])
})
