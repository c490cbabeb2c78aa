import { expect, test } from 'vitest'
import { explain, loadClean, oneSite } from '../fixture.ts'

function peer(settings: string, edge = 'edge: { routers: 3, asn: 64512 }'): string {
  return oneSite(`peers:\n  isp: { site: dc1, ${settings} }`, edge)
}

test('a peer of a site without edge routers', () => {
  expect(explain(peer('asn: 64999', ''))).toMatchInlineSnapshot(`
    "weft.yaml:5:16 error WEFT_INTENT_EDGE_MISSING (peers.isp.site)
      isp attaches to dc1, which has no edge routers
          isp: { site: dc1, asn: 64999 }
                       ^^^
      expected: a site with edge routers
      hint: write edge: { routers: 2 } below sites.dc1"
  `)
})

test('a link prefix with too few addresses for the edge routers', () => {
  expect(explain(peer('asn: 64999, link: 192.0.2.0/30'))).toMatchInlineSnapshot(`
    "weft.yaml:6:39 error WEFT_INTENT_LINK_TOO_SMALL (peers.isp.link)
      192.0.2.0/30 has no room for a /31 for each of the 3 edge routers of dc1
          isp: { site: dc1, asn: 64999, link: 192.0.2.0/30 }
                                              ^^^^^^^^^^^^
      found:    192.0.2.0/30
      expected: a /29 or shorter
      hint: ask the peer for a /29, or write link: unnumbered"
  `)
  expect(loadClean(peer('asn: 64999, link: 192.0.2.0/29')).peers).toHaveLength(1)
  expect(loadClean(peer('asn: 64999, link: 192.0.2.0/31', 'edge: { routers: 1 }')).peers).toHaveLength(1)
  expect(explain(peer('asn: 64999, link: [192.0.2.0/29, "fd00:9::/127"]'))).toContain('a /125 or shorter')
})

test('an AS number of a peer that is one of ours', () => {
  expect(explain(peer('asn: 4200000001'))).toMatchInlineSnapshot(`
    "weft.yaml:6:26 error WEFT_INTENT_ASN_CONFLICT (peers.isp.asn)
      AS 4200000001 of isp lies in the range for our own devices, 4200000000-4294967294
          isp: { site: dc1, asn: 4200000001 }
                                 ^^^^^^^^^^
      found:    4200000001
      expected: an AS number outside 4200000000-4294967294
      hint: routes of a device with the same number would be dropped as loops: narrow bgp.asn"
  `)
  expect(explain(peer('asn: 64512'))).toContain('also the AS of the edge routers of dc1')
})

test('a password whose environment variable is missing or unusable', () => {
  const text = peer('asn: 64999, password: { env: ISP_MD5 }')

  expect(explain(text)).toMatchInlineSnapshot(`
    "weft.yaml:6:50 error WEFT_INTENT_PASSWORD_ENV (peers.isp.password.env)
      the environment variable ISP_MD5 is not set
          isp: { site: dc1, asn: 64999, password: { env: ISP_MD5 } }
                                                         ^^^^^^^
      expected: a password of 1 to 80 characters without spaces
      hint: export ISP_MD5=… before you run weft"
  `)
  expect(explain(text, { ISP_MD5: 'two words' })).toContain('does not hold a usable password')
  expect(loadClean(text, { ISP_MD5: 'secret' }).peers[0]!.password).toBe('secret')
})

test('a prefix of our own that a peer may announce; a wider one is no threat', () => {
  expect(explain(peer('asn: 64999, receive: [10.1.3.128/25]'))).toMatchInlineSnapshot(`
    "weft.yaml:6:33 error WEFT_INTENT_PREFIX_OVERLAP (peers.isp.receive)
      isp may announce 10.1.3.128/25, which lies in services of dc1
          isp: { site: dc1, asn: 64999, receive: [10.1.3.128/25] }
                                        ^^^^^^^
      found:    10.1.3.128/25
      expected: prefixes of the peer, outside our own segments
      hint: what is ours is never accepted from outside: it would draw our own traffic out"
  `)
  expect(loadClean(peer('asn: 64999, receive: [10.0.0.0/8]')).peers[0]!.receive).toHaveLength(1)
})
