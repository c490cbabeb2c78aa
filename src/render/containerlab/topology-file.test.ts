import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { fabricPlan } from '../fixture.ts'
import { printContainerlab, printStartScript } from './topology-file.ts'

interface Topology {
  name: string
  topology: {
    defaults: { image: string; 'network-mode': string }
    nodes: Record<string, { binds: string[]; exec: string[] }>
    links: { endpoints: [string, string] }[]
  }
}

const plan = fabricPlan()
const exported = parse(printContainerlab(plan, 'frr:test')) as Topology

test('every device is a container and every link a link, each interface once', () => {
  const ends = exported.topology.links.flatMap(({ endpoints }) => endpoints)

  expect(Object.keys(exported.topology.nodes)).toEqual(plan.devices.map(({ name }) => name))
  expect(exported.topology.links).toHaveLength(plan.links.length)
  expect(new Set(ends).size).toBe(ends.length)
  expect(ends.map((end) => end.split(':')[0]).every((name) => name! in exported.topology.nodes)).toBe(true)
})

test('no second way between devices', () => {
  expect(exported.topology.defaults).toEqual({ kind: 'linux', image: 'frr:test', 'network-mode': 'none' })
})

test('each container is given the files of its own folder', () => {
  for (const [name, { binds }] of Object.entries(exported.topology.nodes))
    expect(binds.every((bind) => bind.startsWith(`${name}/`))).toBe(true)
})

test('parameters are written as the kernel files them, and what old kernels lack may fail', () => {
  const node = plan.devices.find(({ role }) => role === 'node')!
  const script = printStartScript(plan, node)

  expect(script).toContain('echo 1 >/proc/sys/net/ipv4/ip_forward\n')
  expect(script).toMatch(/fib_multipath_hash_seed 2>\/dev\/null \|\| true/)
  expect(script).toContain(`ip route replace unreachable ${node.podCidrs[0]}`)
})
