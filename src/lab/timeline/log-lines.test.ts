import { expect, test } from 'vitest'
import { readAgentLog, readBfdLog, readBgpLog } from './log-lines.ts'

const at = Date.parse('2026-11-23T00:37:52.310') + 0.408

test('reads sessions and decisions out of a log of bgpd', () => {
  const log = `2026/11/23 00:37:52.310408 BGP: [PXVXG-TFNNT] %ADJCHANGE: neighbor eth3(dc1-compute1-n1) in vrf default Down BFD down received
2026/11/23 00:37:52.310408 BGP: [W83ZB-XCJWG] Processing EVPN MAC interface change on peer eth3
2026/11/23 00:37:52.310408 BGP: [G7K80-KF0HM] Tx route delete VRF 0 10.10.19.1/32
2026/11/23 00:37:52.310408 BGP: [V15FP-4CPVK] Tx route add VRF 0 10.10.19.1/32 metric 0 tag 0 count 2 nhg 0
2026/11/23 00:37:52.310408 BGP: [V15FP-4CPVK] Tx route add VRF 0 ::/0 metric 0 tag 0 count 1 nhg 0
2026/11/23 00:37:52.310408 BGP: [N9HHH-F8H1M] %ADJCHANGE: neighbor 192.0.2.1(Unknown) in vrf default Up
`
  const found = readBgpLog(log)
  expect(found[0]?.atMs).toBeCloseTo(at, 3)
  expect(found.map(({ source, subject, text }) => [source, subject, text])).toEqual([
    ['bgp', 'eth3', 'down: BFD down received'],
    ['rib', '10.10.19.1/32', 'withdrawn'],
    ['rib', '10.10.19.1/32', '2 next hops'],
    ['rib', '::/0', '1 next hop'],
    ['bgp', '192.0.2.1', 'up'],
  ])
})

test('reads sessions out of a log of bfdd, without the step on their way up', () => {
  const session = '[mhop:no peer:fe80::1 local:fe80::2 vrf:default ifname:eth3]'
  const log = `2026/11/23 00:37:52.310408 BFD: [SEY1D-NT8EQ] state-change: ${session} up -> down reason:control-expired
2026/11/23 00:37:52.310408 BFD: [J1C6V-VMRW5] state-change: ${session} down -> init
2026/11/23 00:37:52.310408 BFD: [J1C6V-VMRW5] state-change: ${session} init -> up
2026/11/23 00:37:52.310408 BFD: [J1C6V-VMRW5] state-change: [mhop:no peer:192.0.2.1 local:192.0.2.0 vrf:default] init -> up`

  expect(readBfdLog(log).map(({ subject, text }) => [subject, text])).toEqual([
    ['eth3', 'down: control-expired'],
    ['eth3', 'up'],
    ['192.0.2.1', 'up'],
  ])
})

test('leaves out times that are too coarse', () => {
  expect(readBgpLog('2026/11/23 00:37:52 BGP: [G7K80-KF0HM] Tx route delete VRF 0 10.10.19.1/32')).toEqual([])
})

test('reads what an agent did, and not what it only thought', () => {
  const log = [
    { level: 30, time: 1_700_000_000_123, msg: 'address withdrawn', address: '10.10.21.5', reason: 'no pod' },
    { level: 20, time: 1_700_000_000_124, msg: 'looked again' },
  ]
    .map((line) => JSON.stringify(line))
    .join('\n')

  expect(readAgentLog(`${log}\n{"level":30,"cut o`)).toEqual([
    { atMs: 1_700_000_000_123, source: 'agent', subject: '10.10.21.5', text: 'address withdrawn: no pod' },
  ])
})
