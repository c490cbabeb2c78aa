import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compareConfig } from '../../src/frr/running-config.ts'
import { readRunningConfig } from '../../src/frr/show-daemon.ts'
import { loadIntent } from '../../src/intent/load.ts'
import { LabReader } from '../../src/lab/actual.ts'
import { applyPlan } from '../../src/lab/apply/apply.ts'
import { ClusterApi } from '../../src/lab/cluster-api.ts'
import { type Daemon, daemons } from '../../src/lab/daemons.ts'
import { setupDevices } from '../../src/lab/device-setup.ts'
import { healAll, injectFault } from '../../src/lab/faults/faults.ts'
import { pathsOf } from '../../src/lab/names.ts'
import { openProbe } from '../../src/lab/probe/probe-host.ts'
import { requireState } from '../../src/lab/state.ts'
import { readStatus } from '../../src/lab/status.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { listNamespaces } from '../../src/linux/namespace.ts'
import { emptyLock, type Lock } from '../../src/plan/lock.ts'
import type { Plan } from '../../src/plan/model.ts'
import { planFabric } from '../../src/plan/plan-fabric.ts'

/* A lab that becomes one plan after another while traffic flows, and is each time what a fresh one would be. */

const lab = 'tapply'
let lock: Lock = emptyLock
const plans = new Map<string, Plan>()

function intentOf(options: {
  racks?: number
  nodeRoutes?: string
  services?: string
  transmit?: string
}): string {
  const { racks = 1, nodeRoutes = 'full', services = '10.10.24.0/24', transmit = '100ms' } = options
  return JSON.stringify({
    weft: 'v1',
    name: 'apply',
    bgp: { nodeRoutes },
    bfd: { fabric: { transmit } },
    racks: { rack: { leaves: 2, nodes: 2 } },
    sites: {
      dc1: {
        addresses: {
          switches: '10.10.18.0/24',
          nodes: '10.10.19.0/24',
          pods: { pool: '10.10.20.0/22', perNode: 28 },
          services,
        },
        fabric: { spines: 2, racks: { rack: racks } },
      },
    },
    clusters: { k8s: { site: 'dc1', controlPlane: 1 } },
  })
}

/** Plans an intent as a user does who keeps the lock. */
function plan(options: Parameters<typeof intentOf>[0]): Plan {
  const key = JSON.stringify(options)
  const known = plans.get(key)
  if (known !== undefined) return known
  const { intent, diagnostics } = loadIntent(intentOf(options), { file: 'apply' })
  if (intent === null) throw new Error(JSON.stringify(diagnostics))
  const planned = planFabric(intent, lock)
  lock = planned.lock
  plans.set(key, planned.plan!)
  return planned.plan!
}

beforeAll(async () => {
  await takeDown(lab)
  await bringUp(plan({}), { name: lab })
})

afterAll(async () => {
  await takeDown(lab)
})

test('a dry run says what would be done and does nothing', async () => {
  const before = await establishments()
  const { change, times } = await applyPlan(lab, plan({ racks: 2 }), { dryRun: true })

  expect(times).toBeNull()
  expect(change.added.map(({ device }) => device)).toHaveLength(4)
  expect(change.sessions).toMatchObject({ kept: 8, removed: [], reset: [] })
  expect(change.kept.map(({ setup }) => setup.device)).toEqual(['dc1-spine1', 'dc1-spine2'])
  expect(await establishments()).toEqual(before)
  expect((await readStatus(lab)).differences).toEqual([])
})

test('a rack that is added costs no packet and no session', async () => {
  const before = await establishments()
  const lost = await packetsLostDuring(() => applyPlan(lab, plan({ racks: 2 })))

  expect(lost).toBe(0)
  expect(await establishments()).toMatchObject(before)
  await expectAsFresh()
  await expectNodes(['dc1-rack1-n1', 'dc1-rack1-n2', 'dc1-rack2-n1', 'dc1-rack2-n2'])
})

test('policies, pools and timers change in running sessions', async () => {
  const before = await establishments()
  const changed = { racks: 2, nodeRoutes: 'default', services: '10.10.24.0/23', transmit: '300ms' }
  let notes: string[] = []
  const lost = await packetsLostDuring(async () => {
    notes = (await applyPlan(lab, plan(changed))).notes
  })

  expect(lost).toBe(0)
  expect(notes).toEqual([expect.stringContaining('the control plane of k8s goes on with its old settings')])
  expect(await establishments()).toEqual(before)
  await expectAsFresh()
  expect((await applyPlan(lab, plan(changed), { dryRun: true })).change.kept).toEqual([])
})

test('what is interrupted at any moment is brought to its end, or to another, by the next apply', async () => {
  for (const [afterMs, target] of [
    [100, { racks: 1 }],
    [400, { racks: 2 }],
    [800, { racks: 1 }],
    [1500, { racks: 2 }],
  ] as const) {
    const other = { racks: target.racks === 1 ? 2 : 1, nodeRoutes: 'default', transmit: '200ms' }
    await interruptedApply(plan(other), afterMs)
    await applyPlan(lab, plan({ ...target, nodeRoutes: 'default' }))
    await expectAsFresh()
  }
})

test('a rack that is removed leaves nothing behind and takes nothing with it', async () => {
  const before = await establishments()
  const lost = await packetsLostDuring(() => applyPlan(lab, plan({ nodeRoutes: 'default' })))

  expect(lost).toBe(0)
  const kept = Object.entries(before).filter(([session]) => !session.includes('rack2'))
  expect(await establishments()).toEqual(Object.fromEntries(kept))
  await expectAsFresh()
  await expectNodes(['dc1-rack1-n1', 'dc1-rack1-n2'])
  expect((await listNamespaces()).filter((name) => name.includes(`${lab}-dc1-rack2`))).toEqual([])
})

test('a lab with a fault in force is not changed', async () => {
  await injectFault(lab, { kind: 'daemon', device: 'dc1-rack1-n1', daemon: 'agent', how: 'stop' })
  try {
    await expect(applyPlan(lab, plan({ racks: 2 }))).rejects.toMatchObject({ code: 'WEFT_LAB_BROKEN' })
  } finally {
    await healAll(lab)
  }
})

/** How often each session has come up, by its two ends. */
async function establishments(): Promise<Record<string, number>> {
  const { plan: current } = await requireState(lab)
  const reader = new LabReader(lab)
  try {
    const since: Record<string, number> = {}
    for (const { name } of current.devices) {
      const neighbors = JSON.parse(
        await reader.daemon(name, 'bgpd').show('show bgp neighbors json'),
      ) as Record<string, { connectionsEstablished?: number }>
      for (const [neighbor, { connectionsEstablished = 0 }] of Object.entries(neighbors)) {
        const peer = current.devices
          .find((device) => device.name === name)!
          .interfaces.find((iface) => iface.name === neighbor)!.peerDevice
        since[`${name} to ${peer}`] = connectionsEstablished
      }
    }
    return since
  } finally {
    reader.close()
  }
}

/** Every daemon runs exactly what a fresh lab of the plan would be given, and the fabric is what the plan says. */
async function expectAsFresh(): Promise<void> {
  const { plan: current, hasBfd, applying, processes } = await requireState(lab)
  const reader = new LabReader(lab)
  const found: string[] = []
  try {
    for (const setup of setupDevices(current, { hasBfd, hasAgents: true }))
      for (const daemon of daemons.filter((name: Daemon) => setup.configs[name] !== undefined)) {
        const running = await readRunningConfig(reader.daemon(setup.device, daemon))
        const { missing, unexpected } = compareConfig(setup.configs[daemon]!, running)
        found.push(...missing.map((line) => `${setup.device} lacks ${line}`))
        found.push(...unexpected.map((line) => `${setup.device} has ${line}`))
      }
  } finally {
    reader.close()
  }
  expect(found).toEqual([])
  expect(applying).toBeUndefined()
  expect(new Set(processes.map(({ name }) => name)).size).toBe(processes.length)
  expect((await readStatus(lab)).differences).toEqual([])
}

async function expectNodes(names: string[]): Promise<void> {
  const { plan: current } = await requireState(lab)
  const api = new ClusterApi(lab, current.clusters[0]!)
  try {
    await expect
      .poll(
        async () => {
          const { items } = await api.get<{ items: { metadata: { name: string } }[] }>('/api/v1/nodes')
          return items.map(({ metadata }) => metadata.name).toSorted()
        },
        { timeout: 20_000 },
      )
      .toEqual(names)
  } finally {
    api.close()
  }
}

async function packetsLostDuring(work: () => Promise<unknown>): Promise<number> {
  const sender = openProbe(lab, 'dc1-rack1-n1')
  const receiver = openProbe(lab, 'dc1-rack1-n2')
  try {
    await receiver.echo('10.10.19.2', 9000)
    const flows = await sender.startFlows({
      source: '10.10.19.1',
      destination: '10.10.19.2',
      port: 9000,
      flows: 8,
      packetsPerSecond: 400,
    })
    await delay(300)
    await work()
    await delay(300)
    return (await flows.stop()).lost
  } finally {
    sender.close()
    receiver.close()
  }
}

async function interruptedApply(wanted: Plan, afterMs: number): Promise<void> {
  const file = `${pathsOf(lab).root}/wanted.json`
  await writeFile(file, JSON.stringify(wanted))
  const module = fileURLToPath(new URL('../../src/lab/apply/apply.ts', import.meta.url))
  const script = `
    import { readFileSync } from 'node:fs'
    import { applyPlan } from ${JSON.stringify(module)}
    process.stdout.write('ready')
    await applyPlan('${lab}', JSON.parse(readFileSync('${file}', 'utf8')))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  await delay(afterMs)
  child.kill('SIGKILL')
  await closed
}
