import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WhyReport } from '../../src/cli/why-report.ts'
import { FrrDaemon } from '../../src/frr/daemon.ts'
import { ClusterApi } from '../../src/lab/cluster-api.ts'
import { awaitNextHops } from '../../src/lab/forwarding.ts'
import { namespaceOf } from '../../src/lab/names.ts'
import type { LabState } from '../../src/lab/state.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { exampleIntent, planOf, weft } from '../lab/lab-fixture.ts'

/* What only a lab can tell: whether the leaves took what the nodes sent. */

const lab = 'twhy'
const vip = '10.10.21.9'
const node = 'dc1-compute1-n1'
const leaves = ['dc1-compute1-leaf1', 'dc1-compute1-leaf2'] as const
const patient = { timeout: 30_000, interval: 200 }
let state: LabState

beforeAll(async () => {
  await takeDown(lab)
  state = (await bringUp(planOf(exampleIntent('one-rack')), { name: lab, underTest: ['node'] })).state
  const api = new ClusterApi(lab, state.plan.clusters[0]!)
  await api.create('/api/v1/namespaces/default/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', annotations: { 'weft.dev/address': vip } },
    spec: { type: 'LoadBalancer', ports: [{ port: 80, targetPort: 8080 }] },
  })
  await api.create('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.10.20.2'], nodeName: node, conditions: { ready: true } }],
  })
  api.close()
  for (const leaf of leaves) await awaitNextHops(lab, leaf, `${vip}/32`, (hops) => hops.length === 2)
})
afterAll(() => takeDown(lab))

/** Has a leaf refuse the address from one node, as one does that was deployed from another plan; or take it again. */
async function refuse(leaf: string, isWanted: boolean): Promise<void> {
  const { interfaces, asn } = state.plan.devices.find(({ name }) => name === leaf)!
  const port = interfaces.find(({ peerDevice }) => peerDevice === node)!.name
  const bgpd = new FrrDaemon('bgpd', { pathspace: namespaceOf(lab, leaf) })
  const context = [`router bgp ${asn}`, 'address-family ipv4 unicast']
  const line = `neighbor ${port} prefix-list OTHERS in`
  await bgpd.configure([
    { context: [], line: `ip prefix-list OTHERS seq 5 deny ${vip}/32` },
    { context: [], line: 'ip prefix-list OTHERS seq 10 permit any' },
    { context, line: isWanted ? line : `neighbor ${port} prefix-list ACCEPT-${node} in` },
  ])
  await bgpd.show(`clear bgp ipv4 unicast ${port}`)
  bgpd.close()
}

async function why(...args: string[]): Promise<{ code: number | null; report: WhyReport }> {
  const { code, stdout, stderr } = await weft('why', 'web', '--lab', lab, '-o', 'json', ...args)
  if (stdout === '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) as WhyReport }
}

async function neighborCodes(): Promise<string[] | undefined> {
  const { report } = await why('--node', node)
  return report.addresses[0]?.nodes[0]?.neighbors.map(({ code }) => code)
}

test('both leaves have taken it from both nodes, and use it', async () => {
  const { code, report } = await why()

  expect(code).toBe(0)
  const neighbors = report.addresses[0]?.nodes.flatMap((each) => each.neighbors) ?? []
  expect(neighbors).toHaveLength(4)
  for (const neighbor of neighbors)
    expect(neighbor).toMatchObject({ code: 'accepted', text: 'accepted, in use' })
})

test('a leaf whose filter refuses it is named, and what to do; with the other one it still is announced', async () => {
  await refuse(leaves[0], true)
  await expect.poll(neighborCodes, patient).toEqual(['refused-by-neighbor', 'accepted'])

  const { code, stdout } = await weft('why', 'web', '--lab', lab)
  expect(code).toBe(0)
  expect(stdout).toContain(`refused-by-neighbor  on ${node}`)
  expect(stdout).toContain(`to ${leaves[0]}: sent, and ${leaves[0]} did not take it`)
  expect(stdout).toContain('mend: The neighbor’s import policy does not permit it: deploy node and leaf')
})

test('refused by all, it is announced nowhere from this node, and the exit code says so', async () => {
  await refuse(leaves[1], true)
  await expect.poll(neighborCodes, patient).toEqual(['refused-by-neighbor', 'refused-by-neighbor'])

  expect(await why('--node', node)).toMatchObject({ code: 1, report: { isAnnounced: false } })
  expect(await why()).toMatchObject({ code: 0, report: { isAnnounced: true } })

  for (const leaf of leaves) await refuse(leaf, false)
  await expect.poll(neighborCodes, patient).toEqual(['accepted', 'accepted'])
})
