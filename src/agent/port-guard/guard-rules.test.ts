import { expect, test } from 'vitest'
import { elementCommands, guardedPort, parseGuardTable } from './guard-rules.ts'

test('a new address is closed but for its ports in one transaction', () => {
  const edits = {
    rebuild: false,
    set: [
      { address: '10.9.0.1', before: [], ports: ['tcp . 80', 'udp . 53'] },
      { address: 'fd09::1', before: [], ports: ['tcp . 80'] },
    ],
    remove: [],
  }

  expect(elementCommands(edits)).toEqual([
    'add element inet weft-guard ports4 { 10.9.0.1 . tcp . 80, 10.9.0.1 . udp . 53 }',
    'add element inet weft-guard vips4 { 10.9.0.1 }',
    'add element inet weft-guard ports6 { fd09::1 . tcp . 80 }',
    'add element inet weft-guard vips6 { fd09::1 }',
  ])
})

test('a change of ports touches the ports that changed', () => {
  const edits = {
    rebuild: false,
    set: [{ address: '10.9.0.1', before: ['tcp . 80', 'tcp . 81'], ports: ['tcp . 80', 'tcp . 82'] }],
    remove: [{ address: '10.9.0.2', before: ['tcp . 90'] }],
  }

  expect(elementCommands(edits)).toEqual([
    'add element inet weft-guard ports4 { 10.9.0.1 . tcp . 82 }',
    'add element inet weft-guard vips4 { 10.9.0.1 }',
    'delete element inet weft-guard ports4 { 10.9.0.1 . tcp . 81, 10.9.0.2 . tcp . 90 }',
    'delete element inet weft-guard vips4 { 10.9.0.2 }',
  ])
})

test('no table, and a table without its rules, is not intact', () => {
  expect(parseGuardTable([])).toEqual({ isIntact: false, ports: new Map() })
  const listing = [
    { set: { name: 'vips4', elem: ['10.9.0.1'] } },
    { set: { name: 'ports4', elem: [{ concat: ['10.9.0.1', 'tcp', 80] }] } },
  ]
  expect(parseGuardTable(listing)).toEqual({ isIntact: false, ports: new Map([['10.9.0.1', ['tcp . 80']]]) })
})

test('a port reads the same by name and by number of its protocol, and nothing else gets into a command', () => {
  expect(guardedPort(6, 80)).toBe('tcp . 80')
  expect(guardedPort('UDP', 53)).toBe('udp . 53')
  expect(guardedPort('tcp . 80 }; flush ruleset #', 80)).toBeUndefined()
  const listing = [
    { set: { name: 'vips6', elem: ['fd09::1'] } },
    { set: { name: 'ports6', elem: [{ concat: ['fd09::1', 6, 80] }] } },
  ]
  expect(parseGuardTable(listing).ports).toEqual(new Map([['fd09::1', ['tcp . 80']]]))
})
