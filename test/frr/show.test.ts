import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { FrrDaemon } from '../../src/frr/daemon.ts'
import { compareConfig } from '../../src/frr/running-config.ts'
import { readBfdCounters, readBfdPeers } from '../../src/frr/show-bfd.ts'
import { readBgpNeighbor, readBgpPrefix, readBgpSummary, readBgpTable } from '../../src/frr/show-bgp.ts'
import { readRunningConfig, readVersion } from '../../src/frr/show-daemon.ts'
import { readInterfaces, readRib } from '../../src/frr/show-zebra.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { createNamespaces, deleteNamespaces } from '../../src/linux/namespace.ts'
import { applySysctls } from '../../src/linux/sysctl.ts'
import { Router, routerSysctls } from './daemons.ts'

/* Two routers, two unnumbered links between them, BFD, both address families. */

/** The machine may be busy: waiting ends when the thing happens, not when the clock says so. */
const patient = { timeout: 10_000, interval: 5 }
const node = new Router('wff-node')
const leaf = new Router('wff-leaf')
const uplinks = ['up1', 'up2']
const downlinks = ['down1', 'down2']

const zebraConfig = (links: string[]) =>
  [
    'frr version 8.4',
    'frr defaults datacenter',
    'hostname router',
    'log file /dev/null',
    'no zebra nexthop kernel enable',
    'zebra work-queue 0',
    ...links.flatMap((link) => [
      `interface ${link}`,
      ' ipv6 nd ra-interval 1',
      ' no ipv6 nd suppress-ra',
      ' ipv6 nd ra-lifetime 0',
    ]),
    '',
  ].join('\n')

const bfddConfig = `frr version 8.4
frr defaults datacenter
bfd
 profile FABRIC
  detect-multiplier 3
  transmit-interval 100
  receive-interval 100
`

const bgpdConfig = (asn: number, routerId: string, links: string[]) => `frr version 8.4
frr defaults datacenter
hostname as${asn}
bgp route-map delay-timer 1
bgp as-path access-list OWN permit ^$
bgp large-community-list standard SITE permit ${asn}:1:1
ip prefix-list POOL permit 10.9.0.0/16 ge 32 le 32
ip prefix-list LOOPBACK permit 10.0.0.0/24 ge 32 le 32
ipv6 prefix-list LOOPBACK permit fd00::/64 ge 128
route-map VIP-site permit 10
 set large-community ${asn}:1:2 ${asn}:1:1 additive
route-map LOOPBACK permit 10
 match interface lo
 match ip address prefix-list LOOPBACK
route-map OUT permit 10
 match ip address prefix-list POOL
 set community 65000:3 graceful-shutdown 65000:1 additive
 set extcommunity bandwidth 3
route-map OUT permit 20
router bgp ${asn}
 bgp router-id ${routerId}
 bgp bestpath as-path multipath-relax
 bgp fast-convergence
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 timers bgp 1 3
 neighbor FABRIC peer-group
 neighbor FABRIC remote-as external
 neighbor FABRIC timers connect 1
 neighbor FABRIC advertisement-interval 0
 neighbor FABRIC bfd
 neighbor FABRIC bfd profile FABRIC
 neighbor FABRIC password secret
 neighbor FABRIC ttl-security hops 1
 neighbor FABRIC capability extended-nexthop
${links.map((link) => ` neighbor ${link} interface peer-group FABRIC`).join('\n')}
 address-family ipv4 unicast
  redistribute connected route-map LOOPBACK
  network 10.9.0.${asn % 100}/32 route-map VIP-site
  aggregate-address 10.9.0.0/24 summary-only
  neighbor FABRIC activate
  neighbor FABRIC soft-reconfiguration inbound
  neighbor FABRIC maximum-prefix 1000 80
  neighbor FABRIC route-map OUT out
  neighbor FABRIC send-community all
  maximum-paths 64
 exit-address-family
 address-family ipv6 unicast
  redistribute connected
  neighbor FABRIC activate
 exit-address-family
`

const files = {
  zebra: zebraConfig(downlinks),
  bfdd: bfddConfig,
  bgpd: bgpdConfig(65002, '10.0.0.2', downlinks),
}
let bgpd: FrrDaemon
let zebra: FrrDaemon
let bfdd: FrrDaemon

beforeAll(async () => {
  await createNamespaces([node.name, leaf.name])
  for (const router of [node, leaf]) await applySysctls(routerSysctls, { namespace: router.name })
  await applyIpBatch(
    uplinks.map(
      (up, index) =>
        `link add ${up} netns ${node.name} type veth peer name ${downlinks[index]} netns ${leaf.name}`,
    ),
  )
  for (const [router, links, id] of [
    [node, uplinks, 1],
    [leaf, downlinks, 2],
  ] as const) {
    await applyIpBatch(
      [
        ...['lo', ...links].map((link) => `link set ${link} up`),
        `addr add 10.0.0.${id}/32 dev lo`,
        `addr add fd00::${id}/128 dev lo`,
      ],
      { namespace: router.name },
    )
    await router.start('zebra', zebraConfig([...links]))
    await router.start('bfdd', bfddConfig)
    await router.start('bgpd', bgpdConfig(65000 + id, `10.0.0.${id}`, [...links]))
  }
  bgpd = leaf.connect('bgpd')
  zebra = leaf.connect('zebra')
  bfdd = leaf.connect('bfdd')
  const isUp = async () => {
    const sessions = (await readBgpSummary(bgpd))?.sessions ?? []
    const peers = await readBfdPeers(bfdd)
    return (
      sessions.filter((session) => session.isEstablished && session.prefixesReceived > 0).length === 4 &&
      peers.filter((peer) => peer.isUp).length === 2
    )
  }
  await vi.waitUntil(isUp, { timeout: 30_000, interval: 100 })
})

afterAll(async () => {
  for (const daemon of [bgpd, zebra, bfdd]) daemon?.close()
  await Promise.all([node.stop(), leaf.stop()])
  await deleteNamespaces([node.name, leaf.name])
})

test('reads sessions of both families', async () => {
  const summary = await readBgpSummary(bgpd)

  expect(summary).toMatchObject({ localAs: 65002, routerId: '10.0.0.2' })
  expect(summary?.sessions).toHaveLength(4)
  expect(summary?.sessions[0]).toMatchObject({
    neighbor: 'down1',
    family: 'ipv4',
    state: 'Established',
    remoteAs: 65001,
    hostname: 'as65001',
    timesDropped: 0,
  })
})

test('reads one neighbor, and nothing for an unknown one', async () => {
  const neighbor = await readBgpNeighbor(bgpd, 'down1')

  expect(neighbor).toMatchObject({
    isEstablished: true,
    address: expect.stringMatching(/^fe80::/),
    peerGroup: 'FABRIC',
    holdTimeMs: 3000,
    bfdStatus: expect.stringMatching(/^up$/i),
    families: { ipv4: { prefixesAccepted: expect.any(Number) } },
  })
  expect(await readBgpNeighbor(bgpd, 'down9')).toBeUndefined()
})

test('reads BFD sessions with the intervals in force, and their counters', async () => {
  const peers = await readBfdPeers(bfdd)
  const counters = await readBfdCounters(bfdd)

  expect(peers).toHaveLength(2)
  expect(peers[0]).toMatchObject({
    isUp: true,
    transmitIntervalMs: 100,
    detectMultiplier: 3,
    isMultihop: false,
  })
  expect(counters[0]).toMatchObject({ timesUp: 1, timesDown: 0 })
})

test('reads a multipath route in the BGP table, in detail and in the RIB', async () => {
  await expect
    .poll(
      async () =>
        (await readRib(zebra, 'ipv4')).find((route) => route.prefix === '10.0.0.1/32')?.nextHops.length,
      patient,
    )
    .toBe(2)

  const paths = (await readBgpTable(bgpd, 'ipv4')).get('10.0.0.1/32')
  const own = (await readBgpTable(bgpd, 'ipv4')).get('10.9.0.2/32')
  const detail = await readBgpPrefix(bgpd, 'ipv4', '10.9.0.2/32')
  const learned = await readBgpPrefix(bgpd, 'ipv4', '10.0.0.1/32')

  expect(paths?.filter((path) => path.isMultipath && path.isValid)).toHaveLength(2)
  expect(paths?.filter((path) => path.isBest)).toHaveLength(1)
  expect(paths?.[0]).toMatchObject({ asPath: '65001', nextHops: [{ isUsed: true }] })
  expect(own?.[0]).toMatchObject({ peer: '', asPath: '' })
  expect(detail[0]).toMatchObject({ largeCommunities: ['65002:1:1', '65002:1:2'], peer: '', asPath: '' })
  expect(learned.map((path) => path.interface).toSorted()).toEqual(downlinks)
  expect(await readBgpPrefix(bgpd, 'ipv4', '192.0.2.1/32')).toEqual([])
  expect((await readBgpTable(bgpd, 'ipv6')).has('fd00::1/128')).toBe(true)
})

test('reads interfaces and the release', async () => {
  const interfaces = await readInterfaces(zebra)

  expect(interfaces.find((entry) => entry.name === 'lo')?.addresses).toContain('10.0.0.2/32')
  expect(interfaces.find((entry) => entry.name === 'down1')).toMatchObject({ isUp: true, vrf: 'default' })
  expect((await readVersion(bgpd)).major).toBeGreaterThanOrEqual(8)
})

describe('reading back what was loaded', () => {
  test.each(['zebra', 'bfdd', 'bgpd'] as const)('%s runs exactly its file', async (name) => {
    const running = await readRunningConfig({ zebra, bfdd, bgpd }[name])

    expect(compareConfig(files[name], running)).toEqual({ missing: [], unexpected: [] })
  })

  test('a line FRR does not know shows as missing', async () => {
    const running = await readRunningConfig(bgpd)

    expect(compareConfig(files.bgpd.replace('maximum-paths 64', 'maximum-path 64'), running)).toEqual({
      missing: ['router bgp 65002 / address-family ipv4 unicast / maximum-path 64'],
      unexpected: ['router bgp 65002 / address-family ipv4 unicast / maximum-paths 64'],
    })
  })
})
