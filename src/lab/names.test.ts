import { expect, test } from 'vitest'
import { checkLabName, linkLocalOf, macOf, namespacesOfLab } from './names.ts'

test('derives the link-local address the kernel will choose', () => {
  expect(linkLocalOf('02:00:5e:10:00:01')).toBe('fe80::0:5eff:fe10:1')
})

test('gives an interface the same MAC every time, and another to every other', () => {
  expect(macOf('leaf1', 'eth1')).toBe(macOf('leaf1', 'eth1'))
  expect(macOf('leaf1', 'eth1')).not.toBe(macOf('leaf1', 'eth2'))
  expect(macOf('leaf1', 'eth1')).toMatch(/^02(:[0-9a-f]{2}){5}$/)
})

test('does not take the namespaces of a lab whose name begins alike', () => {
  const namespaces = ['weft-two-leaf1', 'weft-two-sites-leaf1', 'other']

  expect(namespacesOfLab('two', ['two', 'two-sites'], namespaces)).toEqual(['weft-two-leaf1'])
  expect(namespacesOfLab('two-sites', ['two', 'two-sites'], namespaces)).toEqual(['weft-two-sites-leaf1'])
})

test('refuses names that would not do as a path, a namespace and an FRR instance', () => {
  for (const name of ['', 'A', 'a.b', '../x', '-a', 'a'.repeat(33)])
    expect(() => checkLabName(name), name).toThrow(/cannot name a lab/)
})
