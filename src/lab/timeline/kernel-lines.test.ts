import { expect, test } from 'vitest'
import { parseKernelLine } from './kernel-lines.ts'

const time = '[2026-11-23T00:37:52.310184]'

test('reads a link that lost its carrier', () => {
  const line = `${time} [nsid 2]109: eth1@if108: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN group default \\    link/ether 02:fe`
  expect(parseKernelLine(line)).toMatchObject({ kind: 'link', namespace: 2, interface: 'eth1', isUp: false })
  expect(parseKernelLine(line.replace('NO-CARRIER,', '').replace('UP>', 'UP,LOWER_UP>'))).toMatchObject({
    isUp: true,
  })
})

test('reads routes with one next hop, with several, and none any more', () => {
  const one = `${time} [nsid 6]10.10.19.1 via 169.254.0.1 dev if104 proto bgp metric 20 onlink `
  const two = `${time} [nsid 0]default proto bgp metric 20 \\\tnexthop via 169.254.0.1 dev if101 weight 1 onlink \\\tnexthop via 169.254.0.1 dev if103 weight 1 onlink `
  const none = `${time} [nsid 0]Deleted 10.10.19.1 via 169.254.0.1 dev eth3 proto bgp metric 20 dead onlink linkdown `

  expect(parseKernelLine(one)).toMatchObject({ namespace: 6, prefix: '10.10.19.1/32', interfaces: ['if104'] })
  expect(parseKernelLine(two)).toMatchObject({ prefix: '0.0.0.0/0', interfaces: ['if101', 'if103'] })
  expect(parseKernelLine(none)).toMatchObject({ prefix: '10.10.19.1/32', isDeleted: true })
})

test('passes over what the kernel does by itself', () => {
  for (const line of [
    `${time} [nsid 2]Deleted fe80::/64 dev eth1 proto kernel metric 256 pref medium`,
    `${time} [nsid 2]Deleted local fe80::fe:55ff:fe5e:ad8e dev eth1 table local proto kernel metric 0 pref medium`,
    `${time} [nsid 2]Deleted multicast ff00::/8 dev eth1 table local proto kernel metric 256 pref medium`,
    'Timestamp: nothing',
  ])
    expect(parseKernelLine(line)).toBeUndefined()
})
