import { expect, test } from 'vitest'
import { judgeConfigs } from './judge-configs.ts'

function judge(a: string, b: string) {
  const config = (name: string, asn: number, extra: string) =>
    `frr version 8.4\nfrr defaults datacenter\nhostname ${name}\nrouter bgp ${asn}\n neighbor eth0 interface remote-as external\n${extra}`
  const files = [
    { path: 'a.conf', text: config('a', 65_001, a) },
    { path: 'b.conf', text: config('b', 65_002, b) },
    { path: 'links', text: 'a eth0 -- b eth0' },
  ]
  const { findings, verdict } = judgeConfigs(files)
  return { verdict, found: findings.map(({ router, line, message }) => `${router}:${line} ${message}`) }
}

test('a restart that may take longer than the neighbour remembers is found, at its line', () => {
  expect(
    judge(
      ' bgp graceful-restart\n bgp graceful-restart restart-time 120\n',
      ' bgp graceful-restart stalepath-time 30\n',
    ),
  ).toEqual({
    verdict: 'violated',
    found: [
      'a:7 it may take up to 120 s, and b keeps its stale routes for 30 s: up to 90 s without routes at a restart',
    ],
  })
})

test('waiting for End-of-RIB longer than the other end remembers is found where both restart', () => {
  const both = ' bgp graceful-restart\n bgp graceful-restart restart-time 20\n'
  const old = `${both} bgp graceful-restart stalepath-time 30\n bgp graceful-restart select-defer-time 10\n`
  const young = `${both} bgp graceful-restart select-defer-time 120\n`

  expect(judge(young, old).found).toEqual([
    'a:8 it waits for b before it announces, up to 120 s, and b keeps its stale routes for 30 s: up to 90 s without routes at a restart',
  ])
})

test('a helper that never restarts itself is not waited for, and the defaults of FRR fit', () => {
  expect(
    judge(
      ' bgp graceful-restart\n bgp graceful-restart restart-time 20\n bgp graceful-restart select-defer-time 120\n',
      ' bgp graceful-restart stalepath-time 30\n',
    ).verdict,
  ).toBe('ok')
  expect(judge(' bgp graceful-restart\n', ' bgp graceful-restart\n').verdict).toBe('ok')
})
