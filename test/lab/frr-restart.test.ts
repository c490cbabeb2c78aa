import { mkdir, rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { findObstacles } from '../../src/frr/hitless/preconditions.ts'
import { restartHitless } from '../../src/frr/hitless/restart.ts'
import { findService } from '../../src/frr/hitless/service.ts'
import { findDaemons, killDaemons } from '../../src/frr/hitless/target.ts'
import { ClusterApi } from '../../src/lab/cluster-api.ts'
import { healAll, injectFault } from '../../src/lab/faults/faults.ts'
import { awaitForwarding, awaitNextHops, readNextHops } from '../../src/lab/forwarding.ts'
import { findRestartTarget, restartFrr } from '../../src/lab/frr-restart.ts'
import { namespaceOf } from '../../src/lab/names.ts'
import type { FlowReport } from '../../src/lab/probe/flow-report.ts'
import { openProbe, type ProbeHost } from '../../src/lab/probe/probe-host.ts'
import type { LabState } from '../../src/lab/state.ts'
import { readStatus } from '../../src/lab/status.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { renderDevice } from '../../src/render/render.ts'
import { exampleIntent, planOf, weft } from './lab-fixture.ts'

/*
 * One rack, a Service with its only endpoint on the node whose FRR is restarted: whatever its leaves drop is lost, and
 * so is whatever the node's own kernel drops. Traffic runs both ways, to the Service and from the node outwards.
 */

const lab = 'tfrr'
const [node, other] = ['dc1-compute1-n1', 'dc1-compute1-n2'] as const
const leaves = ['dc1-compute1-leaf1', 'dc1-compute1-leaf2']
const vip = '10.10.21.9'
const prefix = `${vip}/32`
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

let state: LabState
let api: ClusterApi
const probes: ProbeHost[] = []

beforeAll(async () => {
  await takeDown(lab)
  state = (await bringUp(planOf(exampleIntent('one-rack')), { name: lab, underTest: ['node'] })).state
  api = new ClusterApi(lab, state.plan.clusters[0]!)
  await api.create('/api/v1/namespaces/default/pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'echo', labels: { app: 'echo' } },
    spec: {
      nodeName: node,
      containers: [{ name: 'echo', image: 'echo', ports: [{ containerPort: 8080, protocol: 'UDP' }] }],
    },
  })
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
  await awaitNextHops(lab, other, prefix, (hops) => hops.length === 2)
  for (const host of [node, other, ...leaves]) probes.push(openProbe(lab, host))
  await probes[1]!.echo('10.10.19.2', 9)
})
afterAll(async () => {
  api?.close()
  for (const probe of probes) probe.close()
  await takeDown(lab)
})

interface Traffic {
  /** From each leaf to the Service. */
  in: FlowReport[]
  /** From the node to the other node, over both leaves. */
  out: FlowReport
}

/** Runs an event under traffic to the Service and from the node outwards. */
async function underTraffic(event: () => Promise<unknown>): Promise<Traffic> {
  const [inside, , ...outside] = probes
  const rate = { flows: 8, packetsPerSecond: 400 }
  const inward = await Promise.all(
    outside.map((probe) => probe.startFlows({ destination: vip, port: 7, ...rate })),
  )
  const outward = await inside!.startFlows({
    source: '10.10.19.1',
    destination: '10.10.19.2',
    port: 9,
    ...rate,
  })
  await pause(500)
  await event()
  await pause(1_000)
  return { in: await Promise.all(inward.map((flows) => flows.stop())), out: await outward.stop() }
}

/** A machine that does not even let the senders send says nothing about losses: BFD suffers from it as well. */
function isJudged(traffic: Traffic): boolean {
  return [...traffic.in, traffic.out].every(({ voidedBecause }) => voidedBecause === null)
}

/** Lost packets, from the first leaf, from the second and from the node. */
function lossesOf(traffic: Traffic): number[] {
  return [...traffic.in, traffic.out].map(({ lost }) => lost)
}

async function untilAsPlanned(): Promise<void> {
  // A bgpd that has just been started may not even have its instance yet.
  const isAsPlanned = async () => (await readStatus(lab)).differences.length === 0
  await vi.waitUntil(() => isAsPlanned().catch(() => false), { timeout: 60_000, interval: 100 })
  await awaitNextHops(lab, other, prefix, (hops) => hops.length === 2)
}

/** Waits until no leaf forwards the Service to the node. */
async function untilDropped(since: number): Promise<number> {
  const look = async () => {
    const hops = await Promise.all(leaves.map((leaf) => readNextHops(lab, leaf, prefix)))
    return hops.every((list) => list.length === 0)
  }
  return (await awaitForwarding(lab, leaves, prefix, look, 60_000)) - since
}

test('restarting FRR on a node loses no packet, either way, three times in a row', async () => {
  const target = await findRestartTarget(state, node)
  expect(await findObstacles(target)).toEqual([])

  for (let round = 1; round <= 3; round++) {
    let report: Awaited<ReturnType<typeof restartFrr>> | undefined
    const flows = await underTraffic(async () => {
      report = await restartFrr(state, node)
    })

    const { awayMs, sessions, announced, routes } = report!
    const agentMs = announced.backMs! - awayMs
    console.log(
      `round ${round}: lost ${lossesOf(flows).join(', ')} (${flows.out.sent} sent out); ` +
        `bgpd away ${awayMs} ms, service address ${agentMs} ms later, sessions after ` +
        `${sessions.map(({ backMs }) => backMs).join(' and ')} ms; ${routes.narrowed.length} routes narrowed`,
    )
    if (isJudged(flows)) expect(lossesOf(flows)).toEqual([0, 0, 0])
    expect({ lost: routes.lost, missing: announced.missing }).toEqual({ lost: [], missing: [] })
    if (isJudged(flows)) expect(agentMs).toBeLessThan(1_000)
    await untilAsPlanned()
  }
})

test('the command says the same, and refuses where packets would be lost', async () => {
  const restarted = await weft('frr', 'restart', '--lab', lab, '--node', node, '-o', 'json')
  const refused = await weft('frr', 'restart', '--lab', lab, '--node', leaves[0]!)

  expect([restarted.code, JSON.parse(restarted.stdout).isHitless]).toEqual([0, true])
  expect([refused.code, refused.stderr.includes('WEFT_FRR_NOT_HITLESS')]).toEqual([1, true])
  await untilAsPlanned()
})

test('a node that loses its power is not held: BFD ends it as without graceful restart', async () => {
  const since = Date.now()
  await injectFault(lab, { kind: 'device', device: node, how: 'silent' })
  const ms = await untilDropped(since)
  await healAll(lab)

  console.log(`silent node: dropped after ${Math.round(ms)} ms`)
  // Far from the 30 s of a restart, however busy the machine is; a quiet one takes 0.4 s.
  expect(ms).toBeLessThan(5_000)
  await untilAsPlanned()
})

test('a bgpd that hangs is dropped when the hold time is over, as without graceful restart', async () => {
  const since = Date.now()
  await injectFault(lab, { kind: 'daemon', device: node, daemon: 'bgpd', how: 'stop' })
  const ms = await untilDropped(since)
  await healAll(lab)

  console.log(`bgpd stopped: dropped after ${Math.round(ms)} ms`)
  expect(ms).toBeLessThan(15_000)
  await untilAsPlanned()
})

test('daemons that stop in order are dropped at once', async () => {
  const since = Date.now()
  await injectFault(lab, { kind: 'daemon', device: node, daemon: 'frr', how: 'terminate' })
  const ms = await untilDropped(since)
  await healAll(lab)

  console.log(`FRR terminated: dropped after ${Math.round(ms)} ms`)
  expect(ms).toBeLessThan(5_000)
  await untilAsPlanned()
})

test('daemons that are killed and never return: the kernel forwards until leaves drop the node, 30 s later', async () => {
  const since = Date.now()
  const flows = await underTraffic(async () => {
    await injectFault(lab, { kind: 'daemon', device: node, daemon: 'frr', how: 'kill' })
    await pause(3_000)
  })
  const dropped = await untilDropped(since)
  await healAll(lab)

  if (isJudged(flows)) expect(lossesOf(flows)).toEqual([0, 0, 0])
  expect(dropped).toBeGreaterThan(25_000)
  expect(dropped).toBeLessThan(40_000)
  await untilAsPlanned()
})

test('an unexpected death of bgpd alone: leaves keep the node, and the node is without routes for a moment', async () => {
  const flows = await underTraffic(async () => {
    await injectFault(lab, { kind: 'daemon', device: node, daemon: 'bgpd', how: 'kill' })
    await pause(1_000)
    await healAll(lab)
    await untilAsPlanned()
  })

  console.log(
    `bgpd killed: lost ${lossesOf(flows).join(', ')}, out at most ${flows.out.worst.longestGapMs} ms`,
  )
  // What the leaves themselves get is not judged: their addresses have one way, which is there when its session is.
  if (isJudged(flows)) expect(flows.out.worst.longestGapMs).toBeLessThan(400)
})

test('FRR under its own watchfrr and frrinit.sh, with the rendered files, is restarted as well', async () => {
  const namespace = namespaceOf(lab, node)
  const directory = `/etc/frr/${namespace}`
  const device = state.plan.devices.find(({ name }) => name === node)!
  const { files } = renderDevice(state.plan, device)
  await mkdir(directory, { recursive: true })
  try {
    await writeFile(`${directory}/daemons`, files.daemons!)
    await writeFile(`${directory}/frr.conf`, files['frr.conf']!)
    await writeFile(`${directory}/vtysh.conf`, 'service integrated-vtysh-config\n')
    const service = await findService({ pathspace: namespace, namespace })
    const first = await underTraffic(() => restartHitless(service))
    await untilAsPlanned()
    const second = await underTraffic(() => restartHitless(service))

    await untilAsPlanned()
    const death = await underTraffic(async () => {
      const bgpd = (await findDaemons(service)).find(({ name }) => name === 'bgpd')!
      process.kill(bgpd.pid, 'SIGKILL')
      await vi.waitUntil(
        async () => (await findDaemons(service)).some(({ name, pid }) => name === 'bgpd' && pid !== bgpd.pid),
        { timeout: 30_000, interval: 50 },
      )
      await untilAsPlanned()
    })

    console.log(
      `watchfrr: lost ${lossesOf(death).join(', ')}, out at most ${death.out.worst.longestGapMs} ms`,
    )
    if (isJudged(death)) expect(death.out.worst.longestGapMs).toBeLessThan(400)
    console.log(`frrinit: lost ${lossesOf(first).join(', ')}, then ${lossesOf(second).join(', ')}`)
    const names = (await findDaemons(service)).map(({ name }) => name)
    expect([names[0], names.includes('bgpd')]).toEqual(['watchfrr', true])
    for (const flows of [first, second]) if (isJudged(flows)) expect(lossesOf(flows)).toEqual([0, 0, 0])
  } finally {
    const service = await findRestartTarget(state, node)
    await killDaemons(service, await findDaemons(service))
    await rm(directory, { recursive: true, force: true })
  }
})
