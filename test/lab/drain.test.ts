import { afterAll, beforeAll, expect, test } from 'vitest'
import { FrrDaemon } from '../../src/frr/daemon.ts'
import { drainNode, undrainNode } from '../../src/lab/drain.ts'
import { readNextHops } from '../../src/lab/forwarding.ts'
import { namespaceOf } from '../../src/lab/names.ts'
import { openProbe, type ProbeHost } from '../../src/lab/probe/probe-host.ts'
import type { LabState } from '../../src/lab/state.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { exampleIntent, planOf } from './lab-fixture.ts'

/*
 * One service address on two nodes in different racks. Draining one of them is where a leaf and its spines could point
 * at each other: the leaf's only other way leads up.
 */

const lab = 'drain'
const vip = '10.10.21.9'
const prefix = `${vip}/32`
const announcers = ['dc1-compute1-n1', 'dc1-compute2-n1']
let state: LabState
const probes: ProbeHost[] = []

beforeAll(async () => {
  const intent = exampleIntent('two-sites')
  state = (await bringUp(planOf(intent), { name: lab, kubernetes: false })).state
  for (const node of announcers) {
    const namespace = namespaceOf(lab, node)
    await applyIpBatch([`addr add ${prefix} dev lo`], { namespace })
    const bgpd = new FrrDaemon('bgpd', { pathspace: namespace })
    const asn = state.plan.devices.find(({ name }) => name === node)!.asn
    await bgpd.configure([
      {
        context: [`router bgp ${asn}`, 'address-family ipv4 unicast'],
        line: `network ${prefix} route-map VIP-edge`,
      },
    ])
    bgpd.close()
    const probe = openProbe(lab, node)
    probes.push(probe)
    await probe.echo(vip, 7)
  }
  await undrainNode(state, announcers[0]!, prefix)
  await undrainNode(state, announcers[1]!, prefix)
})

afterAll(async () => {
  for (const probe of probes) probe.close()
  await takeDown(lab)
})

test('draining a node whose only twin is in another rack loses no packet, either way', async () => {
  const [drained] = announcers
  const client = openProbe(lab, 'dc1-edge1')
  probes.push(client)
  const flows = await client.startFlows({ destination: vip, port: 7, flows: 16, packetsPerSecond: 800 })

  // Traffic before and after the event, so that its edges are seen.
  await new Promise((resolve) => setTimeout(resolve, 500))
  await drainNode(state, drained!, prefix)
  const whileDrained = await readNextHops(lab, 'dc1-spine1', prefix)
  await undrainNode(state, drained!, prefix)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const report = await flows.stop()

  expect(whileDrained).toHaveLength(2)
  expect(await readNextHops(lab, 'dc1-spine1', prefix)).toHaveLength(4)
  expect([report.lost, report.sent > 500]).toEqual([0, true])
  expect(new Set(report.flows.flatMap((flow) => flow.answeredBy))).toEqual(new Set(announcers))
})
