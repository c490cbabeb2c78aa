import { expect, test } from 'vitest'
import { fabricPlan, findDevice } from '../fixture.ts'
import { kernelSettings } from './kernel-settings.ts'
import { printSysctlFile } from './sysctl-file.ts'

test.each([
  ['l3', '0'],
  ['l4', '1'],
  ['inner', '2'],
] as const)('ECMP by %s is hash policy %s in both families', (ecmpHash, policy) => {
  const plan = { ...fabricPlan(), ecmpHash }

  const settings = kernelSettings(plan, findDevice(plan, 'dc1-leaf1'))

  expect(settings['net.ipv4.fib_multipath_hash_policy']).toBe(policy)
  expect(settings['net.ipv6.fib_multipath_hash_policy']).toBe(policy)
})

test('each device hashes with a seed of its own', () => {
  const plan = fabricPlan()
  const seeds = plan.devices.map((device) => kernelSettings(plan, device)['net.ipv4.fib_multipath_hash_seed'])

  expect(new Set(seeds).size).toBe(plan.devices.length)
})

test('no advertisement gives the kernel a route, on any interface', () => {
  const plan = fabricPlan()
  const settings = Object.entries(kernelSettings(plan, findDevice(plan, 'dc1-a-n1')))

  expect(settings.filter(([key]) => /accept_ra(_defrtr)?$/.test(key))).toEqual([
    ['net.ipv6.conf.all.accept_ra', '0'],
    ['net.ipv6.conf.default.accept_ra', '0'],
    ['net.ipv6.conf.eth1.accept_ra', '0'],
    ['net.ipv6.conf.eth1.accept_ra_defrtr', '0'],
    ['net.ipv6.conf.eth2.accept_ra', '0'],
    ['net.ipv6.conf.eth2.accept_ra_defrtr', '0'],
  ])
})

test('only nodes keep quiet about addresses on lo', () => {
  const plan = fabricPlan()

  expect(kernelSettings(plan, findDevice(plan, 'dc1-a-n1'))).toHaveProperty(
    ['net.ipv4.conf.all.arp_ignore'],
    '1',
  )
  expect(kernelSettings(plan, findDevice(plan, 'dc1-leaf1'))).not.toHaveProperty([
    'net.ipv4.conf.all.arp_ignore',
  ])
})

test('a dot in an interface name does not become a step in the key', () => {
  const plan = fabricPlan()
  const device = findDevice(plan, 'dc1-a-n1')
  device.interfaces[0]!.name = 'bond0.100'
  plan.sessions.find(({ b }) => b.device === device.name)!.b.interface = 'bond0.100'

  expect(kernelSettings(plan, device)).toHaveProperty(['net.ipv6.conf.bond0/100.accept_ra'], '0')
})

test('a parameter that older kernels lack does not stop the others', () => {
  expect(
    printSysctlFile({ 'net.ipv4.ip_forward': '1', 'net.ipv4.fib_multipath_hash_seed': '7' }),
  ).toMatchInlineSnapshot(`
    "net.ipv4.ip_forward = 1
    -net.ipv4.fib_multipath_hash_seed = 7
    "
  `)
})
