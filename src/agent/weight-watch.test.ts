import { expect, test } from 'vitest'
import type { FrrDaemon } from '../frr/daemon.ts'
import type { Decision } from './desired/decision.ts'
import { WeightWatch } from './weight-watch.ts'

/* bgpd is a table of answers here; what real routers pass on is tried in test/agent/weights.test.ts. */

const weight = 'LB:65201:375000 (3.000 Mbps)'

function decide(address: string, isWeighted = true): [string, Decision] {
  const base = { kind: 'announce', address, prefix: `${address}/32`, family: 'ipv4' } as const
  const weighted = isWeighted ? { weight: 3 } : {}
  return [address, { ...base, pool: 'web', scope: 'site', services: ['shop/web'], ...weighted }]
}

function fixture(unweighted: Set<string>) {
  const asked: string[] = []
  const show = async (command: string) => {
    const address = /unicast (\S+)\/32/.exec(command)?.[1] ?? ''
    asked.push(address)
    const own = { valid: true, peer: { peerId: '0.0.0.0' }, extendedCommunity: { string: weight } }
    const received = { valid: true, peer: { peerId: 'fe80::1', interface: 'uplink1', hostname: 'leaf1' } }
    const theirs = unweighted.has(address) ? {} : { extendedCommunity: { string: weight } }
    return JSON.stringify({ paths: [own, { ...received, ...theirs }] })
  }
  return { bgpd: { show } as unknown as FrrDaemon, asked }
}

test('finds a neighbor that passes an address on without a weight, and forgets it when that is over', async () => {
  const unweighted = new Set(['10.9.0.2'])
  const { bgpd } = fixture(unweighted)
  const decisions = new Map([decide('10.9.0.1'), decide('10.9.0.2'), decide('10.9.0.3', false)])
  const watch = new WeightWatch({ bgpd, decisions })

  await watch.look()
  expect([...watch.ignored]).toEqual([['10.9.0.2', ['leaf1']]])
  unweighted.clear()
  await watch.look()
  expect([...watch.ignored]).toEqual([])
  unweighted.add('10.9.0.1')
  await watch.look()
  decisions.delete('10.9.0.1')
  await watch.look()
  expect([...watch.ignored]).toEqual([])
})

test('asks for some at a time, and for all in turn', async () => {
  const { bgpd, asked } = fixture(new Set())
  const decisions = new Map(['10.9.0.1', '10.9.0.2', '10.9.0.3'].map((address) => decide(address)))
  const watch = new WeightWatch({ bgpd, decisions })

  for (let round = 0; round < 3; round++) await watch.look(2)
  expect(asked).toEqual(['10.9.0.1', '10.9.0.2', '10.9.0.3', '10.9.0.1', '10.9.0.2', '10.9.0.3'])
})

test('a bgpd that does not answer changes nothing and does no harm', async () => {
  const bgpd = { show: () => Promise.reject(new Error('gone')) } as unknown as FrrDaemon
  const watch = new WeightWatch({ bgpd, decisions: new Map([decide('10.9.0.1')]) })
  await watch.look()
  expect([...watch.ignored]).toEqual([])
})
