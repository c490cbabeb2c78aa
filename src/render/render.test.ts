import { expect, test } from 'vitest'
import type { Device } from '../plan/model.ts'
import { addDevice, connect, emptyPlan, fabricPlan } from './fixture.ts'
import { renderPlan } from './render.ts'

test('every device gets its files', () => {
  const plan = fabricPlan()

  const rendered = [...renderPlan(plan)]

  expect(rendered.map(({ device }) => device)).toEqual(plan.devices.map(({ name }) => name))
  expect(Object.keys(rendered[0]!.files)).toEqual([
    'frr.conf',
    'frr/zebra.conf',
    'frr/bgpd.conf',
    'frr/bfdd.conf',
    'vtysh.conf',
    'daemons',
    'sysctl.conf',
  ])
  expect(rendered[0]!.files.daemons).toContain('\nbgpd=yes\nbfdd=yes\n')
})

test('a site of 5,000 nodes renders device by device', () => {
  const plan = largePlan(125, 40)

  let bytes = 0
  for (const { files } of renderPlan(plan)) bytes += files['frr.conf']!.length

  expect(bytes).toBeGreaterThan(10_000_000)
})

function largePlan(racks: number, nodesPerRack: number) {
  const plan = emptyPlan()
  const add = (name: string, role: Device['role'], asn: number) =>
    addDevice(
      plan,
      name,
      role,
      asn,
      `10.${(plan.devices.length >> 16) & 255}.${(plan.devices.length >> 8) & 255}.${plan.devices.length & 255}`,
    )
  const spines = Array.from({ length: 8 }, (_, index) => add(`spine${index}`, 'spine', 65_000))
  for (let rack = 0; rack < racks; rack++) {
    const leaves = [0, 1].map((side) => add(`leaf${rack}-${side}`, 'leaf', 70_000 + 2 * rack + side))
    for (const leaf of leaves) {
      for (const spine of spines) {
        connect(plan, spine, leaf, {
          a: { group: 'LEAVES', import: 'dc1.FROM-BELOW', export: 'dc1.TO-BELOW' },
          b: { group: 'SPINES', import: 'dc1.FROM-ABOVE', export: 'dc1.TO-ABOVE' },
        })
      }
    }
    for (let index = 0; index < nodesPerRack; index++) {
      const node = add(`node${rack}-${index}`, 'node', 100_000 + rack * nodesPerRack + index)
      for (const leaf of leaves) {
        connect(plan, leaf, node, {
          class: 'node',
          a: {
            group: 'NODES',
            import: 'dc1.FROM-NODE',
            export: 'dc1.TO-NODE',
            accept: [{ prefix: node.loopbacks[0]! }],
            acceptAsPath: `^${node.asn}$`,
          },
          b: { group: 'TOR', import: 'dc1.FROM-LEAF', export: 'dc1.TO-LEAF' },
        })
      }
    }
  }
  return plan
}
