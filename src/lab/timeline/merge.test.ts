import { expect, test } from 'vitest'
import type { Plan } from '../../plan/model.ts'
import { mergeEvents } from './merge.ts'

const plan = {
  devices: [],
  links: [
    {
      id: 'leaf1--n1',
      class: 'node',
      a: { device: 'leaf1', interface: 'eth3' },
      b: { device: 'n1', interface: 'eth1' },
    },
  ],
  sessions: [
    { a: { device: 'edge1', neighborAddress: '192.0.2.1' }, b: { device: 'isp', neighborAddress: null } },
  ],
} as unknown as Plan

const leaf = {
  device: 'leaf1',
  interfaces: new Map([[108, 'eth3']]),
  said: [
    { atMs: 1002, source: 'bgp' as const, subject: 'eth3', text: 'down: Waiting for NHT' },
    { atMs: 1060, source: 'rib' as const, subject: '10.0.0.1/32', text: '1 next hop' },
  ],
  kernel: [
    { kind: 'link' as const, namespace: 0, atMs: 1001, interface: 'eth3', isUp: false },
    { kind: 'link' as const, namespace: 0, atMs: 1001.5, interface: 'eth3', isUp: false },
    { kind: 'link' as const, namespace: 0, atMs: 1003, interface: 'weft-pod7', isUp: false },
    {
      kind: 'route' as const,
      namespace: 0,
      atMs: 1061,
      prefix: '10.0.0.1/32',
      isDeleted: false,
      interfaces: ['if108'],
    },
    {
      kind: 'route' as const,
      namespace: 0,
      atMs: 1062,
      prefix: '10.0.0.2/32',
      isDeleted: true,
      interfaces: ['if108'],
    },
  ],
}

test('puts everything on one clock, in the names of the plan, and says the same thing once', () => {
  const edge = {
    device: 'edge1',
    interfaces: new Map(),
    said: [{ atMs: 1001.2, source: 'bfd' as const, subject: '192.0.2.1', text: 'up' }],
    kernel: [],
  }
  const events = mergeEvents(plan, [leaf, edge], 1000)

  expect(
    events.map(({ atMs, device, source, subject, text }) => [atMs, device, source, subject, text]),
  ).toEqual([
    [1, 'leaf1', 'link', 'n1', 'down'],
    [expect.closeTo(1.2), 'edge1', 'bfd', 'isp', 'up'],
    [2, 'leaf1', 'bgp', 'n1', 'down: Waiting for NHT'],
    [60, 'leaf1', 'rib', '10.0.0.1/32', '1 next hop'],
    [61, 'leaf1', 'fib', '10.0.0.1/32', 'via n1'],
    [62, 'leaf1', 'fib', '10.0.0.2/32', 'withdrawn'],
  ])
})
