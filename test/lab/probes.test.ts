import { readFileSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadIntent } from '../../src/intent/load.ts'
import type { TrafficResult } from '../../src/lab/drills/result.ts'
import { healAll, injectFault } from '../../src/lab/faults/faults.ts'
import { namespaceOf } from '../../src/lab/names.ts'
import { pingMesh } from '../../src/lab/ping-mesh.ts'
import { HostCapture } from '../../src/lab/probe/host-capture.ts'
import { startTraffic, type TrafficSpec } from '../../src/lab/probe/traffic.ts'
import type { LabState } from '../../src/lab/state.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { explainOutage } from '../../src/lab/timeline/phases.ts'
import { startTimeline } from '../../src/lab/timeline/recorder.ts'
import { traceFlows } from '../../src/lab/trace.ts'
import { bringUp } from '../../src/lab/up.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { applyNft } from '../../src/linux/nft.ts'
import { nothing, planOf, remains, startWeft, weft } from './lab-fixture.ts'

/*
 * The meter against losses that are known: made with nft, for a time that is taken by the same clock.
 */

const lab = 'tprobes'
const [near, far] = ['dc1-compute1-n1', 'dc1-compute2-n1']
const farLink = `dc1-compute2-leaf1--${far}`
const port = 9000
let state: LabState

beforeAll(async () => {
  await takeDown(lab)
  const { intent } = loadIntent(
    `weft: v1
name: probes
frr: "8.4"
racks:
  compute: { leaves: 2, nodes: 1 }
sites:
  dc1:
    addresses:
      switches: 10.10.18.0/24
      nodes: 10.10.19.0/24
      pods: { pool: 10.10.20.0/24, perNode: 28 }
      services: { pool: 10.10.21.0/24, scope: site }
    fabric: { spines: 2, racks: { compute: 2 } }
expect:
  - reach: { from: dc1.nodes, to: dc1.nodes }
  - isolate: { from: dc1.nodes, to: dc1.switches }
`,
    { file: 'weft.yaml' },
  )
  if (intent === null) throw new Error('the intent does not load')
  state = (await bringUp(planOf(intent), { name: lab, kubernetes: false })).state
})
afterAll(async () => {
  await takeDown(lab)
  expect(await remains(lab)).toEqual(nothing)
})

const traffic = (more: Partial<TrafficSpec> = {}): TrafficSpec => ({
  name: 'between racks',
  from: near,
  to: far,
  protocol: 'udp',
  port,
  flows: 16,
  packetsPerSecond: 1600,
  ...more,
})

/** The edges of an event are seen when there is traffic around it. */
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

interface Bounds {
  least: number
  most: number
  startedAt: number
  endedAt: number
}

/** Has the far node do something to what it receives; how long it did lies between two bounds. */
async function withRule(rule: string, milliseconds: number): Promise<Bounds> {
  const namespace = namespaceOf(lab, far)
  const asked = Date.now()
  await applyNft(`table inet t {\nchain c {\ntype filter hook input priority 0;\n${rule}\n}\n}\n`, {
    namespace,
  })
  const done = Date.now()
  await wait(milliseconds)
  const askedBack = Date.now()
  await applyNft('delete table inet t\n', { namespace })
  const doneBack = Date.now()
  return { least: askedBack - done, most: doneBack - asked, startedAt: asked, endedAt: doneBack }
}

function worstOf(result: TrafficResult): TrafficResult['flows'][number] {
  return result.flows.reduce((worst, flow) => (flow.outageMs > worst.outageMs ? flow : worst))
}

test('a loss of known length is measured within the resolution that is stated', async () => {
  const run = await startTraffic(state, [traffic()])
  await wait(300)
  const { least, most, startedAt, endedAt } = await withRule(`udp dport ${port} drop`, 300)
  await wait(300)
  const [result] = await run.stop(startedAt, endedAt)
  if (result === undefined || run.voidedBecause !== null) return

  expect(result.flows).toHaveLength(16)
  for (const flow of result.flows) {
    expect(flow.outageMs).toBeGreaterThanOrEqual(least - result.resolutionMs - 1)
    expect(flow.outageMs).toBeLessThanOrEqual(most + result.resolutionMs + 1)
    expect(flow.gaps).toHaveLength(1)
    expect(flow.gaps[0]?.fromMs).toBeGreaterThanOrEqual(-result.resolutionMs - 1)
    expect([flow.reordered, flow.reset, flow.stalled]).toEqual([0, 0, 0])
  }
  expect(result.balance.before).toEqual([{ name: far, share: 1, ideal: 1 }])
  expect(result.balance.after).toEqual([{ name: far, share: 1, ideal: 1 }])
  expect(result.movedNeedlessly).toBe(0)
})

test('TCP connections that are refused are reset and come back; those that are cut off stand still and go on', async () => {
  const tcp = traffic({ protocol: 'tcp', flows: 8, packetsPerSecond: 400 })
  const http = traffic({ name: 'requests', protocol: 'http', flows: 4, packetsPerSecond: 40 })
  const run = await startTraffic(state, [tcp, http])
  await wait(300)
  const refused = await withRule(`tcp dport ${port} reject with tcp reset`, 200)
  await wait(500)
  const [resetTcp, resetHttp] = await run.stop(refused.startedAt, refused.endedAt)

  expect(resetTcp?.flows.every((flow) => flow.reset >= 1)).toBe(true)
  expect(worstOf(resetTcp as TrafficResult).outageMs).toBeGreaterThanOrEqual(refused.least)
  // Answers came again after it.
  expect(resetTcp?.balance.after.map(({ name }) => name)).toEqual([far])
  expect(resetHttp?.flows.some((flow) => flow.lost > 0)).toBe(true)

  const again = await startTraffic(state, [tcp])
  await wait(300)
  const dropped = await withRule(`tcp dport ${port} drop`, 300)
  await wait(1_500)
  const [stalled] = await again.stop(dropped.startedAt, dropped.endedAt)
  expect(stalled?.flows.every((flow) => flow.reset === 0 && flow.stalled >= 1 && flow.lost === 0)).toBe(true)
  expect(worstOf(stalled as TrafficResult).outageMs).toBeGreaterThanOrEqual(dropped.least)
})

test('the kernels’ hash foretells the path of every flow, and flows can be laid over any link', async () => {
  const trace = await traceFlows(state, near, far, { flows: 64, port: 33434 })

  // A flow that went elsewhere than foretold, or was lost, would be a difference.
  expect(trace.differences).toEqual([])
  expect([trace.flows, trace.paths.length, trace.isPlanned]).toEqual([64, 8, true])
  expect(trace.paths.reduce((sum, path) => sum + path.flows, 0)).toBe(64)
  expect(trace.hops.find(({ device }) => device === near)).toMatchObject({
    kernel: ['dc1-compute1-leaf1', 'dc1-compute1-leaf2'],
    planned: ['dc1-compute1-leaf1', 'dc1-compute1-leaf2'],
  })

  const run = await startTraffic(state, [
    traffic({ flows: 8, spread: 'cover', through: { links: [farLink], devices: ['dc1-spine2', near] } }),
  ])
  const [result] = await run.stop(Date.now())
  const passing = (device: string) => result?.flows.filter((flow) => flow.pathBefore.includes(device)).length
  expect(run.uncovered).toEqual([])
  expect(passing('dc1-spine2')).toBeGreaterThanOrEqual(2)
  expect(passing('dc1-compute2-leaf1')).toBeGreaterThanOrEqual(2)
  expect(result?.flows.every((flow) => flow.pathBefore.at(-1) === far)).toBe(true)
})

test('TCP takes the ways that are foretold as well, and can be laid over a device', async () => {
  const spines = ['dc1-spine1', 'dc1-spine2'].map((device) => ({
    device,
    capture: new HostCapture({
      namespace: namespaceOf(lab, device),
      protocol: 'tcp',
      filter: `dst port ${port}`,
    }),
  }))
  await Promise.all(spines.map(({ capture }) => capture.start()))
  const run = await startTraffic(state, [
    traffic({
      protocol: 'tcp',
      flows: 24,
      packetsPerSecond: 480,
      spread: 'cover',
      through: { devices: ['dc1-spine2'] },
    }),
  ])
  await wait(300)
  const [result] = await run.stop(Date.now())
  await Promise.all(spines.map(({ capture }) => capture.stop()))

  expect(run.uncovered).toEqual([])
  expect(result?.flows).toHaveLength(24)
  for (const { device, capture } of spines) {
    const seen = new Set(capture.packets().map(({ sourcePort }) => String(sourcePort)))
    const foretold = result?.flows.filter((flow) => flow.pathBefore.includes(device)).map(({ id }) => id)
    expect([...seen].toSorted()).toEqual(foretold?.toSorted())
    expect(seen.size).toBeGreaterThan(1)
  }
})

test('trace names the device that forwards otherwise than planned', async () => {
  const leaf = 'dc1-compute1-leaf1'
  const namespace = namespaceOf(lab, leaf)
  await applyIpBatch(['route add 10.10.19.2/32 dev eth1 via inet6 fe80::1 onlink metric 1'], { namespace })
  try {
    const { code, stdout } = await weft('lab', 'trace', near, far, '--flows', '8', '--name', lab)
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /^\d DIFFERENCES?\ndc1-compute1-leaf1: planned via dc1-spine1, dc1-spine2, kernel via dc1-spine1\n/,
    )
  } finally {
    await applyIpBatch(['route del 10.10.19.2/32 metric 1'], { namespace })
  }
})

test('the timeline of a silent cut: BFD, then BGP, then tables; and the outage is explained by it', async () => {
  const timeline = await startTimeline(state)
  const run = await startTraffic(state, [traffic({ spread: 'cover', through: { links: [farLink] } })])
  await wait(300)
  const zeroAt = Date.now()
  await injectFault(lab, { kind: 'silent', link: farLink })
  await expect
    .poll(
      async () =>
        (await traceFlows(state, near, far, { flows: 8, port: 33434 })).hops.find(
          ({ device }) => device === 'dc1-spine1',
        )?.kernel,
      {
        timeout: 20_000,
      },
    )
    .toEqual(['dc1-compute2-leaf2'])
  await wait(300)
  const [result] = await run.stop(zeroAt)
  const events = await timeline.stop(zeroAt)
  await healAll(lab)

  const first = (source: string, device: string, text: RegExp) =>
    events.find((event) => event.source === source && event.device === device && text.test(event.text))
  const leaf = 'dc1-compute2-leaf1'
  const bfd = first('bfd', leaf, /^down/)
  const bgp = first('bgp', leaf, /^down/)
  const fib = events.find(
    (event) => event.device === leaf && event.source === 'fib' && event.subject === '10.10.19.2/32',
  )
  const upstream = first('fib', 'dc1-spine1', /^via dc1-compute2-leaf2$/)
  expect(bfd?.subject).toBe(far)
  expect(bgp?.subject).toBe(far)
  const order = [bfd, bgp, fib, upstream].map((event) => event?.atMs ?? Number.NaN)
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  // 100 ms x 3, whose last packet came up to 100 ms before the cut; a busy machine adds to it.
  expect(order[0]).toBeGreaterThan(150)

  if (result === undefined || run.voidedBecause !== null) return
  const worst = worstOf(result)
  expect(worst.outageMs).toBeGreaterThan(150)
  const gap = worst.gaps.find(({ fromMs, toMs }) => toMs - fromMs === worst.outageMs)
  const phases = explainOutage(events, gap ?? { fromMs: 0, toMs: 0 }, ['10.10.19.1', '10.10.19.2'])
  expect(phases?.map(({ name }) => name)).toEqual(['detection', 'propagation', 'fib', 'rest'])
  expect(phases?.[0]?.toMs).toBeCloseTo(
    Math.min(
      ...[first('bfd', leaf, /^down/), first('bfd', far, /^down/)].map(
        (event) => event?.atMs ?? Number.POSITIVE_INFINITY,
      ),
    ),
    3,
  )
})

test('ping-mesh finds what is to be isolated and is not, and nothing wrong with what is planned', async () => {
  const planned = await pingMesh(state, { ofIntent: false, flows: 4 })
  expect(planned.violations).toEqual([])
  expect(planned.statements[0]).toMatchObject({ text: 'nodes → nodes', pairs: 2, arrived: 2 })

  const { code, stdout } = await weft('lab', 'ping-mesh', '--expect', '--name', lab)
  expect(code).toBe(1)
  const [summary, worst] = stdout.split('\n')
  expect(summary).toBe('12 VIOLATED')
  expect(worst).toBe(
    'isolate dc1.nodes → dc1.switches (expect.1): 4 of 4 packets from dc1-compute1-n1 came to 10.10.18.1 (dc1-spine1)',
  )
})

test('capture writes a pcap until Ctrl-C, and says what is wrong with a filter', async () => {
  const file = `/tmp/${lab}.pcap`
  const capture = startWeft('lab', 'capture', farLink, '-w', file, '--name', lab, 'udp port 3784')
  await capture.until(/Ctrl-C ends/)
  await expect.poll(() => sizeOf(file), { timeout: 10_000 }).toBeGreaterThan(500)
  process.kill(capture.pid, 'SIGINT')
  const { code } = await capture.ended
  const written = readFileSync(file)
  rmSync(file)

  expect(code).toBe(0)
  expect(capture.stderr()).toMatch(
    /packets at dc1-compute2-leaf1\/eth\d, towards dc1-compute2-n1[\s\S]*\d+ packets in /,
  )
  expect(written.readUInt32LE()).toBe(0xa1b2c3d4)

  const refused = await weft('lab', 'capture', farLink, '--name', lab, 'not', 'a', 'filter')
  expect(refused.code).toBe(2)
  expect(refused.stderr).toMatch(/WEFT_LAB_CAPTURE/)
})

function sizeOf(path: string): number {
  try {
    return readFileSync(path).length
  } catch {
    return 0
  }
}
