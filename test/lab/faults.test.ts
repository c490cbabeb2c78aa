import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { FrrDaemon } from '../../src/frr/daemon.ts'
import { readRunningConfig } from '../../src/frr/show-daemon.ts'
import { ClusterApi } from '../../src/lab/cluster-api.ts'
import { healAll, healFault, injectFault, listFaults } from '../../src/lab/faults/faults.ts'
import { clearImpairments, impairLink } from '../../src/lab/faults/impair.ts'
import type { FaultSpec } from '../../src/lab/faults/model.ts'
import { readNextHops } from '../../src/lab/forwarding.ts'
import { linkLocalOf, macOf, namespaceOf } from '../../src/lab/names.ts'
import { type LabState, requireState } from '../../src/lab/state.ts'
import { readStatus } from '../../src/lab/status.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { exampleIntent, planOf, weft } from './lab-fixture.ts'

/*
 * One rack with Kubernetes, everything in it broken and mended again. Whatever happened, after healing the machine must
 * be what it was: ports, queues, rules, processes and the running configuration of every router.
 */

const lab = 'tfaults'
const leaf1 = 'dc1-compute1-leaf1'
const leaf2 = 'dc1-compute1-leaf2'
const node1 = 'dc1-compute1-n1'
const node2 = 'dc1-compute1-n2'
const link = `${leaf1}--${node1}`
const cluster = 'k8s-dc1'

let state: LabState
let whole: unknown

beforeAll(async () => {
  await takeDown(lab)
  state = (await bringUp(planOf(exampleIntent('one-rack')), { name: lab, underTest: ['node'] })).state
  whole = await fingerprint()
})

afterEach(async () => {
  await healAll(lab)
  await untilAsPlanned()
  expect(await fingerprint()).toEqual(whole)
})

afterAll(async () => {
  await takeDown(lab)
})

test('a link without carrier is down at both ends, or shut down at one', async () => {
  const both = await injectFault(lab, { kind: 'carrier', link })
  expect([await flagsOf(leaf1, 'eth1'), await flagsOf(node1, 'eth1')]).toEqual([[], []])

  await injectFault(lab, { kind: 'carrier', link, end: leaf1 })
  await healFault(lab, both.id)
  expect([await flagsOf(leaf1, 'eth1'), await flagsOf(node1, 'eth1')]).toEqual([[], ['UP']])
})

test('what one end sends is lost and carrier stays; only BFD, and the session goes down by it', async () => {
  await injectFault(lab, { kind: 'silent', link, from: node1, traffic: 'bfd' })
  await untilStatus((differences) =>
    differences.some(({ kind, subject }) => kind === 'session' && subject.includes(node1)),
  )

  expect(await flagsOf(leaf1, 'eth1')).toEqual(['LOWER_UP', 'UP'])
  // Routes have moved away, but the link itself carries everything else.
  expect(await ping(node1, 'eth1', linkLocalOf(macOf(leaf1, 'eth1')), 56)).toBe(true)
})

test('only BGP is lost: BFD stays, and the hold time ends the session', async () => {
  await injectFault(lab, { kind: 'silent', link, traffic: 'bgp' })
  const differences = await untilStatus((found) => found.some(({ kind }) => kind === 'session'))

  expect(differences.filter(({ kind }) => kind === 'bfd')).toEqual([])
})

test('packets above a size vanish, those below do not', async () => {
  await injectFault(lab, { kind: 'mtu', link, bytes: 1400 })

  expect(await ping(node1, '10.10.19.1', '10.10.18.1', 1372)).toBe(true)
  expect(await ping(node1, '10.10.19.1', '10.10.18.1', 1373)).toBe(false)
})

test('loss and rate are set and changed one by one, and cleared together', async () => {
  await impairLink(lab, link, { lossPercent: 50, kilobitsPerSecond: 2000 })
  expect(await impairLink(lab, link, { lossPercent: 40 })).toMatchObject([
    { spec: { kind: 'rate', kilobitsPerSecond: 2000 } },
    { spec: { kind: 'loss', percent: 40 } },
  ])
  expect((await tool(node1, ['tc', 'qdisc', 'show', 'dev', 'eth1'])).stdout).toContain('rate 2Mbit')
  const { stdout } = await tool(node1, [
    'ping',
    '-c',
    '60',
    '-i',
    '0.005',
    '-W',
    '1',
    '-q',
    '-I',
    '10.10.19.1',
    '10.10.18.1',
  ])
  expect(Number(/([\d.]+)% packet loss/.exec(stdout)?.[1])).toBeGreaterThan(15)

  await clearImpairments(lab, link)
  expect(await listFaults(lab)).toEqual([])
})

test('a flapping link comes back as often as was said, and the fault is then over', async () => {
  const told = monitorPort(node1, 'eth1')
  const { id } = await injectFault(lab, {
    kind: 'flap',
    link,
    downMilliseconds: 300,
    upMilliseconds: 300,
    count: 3,
  })
  while ((await listFaults(lab)).some((fault) => fault.id === id)) await delay(50)
  const states = await told.stop()

  expect(states.filter((isUp, index) => !isUp && states[index - 1] !== false)).toHaveLength(3)
  expect(await flagsOf(node1, 'eth1')).toEqual(['LOWER_UP', 'UP'])
  await healFault(lab, id)
})

test('a flapping link stays down while another fault wants it down, and ends when it is healed', async () => {
  const flap = await injectFault(lab, {
    kind: 'flap',
    link,
    downMilliseconds: 100,
    upMilliseconds: 100,
    count: 50,
  })
  const down = await injectFault(lab, { kind: 'carrier', link })
  for (let i = 0; i < 20; i++) {
    expect(await flagsOf(node1, 'eth1')).not.toContain('UP')
    await delay(20)
  }
  await healFault(lab, flap.id)
  await healFault(lab, down.id)

  expect(await flagsOf(node1, 'eth1')).toContain('UP')
})

test.each(['bgpd', 'zebra', 'bfdd', 'frr'] as const)('%s dies, is stopped, is restarted', async (daemon) => {
  const names = daemon === 'frr' ? ['bfdd', 'bgpd', 'zebra'] : [daemon]
  const killed = await injectFault(lab, { kind: 'daemon', device: leaf1, daemon, how: 'kill' })
  expect(processesOf(leaf1).filter((name) => names.includes(name.split(' ')[0]!))).toEqual([])
  const stopped = await injectFault(lab, { kind: 'daemon', device: leaf1, daemon, how: 'stop' })
  await healFault(lab, killed.id)
  expect(processesOf(leaf1).filter((name) => name.endsWith(' T'))).toEqual(names.map((name) => `${name} T`))
  await healFault(lab, stopped.id)
  await untilAsPlanned()

  const before = pidsOf(leaf1)
  await injectFault(lab, { kind: 'daemon', device: leaf1, daemon, how: 'restart' })
  expect(await listFaults(lab)).toEqual([])
  expect(pidsOf(leaf1)).not.toEqual(before)
})

test('an agent that is killed is started again', async () => {
  await injectFault(lab, { kind: 'daemon', device: node2, daemon: 'agent', how: 'terminate' })
  const { differences } = await readStatus(lab)

  expect(differences).toMatchObject([{ device: node2, kind: 'process', subject: `${node2}/agent` }])
})

test('a node that loses power is silent and empty; with power it is a node of its cluster again', async () => {
  const { id } = await injectFault(lab, { kind: 'device', device: node2, how: 'power' })
  expect(pidsOf(node2)).toEqual([])
  expect(await ping(leaf1, '10.10.18.1', '10.10.19.2', 56)).toBe(false)
  await untilStatus((differences) =>
    differences.some(({ device, kind }) => device === leaf1 && kind === 'route'),
  )
  await healFault(lab, id)
  await untilAsPlanned()

  expect(await readNextHops(lab, leaf1, '10.10.19.2/32')).toHaveLength(1)
})

test('a rack that loses power comes back whole, with its control plane', async () => {
  await injectFault(lab, { kind: 'rack', rack: 'compute1', how: 'power' })
  expect([leaf1, leaf2, node1, node2].flatMap(pidsOf)).toEqual([])
  await healAll(lab)
  await untilAsPlanned()
  await untilReady()
})

test('an API is slow, erroring, out of reach: for nodes, not for the lab', async () => {
  const ask = async () =>
    (
      await tool(node2, [
        'curl',
        '-s',
        '-m',
        '2',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code} %{time_total}',
        'http://10.10.19.1:6443/readyz',
      ])
    ).stdout.split(' ')
  const slow = await injectFault(lab, { kind: 'api', cluster, how: 'slow', delayMilliseconds: 400 })
  const [slowStatus, seconds] = await ask()
  expect([slowStatus, Number(seconds) > 0.4]).toEqual(['200', true])
  const erroring = await injectFault(lab, { kind: 'api', cluster, how: 'erroring' })
  expect((await ask())[0]).toBe('503')
  await healFault(lab, slow.id)
  expect((await ask())[0]).toBe('503')
  await injectFault(lab, { kind: 'api', cluster, how: 'unreachable' })
  expect((await ask())[0]).toBe('000')
  await healFault(lab, erroring.id)
  await healAll(lab)

  expect((await ask())[0]).toBe('200')
})

test('a pod is made unready and ready, and is replaced when it is deleted', async () => {
  const api = new ClusterApi(lab, state.plan.clusters[0]!)
  try {
    await api.create('/apis/apps/v1/namespaces/default/deployments', deployment('web'))
    const [pod] = await untilReadyPods(api, 1)
    const unready = await injectFault(lab, {
      kind: 'pod',
      cluster,
      namespace: 'default',
      pod: pod!,
      how: 'unready',
    })
    await untilReadyPods(api, 0)
    await healFault(lab, unready.id)
    expect(await untilReadyPods(api, 1)).toEqual([pod])

    await injectFault(lab, { kind: 'pod', cluster, namespace: 'default', pod: pod!, how: 'delete' })
    expect(await listFaults(lab)).toEqual([])
    await untilReadyPods(api, 1, (names) => names[0] !== pod)
    await api.delete('/apis/apps/v1/namespaces/default/deployments/web')
    await untilReadyPods(api, 0)
  } finally {
    api.close()
  }
})

test('a rogue node tells its leaves what they do not believe', async () => {
  await injectFault(lab, { kind: 'announcement', device: node1, prefix: '10.10.19.2/32' })
  await injectFault(lab, { kind: 'announcement', device: node1, prefix: '0.0.0.0/0' })
  const bgpd = new FrrDaemon('bgpd', { pathspace: namespaceOf(lab, node1) })
  try {
    for (;;) {
      const sent = await bgpd.show('show bgp ipv4 unicast neighbors eth1 advertised-routes')
      if (sent.includes('0.0.0.0/0') && sent.includes('10.10.19.2/32')) break
      await delay(50)
    }
  } finally {
    bgpd.close()
  }

  expect((await readStatus(lab)).differences.filter(({ device }) => device === leaf1)).toEqual([])
})

test.each([1, 2, 3])(
  'faults of every kind come and go in random order and leave nothing (seed %i)',
  async (seed) => {
    const random = randomFrom(seed)
    const kinds: FaultSpec[] = [
      { kind: 'carrier', link },
      { kind: 'carrier', link, end: node1 },
      { kind: 'silent', link },
      { kind: 'silent', link: `${leaf2}--${node1}`, from: leaf2, traffic: 'bgp' },
      { kind: 'mtu', link, bytes: 1300 },
      { kind: 'rate', link, kilobitsPerSecond: 5000 },
      { kind: 'loss', link, from: leaf1, percent: 10 },
      { kind: 'flap', link, downMilliseconds: 50, upMilliseconds: 50, count: 200 },
      { kind: 'daemon', device: leaf1, daemon: 'bgpd', how: 'kill' },
      { kind: 'daemon', device: leaf1, daemon: 'frr', how: 'stop' },
      { kind: 'daemon', device: node2, daemon: 'agent', how: 'kill' },
      { kind: 'device', device: leaf1, how: 'power' },
      { kind: 'device', device: node2, how: 'power' },
      { kind: 'tier', site: 'dc1', role: 'leaf', how: 'carrier' },
      { kind: 'announcement', device: leaf1, prefix: '192.0.2.0/24' },
      { kind: 'api', cluster, how: 'slow', delayMilliseconds: 50 },
    ]
    const active: string[] = []
    for (let step = 0; step < 14; step++) {
      if (active.length > 0 && random() < 0.4)
        await healFault(lab, active.splice(Math.floor(random() * active.length), 1)[0]!)
      else active.push((await injectFault(lab, kinds[Math.floor(random() * kinds.length)]!)).id)
    }
    while (active.length > 0) await healFault(lab, active.splice(Math.floor(random() * active.length), 1)[0]!)
  },
)

test.each([0, 30, 80, 150, 400])(
  'a command killed %i ms into its work leaves a lab that heals',
  async (afterMs) => {
    const script = `
    import { healAll, injectFault } from ${JSON.stringify(fileURLToPath(new URL('../../src/lab/faults/faults.ts', import.meta.url)))}
    process.stdout.write('ready')
    await injectFault('${lab}', { kind: 'daemon', device: '${node1}', daemon: 'agent', how: 'restart' })
    await injectFault('${lab}', { kind: 'rack', rack: 'compute1', how: 'power' })
    await injectFault('${lab}', { kind: 'carrier', link: '${link}' })
    await healAll('${lab}')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const closed = once(child, 'close')
    await once(child.stdout, 'data')
    await delay(afterMs)
    child.kill('SIGKILL')
    await closed

    await healAll(lab)
    await untilAsPlanned()
  },
)

test('commands that come at the same time wait for each other', async () => {
  const runs = await Promise.all([
    weft('lab', 'fail', 'link', link, '--silent', '--name', lab),
    weft('lab', 'fail', 'device', node2, '--silent', '--name', lab, '-o', 'json'),
    weft('lab', 'fail', 'daemon', leaf2, 'bgpd', '--stop', '--name', lab),
  ])
  expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual([
    [0, ''],
    [0, ''],
    [0, ''],
  ])
  const ids = (await listFaults(lab)).map(({ id }) => id)
  expect(new Set(ids).size).toBe(3)

  const status = await weft('lab', 'status', '--name', lab)
  for (const id of ids) expect(status.stdout).toContain(`fault in force: ${id}  `)
  const healed = await weft('lab', 'heal', '--all', '--name', lab)
  expect(healed.stdout).toContain('healed: ')
})

/** Whether a port is up, each time the kernel tells something of it: a busy test may look too late, the kernel does not. */
function monitorPort(device: string, port: string) {
  const [command, ...args] = inNamespace(namespaceOf(lab, device), ['ip', '-oneline', 'monitor', 'link'])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return {
    async stop(): Promise<boolean[]> {
      child.kill()
      await once(child, 'close')
      const lines = text.split('\n').filter((line) => line.includes(` ${port}@`))
      return lines.map((line) => /<[^>]*\bUP\b[^>]*>/.test(line.replace('LOWER_UP', '')))
    },
  }
}

async function flagsOf(device: string, port: string): Promise<string[]> {
  const { stdout } = await tool(device, ['ip', '-json', 'link', 'show', port])
  const [found] = JSON.parse(stdout) as { flags: string[] }[]
  return found!.flags.filter((flag) => flag === 'UP' || flag === 'LOWER_UP').toSorted()
}

async function ping(device: string, from: string, to: string, bytes: number): Promise<boolean> {
  const size = ['-M', 'do', '-s', String(bytes)]
  const { exitCode } = await tool(device, ['ping', '-c', '1', '-W', '1', '-q', ...size, '-I', from, to])
  return exitCode === 0
}

async function tool(device: string, argv: [string, ...string[]]) {
  return await run(inNamespace(namespaceOf(lab, device), argv), { acceptFailure: true })
}

/** Everything about the machine that a fault may touch. */
async function fingerprint(): Promise<unknown> {
  const devices = [leaf1, leaf2, node1, node2]
  return await Promise.all(
    devices.map(async (device) => {
      const links = JSON.parse(
        (await tool(device, ['ip', '-json', '-details', 'link', 'show'])).stdout,
      ) as Record<string, unknown>[]
      const bgpd = new FrrDaemon('bgpd', { pathspace: namespaceOf(lab, device) })
      // Pods' ports come and go with them.
      const ports = links.filter(({ ifname }) => !String(ifname).startsWith('pod'))
      const config = await readRunningConfig(bgpd).finally(() => bgpd.close())
      return {
        device,
        links: ports.map(({ ifname, flags, mtu, qdisc, gso_max_segs: segments }) => ({
          ifname,
          flags,
          mtu,
          qdisc,
          segments,
        })),
        tables: (await tool(device, ['nft', 'list', 'tables'])).stdout
          .split('\n')
          .filter((table) => table.includes('fault')),
        // What agents announce comes and goes by itself.
        config: config.split('\n').filter((row) => !row.startsWith('Building') && !/route-map VIP/.test(row)),
        // Agents look at the machine with tools that come and go.
        processes: processesOf(device).filter((name) => !['ip', 'nft'].includes(name)),
      }
    }),
  )
}

/** Names and states of what runs in a device, without this test's own tools. */
function processesOf(device: string): string[] {
  return pidsOf(device)
    .map((pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const close = stat.lastIndexOf(')')
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      const program = words
        .find((word) => word.endsWith('.ts'))
        ?.split('/')
        .slice(-2)
        .join('/')
      const state = stat.charAt(close + 2) === 'T' ? 'T' : ''
      return `${program ?? stat.slice(stat.indexOf('(') + 1, close)} ${state}`.trim()
    })
    .filter((name) => !name.includes('probe'))
    .toSorted()
}

function pidsOf(device: string): string[] {
  const own = `net:[${statSync(`/run/netns/${namespaceOf(lab, device)}`).ino}]`
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && namespaceOfProcess(pid) === own)
}

function namespaceOfProcess(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return ''
  }
}

async function untilAsPlanned(): Promise<void> {
  let quietSince = 0
  const deadline = Date.now() + 40_000
  // A router that is being restarted looks well for a moment before it forgets everything.
  while (quietSince === 0 || Date.now() - quietSince < 1000) {
    const { differences } = await readStatus(lab)
    if (differences.length > 0) quietSince = 0
    else quietSince ||= Date.now()
    if (Date.now() > deadline) throw new Error(`not as planned: ${JSON.stringify(differences.slice(0, 4))}`)
    await delay(100)
  }
}

type Differences = Awaited<ReturnType<typeof readStatus>>['differences']

async function untilStatus(isWanted: (differences: Differences) => boolean): Promise<Differences> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const { differences } = await readStatus(lab)
    if (isWanted(differences)) return differences
    if (Date.now() > deadline) throw new Error(`found only ${JSON.stringify(differences.slice(0, 4))}`)
    await delay(50)
  }
}

interface Listed {
  items: {
    metadata: { name: string; deletionTimestamp?: string }
    status?: { conditions?: { type: string; status: string }[] }
  }[]
}

function readyNames({ items }: Listed): string[] {
  return items
    .filter(
      ({ metadata, status }) =>
        metadata.deletionTimestamp === undefined &&
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    )
    .map(({ metadata }) => metadata.name)
}

async function untilReady(): Promise<void> {
  const { plan } = await requireState(lab)
  const api = new ClusterApi(lab, plan.clusters[0]!)
  try {
    for (let tries = 0; ; tries++) {
      const names = await api.get<Listed>('/api/v1/nodes').then(readyNames, () => [])
      if (names.length === 2) return
      if (tries > 200) throw new Error(`ready: ${names.join(', ')}`)
      await delay(100)
    }
  } finally {
    api.close()
  }
}

async function untilReadyPods(
  api: ClusterApi,
  count: number,
  isWanted: (names: string[]) => boolean = () => true,
): Promise<string[]> {
  for (let tries = 0; ; tries++) {
    const names = readyNames(await api.get<Listed>('/api/v1/namespaces/default/pods'))
    if (names.length === count && isWanted(names)) return names
    if (tries > 200) throw new Error(`ready pods: ${names.join(', ')}`)
    await delay(100)
  }
}

function deployment(name: string): unknown {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'weft/echo', ports: [{ containerPort: 8080 }] }] },
      },
    },
  }
}

/** Mulberry32: the same order for the same seed, everywhere. */
function randomFrom(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
