import { expect, test } from 'vitest'
import { readIptablesRules, readIpvsTable, readNftMap } from './kube-proxy-rules.ts'
import { coveredAddresses } from './port-key.ts'

/* nftables and iptables as kube-proxy 1.35.4 wrote them and nft 1.0.6 and iptables-save 1.8.9 printed them. */

test('nftables: the elements of the map', () => {
  const json =
    '{"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}}, {"map": {"family": "ip", "name": "service-ips", "table": "kube-proxy", "type": ["ipv4_addr", "inet_proto", "inet_service"], "handle": 51, "comment": "ClusterIP, ExternalIP and LoadBalancer IP traffic", "map": "verdict", "elem": [[{"concat": ["10.10.21.0", "tcp", 80]}, {"goto": {"target": "external-PFISGYVC-default/web/tcp/"}}], [{"concat": ["10.96.152.250", "tcp", 80]}, {"goto": {"target": "service-PFISGYVC-default/web/tcp/"}}], [{"concat": ["10.96.0.1", "tcp", 443]}, {"goto": {"target": "service-2QRHZV4L-default/kubernetes/tcp/https"}}]]}}]}'
  const json6 = json.replace('10.10.21.0', 'fd09:0::1').replace('"tcp", 80', '"udp", 53')

  expect(readNftMap(json)).toEqual(
    new Set(['10.10.21.0 tcp 80', '10.96.152.250 tcp 80', '10.96.0.1 tcp 443']),
  )
  expect(readNftMap(json6)).toContain('fd09::1 udp 53')
  expect(readNftMap('{"nftables":[{"map":{"name":"service-ips"}}]}')).toEqual(new Set())
})

test('iptables: the rules of KUBE-SERVICES', () => {
  const text = `*nat
:KUBE-NODEPORTS - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-LOLE4ISW44XBNF3G - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-NODEPORTS -d 127.0.0.0/8 -p tcp -m comment --comment "default/web" -m tcp --dport 30591 -m nfacct --nfacct-name  localhost_nps_accepted_pkts -j KUBE-EXT-LOLE4ISW44XBNF3G
-A KUBE-SEP-B4FNRTHLN2C5O2UW -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.10.20.65:8080
-A KUBE-SERVICES -d 10.96.243.234/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-LOLE4ISW44XBNF3G
-A KUBE-SERVICES -d 10.10.21.0/32 -p tcp -m comment --comment "default/web loadbalancer IP" -m tcp --dport 80 -j KUBE-EXT-LOLE4ISW44XBNF3G
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-LOLE4ISW44XBNF3G ! -s 10.10.20.64/26 -d 10.96.243.234/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
COMMIT
`

  expect(readIptablesRules(text)).toEqual(
    new Set(['10.96.243.234 tcp 80', '10.10.21.0 tcp 80', '10.96.0.1 tcp 443']),
  )
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
