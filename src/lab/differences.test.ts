import { expect, test } from 'vitest'
import type { BfdPeer } from '../frr/show-bfd.ts'
import type { BgpSession } from '../frr/show-bgp.ts'
import { compareBfd, compareRoutes, findDownSessions, findExtraSessions } from './differences.ts'
import type { PlannedDevice } from './planned.ts'

const planned: PlannedDevice = {
  device: 'leaf1',
  families: ['ipv4'],
  maximumPaths: 64,
  sessions: [
    {
      neighbor: 'eth1',
      interface: 'eth1',
      link: 'spine1--leaf1',
      peerDevice: 'spine1',
      families: ['ipv4'],
      hasBfd: true,
      maximumPrefixes: null,
    },
  ],
  routes: new Map([
    ['10.0.0.1/32', { isLocal: true, interfaces: [] }],
    ['10.0.0.2/32', { isLocal: false, interfaces: ['eth1', 'eth2'] }],
  ]),
}
const pools = [{ prefix: '10.9.0.0/24', scope: 'site' as const }]

function session(neighbor: string, state: string): BgpSession {
  return {
    neighbor,
    family: 'ipv4',
    state,
    isEstablished: state === 'Established',
    remoteAs: 1,
  } as BgpSession
}

const own = { isLocal: true, width: 0, asPath: '' }
const wide = { isLocal: false, width: 2, asPath: '1 2' }

test('finds sessions that are down, in either of two families or not configured at all', () => {
  const dual: PlannedDevice = {
    ...planned,
    sessions: [{ ...planned.sessions[0]!, families: ['ipv4', 'ipv6'] }],
  }

  expect(findDownSessions(planned, [session('eth1', 'Established')])).toEqual([])
  expect(findDownSessions(planned, [session('eth1', 'Active')])).toMatchObject([{ state: 'Active' }])
  expect(findDownSessions(planned, [])).toMatchObject([{ state: 'not configured' }])
  expect(findDownSessions(dual, [session('eth1', 'Established')])).toHaveLength(1)
})

test('finds sessions that nobody planned', () => {
  expect(findExtraSessions(planned, [session('eth1', 'Established'), session('eth9', 'Idle')])).toMatchObject(
    [{ subject: 'eth9', planned: 'no session' }],
  )
})

test('finds BFD sessions that are down, missing or not planned', () => {
  const peer = (name: string, isUp: boolean) =>
    ({ peer: 'fe80::1', interface: name, isUp, status: isUp ? 'up' : 'down', diagnostic: 'ok' }) as BfdPeer

  expect(compareBfd(planned, [peer('eth1', true)])).toEqual([])
  expect(compareBfd(planned, [peer('eth1', false)])).toMatchObject([{ actual: 'down (ok)' }])
  expect(compareBfd(planned, [])).toMatchObject([{ actual: 'no BFD session' }])
  expect(compareBfd(planned, [peer('eth1', true), peer('eth2', true)])).toMatchObject([
    { subject: 'eth2', planned: 'no BFD session' },
  ])
})

test('is content when BGP and the kernel hold what is planned', () => {
  const actual = new Map([
    ['10.0.0.1/32', own],
    ['10.0.0.2/32', wide],
  ])

  expect(compareRoutes(planned, actual, new Map([['10.0.0.2/32', ['eth1', 'eth2']]]), pools)).toEqual({
    differences: [],
    dynamic: 0,
  })
})

test('catches the kernel with fewer next hops than BGP believes in', () => {
  const actual = new Map([
    ['10.0.0.1/32', own],
    ['10.0.0.2/32', wide],
  ])

  expect(compareRoutes(planned, actual, new Map([['10.0.0.2/32', ['eth1']]]), pools).differences).toEqual([
    { device: 'leaf1', kind: 'kernel', subject: '10.0.0.2/32', planned: '2 next hops', actual: '1 next hop' },
  ])
})

test('catches a route over other interfaces than planned, unless maximum-paths leaves the choice to FRR', () => {
  const actual = new Map([
    ['10.0.0.1/32', own],
    ['10.0.0.2/32', wide],
  ])
  const kernel = new Map([['10.0.0.2/32', ['eth3', 'eth1']]])

  expect(compareRoutes(planned, actual, kernel, pools).differences).toMatchObject([
    { kind: 'kernel', subject: '10.0.0.2/32', planned: 'over eth1 eth2', actual: 'over eth1 eth3' },
  ])
  expect(compareRoutes({ ...planned, maximumPaths: 2 }, actual, kernel, pools).differences).toEqual([])
})

test('tells service addresses of agents from routes that should not be there', () => {
  const actual = new Map([
    ['10.0.0.1/32', own],
    ['10.0.0.2/32', wide],
    ['10.9.0.7/32', wide],
    ['10.9.0.0/25', wide],
    ['8.8.8.8/32', wide],
  ])

  const { differences, dynamic } = compareRoutes(planned, actual, null, pools)

  expect(dynamic).toBe(1)
  expect(differences.map(({ subject }) => subject)).toEqual(['10.9.0.0/25', '8.8.8.8/32'])
})
