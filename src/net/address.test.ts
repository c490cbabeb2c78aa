import fc from 'fast-check'
import { Address4, Address6 } from 'ip-address'
import { expect, test } from 'vitest'
import { formatAddress, parseAddress } from './address.ts'

const v4 = fc.bigInt({ min: 0n, max: (1n << 32n) - 1n })
const v6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
/** Addresses with long runs of zero groups, where :: compression can go wrong. */
const sparseV6 = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((value, group) => (value << 16n) | group, 0n))

test('an IPv4 address survives printing and parsing', () => {
  fc.assert(
    fc.property(v4, (value) => {
      expect(parseAddress(formatAddress({ family: 4, value }))).toEqual({ family: 4, value })
    }),
  )
})

test('IPv6 text is the canonical one that an independent library prints', () => {
  fc.assert(
    fc.property(fc.oneof(v6, sparseV6), (value) => {
      const text = formatAddress({ family: 6, value })
      expect(text).toBe(Address6.fromBigInt(value).correctForm())
      expect(parseAddress(text)).toEqual({ family: 6, value })
    }),
  )
})

test('IPv4 numbers agree with an independent library', () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      expect(parseAddress(text)?.value).toBe(new Address4(text).bigInt())
    }),
  )
})

test.each(['010.0.0.1', '1.2.3', '1.2.3.256', '1.2.3.4.5', '', ' 1.2.3.4', '1.2.3.-4', '0x1.2.3.4'])(
  'refuses the IPv4 text %j, which looser parsers accept',
  (text) => expect(parseAddress(text)).toBeNull(),
)

test.each([
  '1::2::3',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '12345::',
  'fe80::1%eth0',
  '1:2:3:4:5:6:7::8:9',
  '1.2.3.4::',
])('refuses the IPv6 text %j', (text) => expect(parseAddress(text)).toBeNull())

test('an IPv4 tail is read in an IPv6 address', () => {
  expect(parseAddress('::ffff:10.0.0.1')?.value).toBe(0xffff0a000001n)
})
