import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { loadIntent } from '../../src/intent/load.ts'
import { ClusterApi } from '../../src/lab/cluster-api.ts'
import { awaitNextHops } from '../../src/lab/forwarding.ts'
import type { FlowReport } from '../../src/lab/probe/flow-report.ts'
import { openProbe, type ProbeHost } from '../../src/lab/probe/probe-host.ts'
import type { LabState } from '../../src/lab/state.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { planOf, weft } from './lab-fixture.ts'

/*
 * Nodes are drained by their own agents, as operators do it, while a client beyond the edge counts every packet. The
 * address has an endpoint on two nodes of one rack and on one of another: the first drain leaves announcers below the
 * same leaves, the second only some that are reached over the spines, and the third would leave none.
 */

const lab = 'agdrain'
const vip = '10.10.21.9'
const prefix = `${vip}/32`
const [first, second, third] = ['dc1-compute1-n1', 'dc1-compute1-n2', 'dc1-compute2-n1'] as const
const client = 'isp'
const patient = { timeout: 60_000, interval: 50 }

const site = {
  weft: 'v1',
  name: 'agent-drain',
  racks: { compute: { leaves: 2, nodes: 2 } },
  sites: {
    dc1: {
      addresses: {
        switches: '10.10.18.0/24',
        nodes: '10.10.19.0/24',
        pods: { pool: '10.10.20.0/24', perNode: 28 },
        services: { pool: '10.10.21.0/24', scope: 'edge' },
      },
      fabric: { spines: 2, racks: { compute: 2 }, borderLeaves: 1 },
      edge: { routers: 1, asn: 64512 },
    },
  },
  peers: { isp: { site: 'dc1', asn: 64999, link: '192.0.2.0/31', send: ['services'], receive: ['default'] } },
  clusters: { k8s: { site: 'dc1', controlPlane: ['dc1-compute2-n2'] } },
}

let state: LabState
let api: ClusterApi
let probe: ProbeHost

beforeAll(async () => {
  await takeDown(lab)
  const { intent, diagnostics } = loadIntent(JSON.stringify(site), { file: 'site' })
  if (intent === null) throw new Error(JSON.stringify(diagnostics))
  state = (await bringUp(planOf(intent), { name: lab, underTest: ['node'] })).state
  api = new ClusterApi(lab, state.plan.clusters[0]!)
  probe = openProbe(lab, client)
  for (const node of [first, second, third]) {
    await api.create('/api/v1/namespaces/default/pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `echo-${node}`, labels: { app: 'echo' } },
      spec: {
        nodeName: node,
        containers: [{ name: 'echo', image: 'echo', ports: [{ containerPort: 8080, protocol: 'UDP' }] }],
      },
    })
  }
  await api.create('/api/v1/namespaces/default/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'echo', annotations: { 'weft.dev/address': vip } },
    spec: {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      selector: { app: 'echo' },
      ports: [{ port: 7, targetPort: 8080, protocol: 'UDP' }],
    },
  })
  await untilReached()
})
afterAll(async () => {
  api?.close()
  probe?.close()
  await takeDown(lab)
})

/** Both nodes of the first rack are behind its leaves, the third node is behind the leaves of the second. */
async function untilReached(nodesBehind: [number, number] = [2, 1]): Promise<void> {
  for (const [rack, count] of nodesBehind.entries()) {
    for (const leaf of ['leaf1', 'leaf2'])
      await awaitNextHops(lab, `dc1-compute${rack + 1}-${leaf}`, prefix, (hops) => hops.length === count)
  }
  await awaitNextHops(lab, client, prefix, (hops) => hops.length > 0)
}

/** Runs an event under 32 flows from beyond the edge, with some traffic before and after it. */
async function underTraffic(event: () => Promise<unknown>): Promise<FlowReport> {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 500))
  const flows = await probe.startFlows({ destination: vip, port: 7, flows: 32, packetsPerSecond: 1600 })
  await pause()
  await event()
  await pause()
  return await flows.stop()
}

async function annotate(node: string, value: string | null): Promise<void> {
  await api.patch(`/api/v1/nodes/${node}`, { metadata: { annotations: { 'weft.dev/drain': value } } })
}

async function phaseOf(node: string): Promise<string | undefined> {
  const { stdout } = await weft('agent', 'status', '--lab', lab, '--node', node, '-o', 'json')
  return JSON.parse(stdout)[0]?.status?.drain?.phase
}

/** A pod answers with a text in which its node's name stands. */
function answerers(report: FlowReport): string[] {
  const told = JSON.stringify(report.flows)
  return [first, second, third].filter((node) => told.includes(node))
}

test('all three nodes answer before anything is drained', async () => {
  const report = await underTraffic(async () => {})

  expect(report.lost).toBe(0)
  expect(answerers(report)).toEqual([first, second, third])
})

test('by annotation, with another announcer below the same leaves: no packet is lost either way', async () => {
  const away = await underTraffic(async () => {
    await annotate(first, 'true')
    await vi.waitUntil(async () => (await phaseOf(first)) === 'drained', patient)
    await untilReached([1, 1])
  })
  const drained = await underTraffic(async () => {})
  const back = await underTraffic(async () => {
    await annotate(first, null)
    await untilReached()
  })

  console.log(`annotation: lost ${away.lost} of ${away.sent} away, ${back.lost} of ${back.sent} back`)
  expect([away.lost, drained.lost, back.lost]).toEqual([0, 0, 0])
  expect(answerers(drained)).toEqual([second, third])
})

test('by command one after the other, until the last announcers are in another rack: no packet is lost', async () => {
  const away = await underTraffic(async () => {
    for (const node of [first, second]) {
      const { code, stdout } = await weft('drain', 'node', node, '--lab', lab)
      expect([code, stdout]).toEqual([0, expect.stringContaining(`${node} is drained after`)])
    }
  })
  const drained = await underTraffic(async () => {})

  console.log(`command: lost ${away.lost} of ${away.sent} away`)
  expect([away.lost, drained.lost]).toEqual([0, 0])
  expect(answerers(drained)).toEqual([third])
})

test('the last announcer is not drained unless forced, and nothing is lost by the question', async () => {
  const report = await underTraffic(async () => {
    const { code, stderr } = await weft('drain', 'node', third, '--lab', lab)
    expect(code).toBe(1)
    expect(stderr).toContain(`nobody but ${third} is known to announce ${vip}`)
  })

  expect(report.lost).toBe(0)
  expect(await phaseOf(third)).toBe('serving')
})

test('forced, the address goes dark and the report says so; undrained, all come back without losing another packet', async () => {
  const forced = await weft('drain', 'node', third, '--lab', lab, '--force')
  expect(forced.stdout).toContain(`announced by nobody now: ${vip}`)
  await awaitNextHops(lab, client, prefix, (hops) => hops.length === 0)
  await weft('undrain', 'node', third, '--lab', lab)
  await awaitNextHops(lab, client, prefix, (hops) => hops.length > 0)

  const back = await underTraffic(async () => {
    for (const node of [first, second])
      expect((await weft('undrain', 'node', node, '--lab', lab)).code).toBe(0)
    await untilReached()
  })

  console.log(`undrain: lost ${back.lost} of ${back.sent}`)
  expect(back.lost).toBe(0)
  expect(answerers(back)).toEqual([first, second, third])
})
