import { expect, test } from 'vitest'
import { createAddressPool } from './pod-addresses.ts'

test('a pod has the same place in every family', () => {
  const pool = createAddressPool(['10.1.2.0/26', 'fd00:1:2::/64'], [])

  expect(pool.take()).toEqual(['10.1.2.1', 'fd00:1:2::1'])
  expect(pool.take()).toEqual(['10.1.2.2', 'fd00:1:2::2'])
})

test('an address that was given back is used again last', () => {
  const pool = createAddressPool(['10.1.2.0/29'], [])
  const taken = [1, 2, 3].map(() => pool.take())

  pool.release(taken[0] ?? [])

  expect([1, 2, 3].flatMap(() => pool.take())).toEqual(['10.1.2.4', '10.1.2.5', '10.1.2.6'])
  expect(pool.take()).toEqual(['10.1.2.1'])
})

test('addresses of pods that run already are left alone', () => {
  const pool = createAddressPool(['10.1.2.0/26', 'fd00:1:2::/64'], ['10.1.2.7', 'fd00:1:2::7'])

  expect(pool.take()).toEqual(['10.1.2.8', 'fd00:1:2::8'])
})

test('a full prefix is an error that says so', () => {
  const pool = createAddressPool(['10.1.2.0/30'], [])
  pool.take()
  pool.take()

  expect(() => pool.take()).toThrow('all 2 of 10.1.2.0/30 are in use')
})
