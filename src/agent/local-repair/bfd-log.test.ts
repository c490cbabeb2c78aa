import { expect, test } from 'vitest'
import { readBfdStateChange } from './bfd-log.ts'

/** As FRR 8.4.4 and 10.3 write them. */
const line = (change: string, interfaceName = 'eth1') =>
  `2026/11/23 00:18:55.728886 BFD: [SEY1D-NT8EQ] state-change: [mhop:no peer:fe80::1 local:fe80::2 vrf:default ifname:${interfaceName}] ${change}`

test('a session that was up and is not any more has gone down, whatever it is called next', () => {
  expect(readBfdStateChange(line('up -> down reason:control-expired'))).toEqual({
    interface: 'eth1',
    to: 'down',
  })
  expect(readBfdStateChange(line('up -> adm-down', 'eth2'))).toEqual({ interface: 'eth2', to: 'down' })
})

test('a session comes up from any state; between other states nothing happens', () => {
  expect(readBfdStateChange(line('init -> up'))).toEqual({ interface: 'eth1', to: 'up' })
  expect(readBfdStateChange(line('down -> init'))).toBeNull()
})

test('a session without an interface, and any other line, is not ours', () => {
  expect(
    readBfdStateChange('BFD: state-change: [mhop:yes peer:10.0.0.1 local:10.0.0.2 vrf:default] up -> down'),
  ).toBeNull()
  expect(readBfdStateChange('BFD: echo-packet')).toBeNull()
})
