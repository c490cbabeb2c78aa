import { expect, test } from 'vitest'
import { readIptablesRules, readIpvsTable, readNftMap } from './kube-proxy-rules.ts'
import { coveredAddresses } from './port-key.ts'

test('nftables: the elements of the map', () => {
  const json = JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      {
        map: {
          name: 'service-ips',
          elem: [
            [{ concat: ['10.9.0.1', 'tcp', 80] }, { goto: { target: 'external-ABC' } }],
            [{ concat: ['fd09:0::1', 'udp', 53] }, { goto: { target: 'service-DEF' } }],
          ],
        },
      },
    ],
  })

  expect(readNftMap(json)).toEqual(new Set(['10.9.0.1 tcp 80', 'fd09::1 udp 53']))
  expect(readNftMap('{"nftables":[{"map":{"name":"service-ips"}}]}')).toEqual(new Set())
})

test('iptables: the rules of KUBE-SERVICES', () => {
  const text = `*nat
:KUBE-SERVICES - [0:0]
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y
-A KUBE-SERVICES -d 10.9.0.1/32 -p udp -m comment --comment "shop/web loadbalancer IP" -m udp --dport 53 -j KUBE-EXT-ABC
-A KUBE-SERVICES ! -d 127.0.0.0/8 -j KUBE-NODEPORTS
-A KUBE-SEP-X -d 10.9.0.2/32 -p tcp -m tcp --dport 80 -j DNAT
`

  expect(readIptablesRules(text)).toEqual(new Set(['10.96.0.1 tcp 443', '10.9.0.1 udp 53']))
})

test('IPVS: the table of the kernel', () => {
  const text = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A090001:0050 rr
  -> 0A010005:1F90      Masq    1      0          0
UDP  [fd09:0000:0000:0000:0000:0000:0000:0001]:0035 rr
`

  expect(readIpvsTable(text)).toEqual(new Set(['10.9.0.1 tcp 80', 'fd09::1 udp 53']))
})

test('an address counts once all its ports do, and one without ports never does', () => {
  const known = new Set(['10.9.0.1 tcp 80', '10.9.0.2 tcp 80', '10.9.0.2 udp 53'])
  const tcp = { protocol: 'TCP', port: 80 }
  const udp = { protocol: 'UDP', port: 53 }

  expect(
    coveredAddresses(
      [
        { address: '10.9.0.1', ports: [tcp, udp] },
        { address: '10.9.0.2', ports: [tcp, udp, { protocol: 'SCTP', port: 9 }] },
        { address: '10.9.0.3', ports: [] },
      ],
      known,
    ),
  ).toEqual(['10.9.0.2'])
})
