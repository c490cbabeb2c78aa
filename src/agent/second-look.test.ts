import { expect, test } from 'vitest'
import type { ActualState } from './actual.ts'
import { takeOver } from './second-look.ts'

function state(addresses: string[], networks: [string, string][]): ActualState {
  return {
    addresses: new Set(addresses),
    localRoutes: new Set(),
    unrouted: new Set(),
    networks: new Map(networks),
    instance: 'router bgp',
    asn: 65001,
    routeMaps: new Set(['VIP-site']),
    guard: undefined,
    hasImportCheck: false,
    hasRouterId: true,
  }
}

test('of what changed meanwhile the outcome is known; of all else the reading is', () => {
  const known = state(
    ['10.9.0.1', '10.9.0.2'],
    [
      ['10.9.0.1', 'VIP-site'],
      ['10.9.0.2', 'VIP-site'],
    ],
  )
  // Read while 10.9.0.2 was not there yet and 10.9.0.3 still was; 10.9.0.1 was taken away by somebody else.
  const read = state(['10.9.0.3'], [['10.9.0.3', 'VIP-site']])

  const now = takeOver(read, known, new Set(['10.9.0.2', '10.9.0.3']))

  expect([...now.addresses]).toEqual(['10.9.0.2'])
  expect([...now.networks]).toEqual([['10.9.0.2', 'VIP-site']])
})
