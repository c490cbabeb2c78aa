import fc from 'fast-check'
import { expect, test } from 'vitest'
import { planChanges } from './apply.ts'
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

const nothing = { addAddresses: [], removeAddresses: [], addNetworks: [], removeNetworks: [] }

test('a new address gets both its place on lo and its statement', () => {
  const actual = { addresses: new Set<string>(), networks: new Map<string, string>() }

  expect(planChanges(['10.9.0.1'], announce, actual)).toEqual({
    ...nothing,
    addAddresses: ['10.9.0.1'],
    addNetworks: [{ address: '10.9.0.1', routeMap: 'VIP-site' }],
  })
})

test('a change of scope replaces the statement and leaves the address', () => {
  const actual = { addresses: new Set(['10.9.0.1']), networks: new Map([['10.9.0.1', 'VIP-site']]) }

  expect(planChanges(['10.9.0.1'], (address) => announce(address, 'edge'), actual)).toEqual({
    ...nothing,
    addNetworks: [{ address: '10.9.0.1', routeMap: 'VIP-edge' }],
  })
})

test('what nobody wants is taken away, also when only half of it is there', () => {
  const actual = {
    addresses: new Set(['10.9.0.1', '10.9.0.2']),
    networks: new Map([
      ['10.9.0.1', ''],
      ['10.9.0.3', ''],
    ]),
  }

  expect(planChanges(['10.9.0.1', '10.9.0.2', '10.9.0.3'], () => undefined, actual)).toEqual({
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
        const actual = { addresses: new Set(present), networks: new Map(Object.entries(statements)) }
        const decide = (candidate: string) => (wanted.includes(candidate) ? announce(candidate) : undefined)
        const everything = new Set([...wanted, ...actual.addresses, ...actual.networks.keys()])

        const changes = planChanges(everything, decide, actual)
        for (const added of changes.addAddresses) actual.addresses.add(added)
        for (const removed of changes.removeAddresses) actual.addresses.delete(removed)
        for (const { address: added, routeMap: map } of changes.addNetworks) actual.networks.set(added, map)
        for (const removed of changes.removeNetworks) actual.networks.delete(removed)

        expect(planChanges(everything, decide, actual)).toEqual(nothing)
        expect([...actual.addresses].toSorted()).toEqual(wanted.toSorted())
      },
    ),
  )
})
