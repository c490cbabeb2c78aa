import { expect, test } from 'vitest'
import { configObstacles } from './preconditions.ts'

const config = (...lines: string[]) =>
  ['router bgp 65001', ...lines.map((line) => ` ${line}`), 'exit'].join('\n')
const family = (...lines: string[]) => [
  'address-family ipv4 unicast',
  ...lines.map((line) => ` ${line}`),
  'exit-address-family',
]
const grace = ['bgp graceful-restart', 'bgp graceful-restart preserve-fw-state']
const file = config(...grace, 'bgp graceful-restart disable-eor', ...family('network 10.0.0.1/32'))

function textsOf(running: string, startConfig: string): string[] {
  return configObstacles(running, startConfig).map(({ text }) => text)
}

test('what the agent puts back by itself is no obstacle: addresses, their route maps, a drain', () => {
  const running = config(
    ...grace,
    'bgp graceful-shutdown',
    ...family('network 10.0.0.1/32', 'network 10.9.0.7/32 route-map VIP-edge-w3'),
  )
  const routeMap = 'route-map VIP-edge-w3 permit 10\n set extcommunity bandwidth 3\nexit\n'

  expect(textsOf(routeMap + running, file)).toEqual([])
})

test('addresses that the file lacks need a bgpd that sends no End-of-RIB', () => {
  const running = config(
    ...grace,
    ...family('network 10.0.0.1/32', 'network 10.9.0.7/32', 'network fd09::7/128'),
  )
  const without = file.replace(' bgp graceful-restart disable-eor\n', '')

  expect(textsOf(running, without)).toEqual([expect.stringContaining('2 service addresses')])
})

test('a line that somebody typed and nobody wrote into the file would be gone', () => {
  const running = config(...grace, 'bgp always-compare-med', ...family('network 10.0.0.1/32'))

  expect(textsOf(running, file)).toEqual([expect.stringContaining('bgp always-compare-med')])
})

test('leaves keep routes only of a node that says its kernel forwards', () => {
  const running = config('bgp graceful-restart', ...family('network 10.0.0.1/32'))

  expect(textsOf(running, file)).toEqual([expect.stringContaining('kernel goes on forwarding')])
})
