import fc from 'fast-check'
import { expect, test } from 'vitest'
import { renderProxyRules } from './rules.ts'
import type { Backend, ProxiedPort } from './service-ports.ts'

const node = { nodeAddresses: ['10.0.0.2', 'fd00::2'], podCidrs: ['10.1.2.0/26', 'fd00:1:2::/64'] }

function port(more: Partial<ProxiedPort> = {}): ProxiedPort {
  return {
    service: 'shop/web',
    portName: '',
    family: 4,
    protocol: 'tcp',
    frontends: [{ address: '10.96.0.1', port: 80, reach: 'internal', localOnly: false }],
    anywhere: [
      { address: '10.1.1.1', port: 8080 },
      { address: '10.1.2.1', port: 8080 },
    ],
    local: [{ address: '10.1.2.1', port: 8080 }],
    hasClientAffinity: false,
    ...more,
  }
}

test('the rules of a Service with an internal and a Local external address', () => {
  const rules = renderProxyRules({
    ...node,
    ports: [
      port({
        frontends: [
          { address: '10.96.0.1', port: 80, reach: 'internal', localOnly: false },
          { address: '10.10.21.5', port: 80, reach: 'external', localOnly: true },
        ],
      }),
    ],
  })

  expect(rules).toMatchInlineSnapshot(`
    "table inet weft-proxy
    delete table inet weft-proxy
    table inet weft-proxy {
      map services-4 {
        type ipv4_addr . inet_proto . inet_service : verdict
        elements = { 10.96.0.1 . tcp . 80 : goto in/shop/web/tcp/80/ip4, 10.10.21.5 . tcp . 80 : goto ex-local/shop/web/tcp/80/ip4 }
      }
      map refused-4 {
        type ipv4_addr . inet_proto . inet_service : verdict
      }
      set to-itself-4 {
        type ipv4_addr . ipv4_addr
        elements = { 10.1.2.1 . 10.1.2.1 }
      }
      map services-6 {
        type ipv6_addr . inet_proto . inet_service : verdict
      }
      map refused-6 {
        type ipv6_addr . inet_proto . inet_service : verdict
      }
      set to-itself-6 {
        type ipv6_addr . ipv6_addr
      }
      chain refuse {
        meta l4proto tcp reject with tcp reset
        reject with icmpx port-unreachable
      }
      chain discard {
        drop
      }
      chain any/shop/web/tcp/80/ip4 {
        meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.1.1.1 . 8080, 1 : 10.1.2.1 . 8080 }
      }
      chain local/shop/web/tcp/80/ip4 {
        meta l4proto tcp dnat ip to numgen random mod 1 map { 0 : 10.1.2.1 . 8080 }
      }
      chain in/shop/web/tcp/80/ip4 {
        ip saddr != { 10.1.2.0/26 } meta mark set meta mark | 0x00004000
        goto any/shop/web/tcp/80/ip4
      }
      chain ex-local/shop/web/tcp/80/ip4 {
        ip saddr { 10.1.2.0/26 } goto any/shop/web/tcp/80/ip4
        fib saddr type local meta mark set meta mark | 0x00004000 goto any/shop/web/tcp/80/ip4
        goto local/shop/web/tcp/80/ip4
      }
      chain check-forwarded {
        type filter hook prerouting priority -110
        ct state new ip daddr . meta l4proto . th dport vmap @refused-4
        ct state new ip6 daddr . meta l4proto . th dport vmap @refused-6
      }
      chain check-own {
        type filter hook output priority -110
        ct state new ip daddr . meta l4proto . th dport vmap @refused-4
        ct state new ip6 daddr . meta l4proto . th dport vmap @refused-6
      }
      chain translate-forwarded {
        type nat hook prerouting priority -100
        ip daddr . meta l4proto . th dport vmap @services-4
        ip6 daddr . meta l4proto . th dport vmap @services-6
      }
      chain translate-own {
        type nat hook output priority -100
        ip daddr . meta l4proto . th dport vmap @services-4
        ip6 daddr . meta l4proto . th dport vmap @services-6
      }
      chain send-from-node {
        type nat hook postrouting priority 100
        meta nfproto ipv4 meta mark & 0x00004000 == 0x00004000 meta mark set meta mark & 0xffffbfff snat ip to 10.0.0.2 fully-random
        ct status dnat ip saddr . ip daddr @to-itself-4 snat ip to 10.0.0.2 fully-random
        meta nfproto ipv6 meta mark & 0x00004000 == 0x00004000 meta mark set meta mark & 0xffffbfff snat ip6 to fd00::2 fully-random
        ct status dnat ip6 saddr . ip6 daddr @to-itself-6 snat ip6 to fd00::2 fully-random
      }
    }
    "
  `)
})

test('without endpoints a client is refused; with endpoints elsewhere only, Local traffic is dropped', () => {
  const external = { address: '10.10.21.5', port: 80, reach: 'external', localOnly: true } as const
  const internal = { address: '10.96.0.1', port: 80, reach: 'internal', localOnly: true } as const

  const without = renderProxyRules({ ...node, ports: [port({ anywhere: [], local: [] })] })
  const elsewhere = renderProxyRules({
    ...node,
    ports: [port({ frontends: [internal, external], local: [] })],
  })

  expect(without).toContain('10.96.0.1 . tcp . 80 : goto refuse')
  expect(elsewhere).toContain('10.96.0.1 . tcp . 80 : goto discard')
  expect(chainOf(elsewhere, 'ex-local/shop/web/tcp/80/ip4')).toEqual([
    'ip saddr { 10.1.2.0/26 } goto any/shop/web/tcp/80/ip4',
    'fib saddr type local meta mark set meta mark | 0x00004000 goto any/shop/web/tcp/80/ip4',
    'drop',
  ])
})

test('clients of a Service with affinity are spread by their address', () => {
  const rules = renderProxyRules({ ...node, ports: [port({ hasClientAffinity: true })] })

  const [rule] = chainOf(rules, 'any/shop/web/tcp/80/ip4')
  expect(rule).toContain('dnat ip to jhash ip saddr mod 256')
  expect(rule).toContain('255 : 10.1.')
})

test('a node without a loopback of the family lets the kernel choose the source', () => {
  const rules = renderProxyRules({ ...node, nodeAddresses: ['10.0.0.2/32'], ports: [] })

  expect(rules).toContain('snat ip to 10.0.0.2 fully-random')
  expect(rules).toContain('meta mark & 0xffffbfff masquerade fully-random')
})

test('chain names stay below the kernel’s limit and apart from each other', () => {
  const long = (letter: string) => `${'n'.repeat(63)}/${'s'.repeat(62)}${letter}`
  const rules = renderProxyRules({
    ...node,
    ports: [
      port({ service: long('a') }),
      port({
        service: long('b'),
        frontends: [{ address: '10.96.0.2', port: 80, reach: 'internal', localOnly: false }],
      }),
    ],
  })

  const names = [...rules.matchAll(/^ {2}chain (\S+) \{$/gm)].map(([, name]) => name as string)
  expect(Math.max(...names.map((name) => name.length))).toBeLessThan(128)
  expect(new Set(names).size).toBe(names.length)
})

const backends = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 8 })
const ports = fc
  .uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 200 }), backends, isLocal: fc.boolean() }), {
    maxLength: 8,
    selector: ({ id }) => id,
  })
  .map((rows) =>
    rows.map(({ id, backends: numbers, isLocal }) => {
      const all: Backend[] = numbers.map((number) => ({ address: `10.1.2.${number}`, port: 8000 + id }))
      return port({
        service: `shop/s${id}`,
        frontends: [{ address: `10.96.0.${id}`, port: 80, reach: 'external', localOnly: isLocal }],
        anywhere: all,
        local: all.slice(0, 2),
      })
    }),
  )

test('each Service leads to all of its endpoints and to no other, and every chain that is gone to exists', () => {
  fc.assert(
    fc.property(ports, (all) => {
      const rules = renderProxyRules({ ...node, ports: all })
      const chains = new Set([...rules.matchAll(/^ {2}chain (\S+) \{$/gm)].map(([, name]) => name))

      for (const [, target] of rules.matchAll(/goto (\S+?)(?:,|$| )/gm)) expect(chains).toContain(target)
      for (const { service, anywhere } of all) {
        const rule = chainOf(rules, `any/${service}/tcp/80/ip4`).join()
        const targets = [...rule.matchAll(/\d+ : (\S+) \. (\d+)/g)].map(([, address, number]) => ({
          address,
          port: Number(number),
        }))
        expect(targets).toEqual(anywhere)
        if (anywhere.length > 0) expect(rule).toContain(`mod ${anywhere.length} map`)
      }
    }),
    { numRuns: 100 },
  )
})

function chainOf(rules: string, name: string): string[] {
  const lines = rules.split('\n')
  const start = lines.indexOf(`  chain ${name} {`)
  if (start < 0) return []
  return lines.slice(start + 1, lines.indexOf('  }', start)).map((line) => line.trim())
}
