import { afterAll, beforeAll, expect, test } from 'vitest'
import { healAll, injectFault } from '../../src/lab/faults/faults.ts'
import { awaitNextHops, readNextHops } from '../../src/lab/forwarding.ts'
import type { FlowReport } from '../../src/lab/probe/flow-report.ts'
import { ConformanceFabric, prober } from './fabric.ts'

/* Section D of docs/reference/conformance.md: what packets notice when links and routers fail. */

const address = '10.10.21.50'
const prefix = `${address}/32`
const [tor1, tor2] = ['dc1-rack1-leaf1', 'dc1-rack1-leaf2'] as const
let fabric: ConformanceFabric

beforeAll(async () => {
  fabric = await ConformanceFabric.up('conf-d')
  for (const node of ['n2', 'n3']) {
    await fabric.api.create('/api/v1/namespaces/default/pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `echo-${node}`, labels: { app: 'echo' } },
      spec: {
        nodeName: node,
        containers: [{ name: 'echo', image: 'echo', ports: [{ containerPort: 8080, protocol: 'UDP' }] }],
      },
    })
  }
  await fabric.createService('echo', {
    address,
    policy: 'Local',
    selector: { app: 'echo' },
    ports: [{ name: 'echo', port: 7, protocol: 'UDP' }],
  })
  await fabric.untilAnnouncers(address, ['n2', 'n3'])
  await awaitNextHops(fabric.lab, prober, prefix, (hops) => hops.length === 2)
})
afterAll(() => fabric.down())

/** Runs an event under 16 flows to the address. */
async function underTraffic(event: () => Promise<unknown>): Promise<FlowReport> {
  const run = await fabric.probe.startFlows({
    destination: address,
    port: 7,
    flows: 16,
    packetsPerSecond: 800,
  })
  await event()
  return await run.stop()
}

/** A machine that did not let the sender send has measured itself, not the fabric. */
function expectOutage(report: FlowReport, limitMs: number): void {
  if (report.voidedBecause === null) expect(report.worst.longestGapMs).toBeLessThan(limitMs)
  else console.log(`outage not judged: ${report.voidedBecause}`)
}

test('D1 with both uplinks up the spine has an equal path over each ToR, and flows use both nodes', async () => {
  expect(await readNextHops(fabric.lab, prober, prefix)).toHaveLength(2)

  const report = await underTraffic(() => new Promise((resolve) => setTimeout(resolve, 500)))

  expect(report.lost).toBe(0)
  expect(new Set(report.flows.flatMap((flow) => flow.answeredBy)).size).toBeGreaterThan(1)
})

test('D2 an uplink without carrier costs less than 200 ms, the other carries everything', async () => {
  const report = await underTraffic(async () => {
    await injectFault(fabric.lab, { kind: 'carrier', link: `${tor1}--n2` })
    await awaitNextHops(fabric.lab, tor1, prefix, (hops) => hops.length === 1)
  })
  await healAll(fabric.lab)
  await fabric.untilAsPlanned()

  expectOutage(report, 200)
})

test('D3 a silent uplink is given up by BFD, long before the hold time', async () => {
  const report = await underTraffic(async () => {
    await injectFault(fabric.lab, { kind: 'silent', link: `${tor1}--n2` })
    await awaitNextHops(fabric.lab, tor1, prefix, (hops) => hops.length === 1)
  })
  await healAll(fabric.lab)
  await fabric.untilAsPlanned()

  expectOutage(report, 600)
})

test('D7 IPv4 routes go over IPv6 next hops of unnumbered links, both ways', async () => {
  for (const device of [tor1, 'n2']) {
    const hops = await readNextHops(fabric.lab, device, device === 'n2' ? '10.10.19.3/32' : '10.10.19.2/32')
    expect(hops.length).toBeGreaterThan(0)
    // Without kernel next-hop objects FRR writes the neighbour as 169.254.0.1 with a permanent entry.
    for (const { gateway } of hops) expect(gateway).toMatch(/^(fe80:|169\.254\.0\.1$)/)
  }
})

test('D4 a ToR that dies leaves two next hops on the other, and flows survive on it', async () => {
  const report = await underTraffic(async () => {
    await injectFault(fabric.lab, { kind: 'device', device: tor1, how: 'power' })
    await awaitNextHops(fabric.lab, prober, prefix, (hops) => hops.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 500))
  })

  expect(await readNextHops(fabric.lab, tor2, prefix)).toHaveLength(2)
  expectOutage(report, 700)
  const after = await underTraffic(() => new Promise((resolve) => setTimeout(resolve, 500)))
  expect(after.lost).toBe(0)
})
