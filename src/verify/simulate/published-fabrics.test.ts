import { expect, test } from 'vitest'
import { loadIntent } from '../../intent/load.ts'
import { emptyLock } from '../../plan/lock.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { judgeConfigs } from '../configs/judge-configs.ts'
import { ControlPlane } from './control-plane.ts'
import { nextHopsOf } from './forwarding.ts'
import { networkOfPlan } from './router-of-plan.ts'

/*
 * Fabrics that others published, with the numbers that their own documents give or that follow from them: sessions,
 * routes, ECMP widths. The configurations are written anew; designs and numbers are theirs.
 */

const widthOf = (plane: ControlPlane, router: string, prefix: string) => {
  const entry = plane.table(prefix).entries.get(router)
  return entry === undefined ? 0 : nextHopsOf(plane.routers.get(router)!, entry).length
}

/** Two spines of one AS, four leaves and two exits with an AS each, servers of one AS on pairs of leaves, all unnumbered. */
function dualAttachedBook({ spinesRelax = true, leavesRelax = false } = {}) {
  const header = 'frr version 8.4\nfrr defaults datacenter\n'
  const group = (ports: string[]) =>
    [
      'neighbor ISL peer-group',
      'neighbor ISL remote-as external',
      'neighbor ISL bfd',
      ...ports.map((port) => `neighbor ${port} interface peer-group ISL`),
      'address-family ipv4 unicast',
      'neighbor ISL activate',
      'redistribute connected route-map LOOPBACK',
      'exit-address-family',
      'route-map LOOPBACK permit 10',
      'match interface lo',
    ].join('\n')
  const relax = (wanted: boolean) => (wanted ? 'bgp bestpath as-path multipath-relax\n' : '')
  const router = (name: string, asn: number, address: string, ports: string[], relaxes: boolean) => ({
    path: `${name}.conf`,
    text: `${header}hostname ${name}\ninterface lo\nip address ${address}/32\nrouter bgp ${asn}\nbgp router-id ${address}\n${relax(relaxes)}${group(ports)}\n`,
  })
  const swp = (...numbers: number[]) => numbers.map((number) => `swp${number}`)
  const lower = ['leaf01', 'leaf02', 'leaf03', 'leaf04', 'exit01', 'exit02']
  const links = [
    ...lower.flatMap((name, index) =>
      [1, 2].map((spine) => `${name} swp${spine} spine0${spine} swp${index + 1}`),
    ),
    ...[1, 2, 3, 4].flatMap((server) => {
      const first = server <= 2 ? 1 : 3
      return [0, 1].map((n) => `server${server} eth${n + 1} leaf0${first + n} swp${server % 2 === 1 ? 5 : 6}`)
    }),
  ]
  return judgeConfigs([
    ...[1, 2].map((n) => router(`spine0${n}`, 65_000, `10.0.0.2${n}`, swp(1, 2, 3, 4, 5, 6), spinesRelax)),
    ...[1, 2, 3, 4].map((n) => router(`leaf0${n}`, 65_100 + n, `10.0.0.1${n}`, swp(1, 2, 5, 6), leavesRelax)),
    ...[1, 2].map((n) => router(`exit0${n}`, 65_200 + n, `10.0.0.10${n}`, swp(1, 2), leavesRelax)),
    ...[1, 2, 3, 4].map((n) => router(`server${n}`, 64_512, `10.0.1.${n}`, ['eth1', 'eth2'], true)),
    { path: 'links', text: links.join('\n') },
  ])
}

test('the book’s dual-attached fabric: 20 sessions; leaves use both spines, spines both leaves of a server', () => {
  const { verdict, sessions, plane } = dualAttachedBook()

  expect(verdict).toBe('ok')
  // 6 routers to 2 spines, 4 servers to 2 leaves.
  expect(sessions).toEqual({ configured: 2 * (12 + 8), up: 40 })
  // The paths of both spines begin with the same AS: equal even without multipath-relax.
  expect(widthOf(plane, 'leaf01', '10.0.0.14/32')).toBe(2)
  // Leaves have an AS each: spines need multipath-relax to use both, and have it.
  expect(widthOf(plane, 'spine01', '10.0.1.1/32')).toBe(2)
  expect(widthOf(plane, 'exit01', '10.0.1.1/32')).toBe(2)
})

test('the same without multipath-relax on the spines: half of the ways to a server are gone', () => {
  const { plane } = dualAttachedBook({ spinesRelax: false })

  expect(widthOf(plane, 'spine01', '10.0.1.1/32')).toBe(1)
  expect(widthOf(plane, 'leaf03', '10.0.1.1/32')).toBe(2)
})

test('servers that share an AS never learn each other’s loopbacks: hence the default route of that design', () => {
  const { plane } = dualAttachedBook()

  expect(widthOf(plane, 'server1', '10.0.1.4/32')).toBe(0)
  expect(widthOf(plane, 'server1', '10.0.0.14/32')).toBe(2)
})

/** RFC 7938 §5.2.2: ToRs of different clusters reuse AS numbers, so that 2-byte private ones last. */
function reusedNumbers(allowsOwn: boolean) {
  const tor = (cluster: number, n: number) => ({
    path: `t${cluster}${n}.conf`,
    text: [
      'frr version 8.4',
      'frr defaults datacenter',
      `hostname t${cluster}${n}`,
      `router bgp ${65_000 + n}`,
      'no bgp network import-check',
      ...[1, 2].map((up) => `neighbor m${cluster}${up} interface remote-as external`),
      'address-family ipv4 unicast',
      `network 10.${cluster}.${n}.0/24`,
      ...(allowsOwn ? [1, 2].map((up) => `neighbor m${cluster}${up} allowas-in 1`) : []),
    ].join('\n'),
  })
  const middle = (cluster: number, n: number) => ({
    path: `m${cluster}${n}.conf`,
    text: [
      'frr version 8.4',
      'frr defaults datacenter',
      `hostname m${cluster}${n}`,
      `router bgp ${64_600 + cluster}`,
      'bgp bestpath as-path multipath-relax',
      ...[1, 2].map((down) => `neighbor t${cluster}${down} interface remote-as external`),
      ...[1, 2].map((up) => `neighbor x${up} interface remote-as external`),
    ].join('\n'),
  })
  const top = (n: number) => ({
    path: `x${n}.conf`,
    text: [
      'frr version 8.4',
      'frr defaults datacenter',
      `hostname x${n}`,
      'router bgp 64500',
      'bgp bestpath as-path multipath-relax',
      ...[1, 2].flatMap((cluster) =>
        [1, 2].map((m) => `neighbor m${cluster}${m} interface remote-as external`),
      ),
    ].join('\n'),
  })
  const both = [1, 2]
  return judgeConfigs([
    ...both.flatMap((cluster) => both.map((n) => tor(cluster, n))),
    ...both.flatMap((cluster) => both.map((n) => middle(cluster, n))),
    ...both.map(top),
  ])
}

test('RFC 7938 §5.2.2: with reused ToR numbers a ToR does not learn its twin’s prefix unless it allows its own AS', () => {
  const strict = reusedNumbers(false)
  const relaxed = reusedNumbers(true)

  // 4 ToRs with 2 uplinks each, 4 in the middle with 2 each; interfaces named after the far router need no links file.
  expect(strict.sessions).toEqual({ configured: 2 * (8 + 8), up: 32 })
  expect(widthOf(strict.plane, 't11', '10.2.1.0/24')).toBe(0)
  expect(widthOf(strict.plane, 't12', '10.2.1.0/24')).toBe(2)
  expect(widthOf(relaxed.plane, 't11', '10.2.1.0/24')).toBe(2)
})

test('a fabric of pods and planes at published size: widths of 4 at the rack, of the plane’s spines above', () => {
  // 48 racks a pod with one switch each, 4 fabric switches a pod, one spine plane for each of them.
  const text = JSON.stringify({
    weft: 'v1',
    name: 'planes',
    racks: { rack: { leaves: 1, nodes: 1 } },
    sites: {
      dc1: {
        addresses: {
          switches: '10.0.0.0/22',
          nodes: '10.1.0.0/22',
          pods: { pool: '10.2.0.0/16', perNode: 26 },
          services: '10.3.0.0/22',
        },
        fabric: {
          spines: 4,
          pods: { p1: { racks: { rack: 48 } }, p2: { racks: { rack: 48 } } },
          superSpines: { planes: 4, perPlane: 12 },
        },
      },
    },
  })
  const { intent } = loadIntent(text, { file: 'planes' })
  const { plan, diagnostics } = planFabric(intent!, emptyLock)
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])

  const between = (...roles: string[]) =>
    plan!.sessions.filter(({ a, b }) => {
      const found = [a, b].map(({ device }) => plan!.devices.find(({ name }) => name === device)!.role)
      return roles.every((role) => found.includes(role as never))
    }).length
  expect(between('leaf', 'spine')).toBe(2 * 48 * 4)
  expect(between('spine', 'super-spine')).toBe(2 * 4 * 12)

  const plane = new ControlPlane(networkOfPlan(plan!, { pods: false }))
  const far = plan!.devices.find(({ pod, role }) => pod === 'p2' && role === 'node')!.loopbacks[0]!
  const inPod1 = (role: string) =>
    plan!.devices.find((device) => device.pod === 'p1' && device.role === role)!.name
  expect(widthOf(plane, inPod1('leaf'), far)).toBe(4)
  expect(widthOf(plane, inPod1('spine'), far)).toBe(12)
  const superSpine = plan!.devices.find(({ role }) => role === 'super-spine')!.name
  expect(widthOf(plane, superSpine, far)).toBe(1)
})
