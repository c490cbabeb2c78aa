import { expect, test } from 'vitest'
import { createAddressPools } from './address-pools.ts'

const wish = { family: 'IPv4', ports: ['TCP/80'] } as const

test('an address is sticky, and one given back is not handed out next', () => {
  const pools = createAddressPools([{ name: 'edge', cidrs: ['192.0.2.0/30'] }])

  expect(pools.assign('a', wish)).toEqual({ address: '192.0.2.0', pool: 'edge' })
  expect(pools.assign('a', wish)).toEqual({ address: '192.0.2.0', pool: 'edge' })
  expect(pools.release('a')).toBe(true)
  expect(pools.assign('b', wish)).toEqual({ address: '192.0.2.1', pool: 'edge' })
})

test('goes from pool to pool in their order, and says which are exhausted', () => {
  const pools = createAddressPools([
    { name: 'one', cidrs: ['192.0.2.0/32'] },
    { name: 'two', cidrs: ['198.51.100.0/32', '2001:db8::/128'] },
  ])

  expect(pools.assign('a', { ...wish, pool: 'two' })).toEqual({ address: '198.51.100.0', pool: 'two' })
  expect(pools.assign('b', wish)).toEqual({ address: '192.0.2.0', pool: 'one' })
  expect(pools.assign('c', wish)).toEqual({
    refused:
      'no IPv4 address is free in one (192.0.2.0/32), two (198.51.100.0/32, 2001:db8::/128); ' +
      'widen a pool or delete Services that are not needed',
  })
  expect(pools.assign('c', { ...wish, family: 'IPv6' })).toEqual({ address: '2001:db8::', pool: 'two' })
  expect(pools.assign('d', { ...wish, pool: 'three' })).toEqual({
    refused: 'there is no pool "three"; there are: one, two',
  })
})

test('gives exactly the address asked for, or says who holds it', () => {
  const pools = createAddressPools([{ name: 'edge', cidrs: ['192.0.2.0/30'] }])

  expect(pools.assign('a', { ...wish, address: '192.0.2.2' })).toEqual({ address: '192.0.2.2', pool: 'edge' })
  expect(pools.assign('b', { ...wish, address: '192.0.2.2' })).toEqual({
    refused: '192.0.2.2 is held by a; both need the same weft.dev/shared-address to share it',
  })
  expect(pools.assign('b', { ...wish, address: '10.0.0.1' })).toEqual({
    refused: '10.0.0.1 lies in none of the pools edge (192.0.2.0/30)',
  })
})

test('an address asked for anew replaces the old one', () => {
  const pools = createAddressPools([{ name: 'edge', cidrs: ['192.0.2.0/30'] }])
  pools.assign('a', wish)

  expect(pools.assign('a', { ...wish, address: '192.0.2.3' })).toEqual({ address: '192.0.2.3', pool: 'edge' })
  expect(pools.assign('b', { ...wish, address: '192.0.2.0' })).toEqual({ address: '192.0.2.0', pool: 'edge' })
})

test('Services share an address only by the same key and with different ports', () => {
  const pools = createAddressPools([{ name: 'edge', cidrs: ['192.0.2.0/30'] }])
  const shared = { ...wish, sharingKey: 'k' }

  const first = pools.assign('a', shared)
  expect(pools.assign('b', { ...shared, ports: ['TCP/443'] })).toEqual(first)
  expect(pools.assign('c', shared)).toEqual({ address: '192.0.2.1', pool: 'edge' })
  expect(pools.assign('d', { ...wish, address: '192.0.2.0' })).toHaveProperty('refused')

  pools.release('a')
  expect(pools.assign('d', { ...wish, address: '192.0.2.0' })).toHaveProperty('refused')
  pools.release('b')
  expect(pools.assign('d', { ...wish, address: '192.0.2.0' })).toEqual({ address: '192.0.2.0', pool: 'edge' })
})

test('a Service that stops sharing keeps its address when it is alone on it', () => {
  const pools = createAddressPools([{ name: 'edge', cidrs: ['192.0.2.0/30'] }])
  pools.assign('a', { ...wish, sharingKey: 'k', address: '192.0.2.1' })

  expect(pools.assign('a', { ...wish, address: '192.0.2.1' })).toEqual({ address: '192.0.2.1', pool: 'edge' })
  expect(pools.assign('b', { ...wish, sharingKey: 'k', address: '192.0.2.1' })).toHaveProperty('refused')
})
