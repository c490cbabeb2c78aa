/*
 * What one change of a Service address costs on a node, at 1, 100, 1,000 and 10,000 addresses, from the write to the
 * Kubernetes API to the route in the leaf's kernel; beside the same change by FRR's own reload tool and by vtysh; and a
 * cold start: `npm run bench agent`, or sizes: `node bench/agent.ts 1 1000`. A node and a leaf, real FRR, in namespaces.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readBgpSummary } from '../src/frr/show-bgp.ts'
import { readRunningConfig } from '../src/frr/show-daemon.ts'
import { withCompileCache } from '../src/lab/node/compile-cache.ts'
import { readRoutes } from '../src/linux/ip.ts'
import { applyIpBatch } from '../src/linux/ip-batch.ts'
import { createNamespaces, deleteNamespaces, inNamespace } from '../src/linux/namespace.ts'
import { watchRoutes } from '../src/linux/route-monitor.ts'
import { run } from '../src/linux/run.ts'
import { applySysctls } from '../src/linux/sysctl.ts'
import { Router, routerSysctls } from '../test/frr/daemons.ts'

const rounds = 25
const endpointsPerService = 10
const reloadTool = '/usr/lib/frr/frr-reload.py'
const targets = { ownMs: 5, fibMs: 130, bulkSeconds: 4, residentMiB: 110 }

const sizes = process.argv.slice(2).map(Number)
const node = new Router('wfb-node')
const leaf = new Router('wfb-leaf')
const directory = await mkdtemp(join(tmpdir(), 'weft-bench-'))
const atLeaf = new Map<string, boolean>()
let onRoute: () => void = () => {}
let api: ChildProcess | undefined
let agent: ChildProcess | undefined
let monitor: { stop(): void } | undefined
let lastId = 0
const replies = new Map<number, () => void>()

try {
  await build()
  print('addresses', 'announce', 'p99', 'withdraw', 'p99', 'own p50', 'own p99', 'reload', 'vtysh', 'load')
  let present = 0
  for (const size of sizes.length === 0 ? [1, 100, 1_000, 10_000] : sizes) {
    await stopAgent()
    await createServices(present, size)
    present = size
    await measureStart(size)
    await measureChanges(size)
  }
} finally {
  await stopAgent()
  api?.kill('SIGKILL')
  monitor?.stop()
  await Promise.all([node.stop(), leaf.stop()])
  await deleteNamespaces([node.name, leaf.name])
  await rm(directory, { recursive: true, force: true })
}

async function build(): Promise<void> {
  await createNamespaces([node.name, leaf.name])
  for (const { name } of [node, leaf]) await applySysctls(routerSysctls, { namespace: name })
  await applyIpBatch([`link add uplink netns ${node.name} type veth peer name downlink netns ${leaf.name}`])
  for (const [router, device, address] of [
    [node, 'uplink', '10.0.0.1'],
    [leaf, 'downlink', '10.0.0.2'],
  ] as const) {
    await applyIpBatch(['link set lo up', `link set ${device} up`, `addr add ${address}/32 dev lo`], {
      namespace: router.name,
    })
    await router.start('zebra', zebraConfig(device))
    await router.start('bgpd', bgpdConfig(router === node ? 65001 : 65002, address, device))
  }
  const bgpd = leaf.connect('bgpd')
  while (!(await readBgpSummary(bgpd))?.sessions.every((session) => session.isEstablished)) await delay(50)
  bgpd.close()
  monitor = await watchRoutes({
    namespace: leaf.name,
    onRoute({ kind, destination }) {
      atLeaf.set(destination, kind === 'set')
      onRoute()
    },
  })
  const script = fileURLToPath(new URL('../test/agent/api-process.ts', import.meta.url))
  const [command, ...args] = inNamespace(node.name, [process.execPath, script, '6443'])
  api = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  api.on('message', ({ id }: { id: number }) => {
    replies.get(id)?.()
    replies.delete(id)
  })
  await once(api, 'message')
  await request('POST', '/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1' },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  })
}

function zebraConfig(device: string): string {
  return `frr defaults datacenter\nno zebra nexthop kernel enable\nzebra work-queue 0\ninterface ${device}\n ipv6 nd ra-interval 1\n no ipv6 nd suppress-ra\n`
}

function bgpdConfig(asn: number, routerId: string, device: string): string {
  return `frr defaults datacenter
route-map VIP-site permit 10
 set large-community 65000:3:2
router bgp ${asn}
 bgp router-id ${routerId}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor ${device} interface remote-as external
 neighbor ${device} timers connect 1
 address-family ipv4 unicast
  neighbor ${device} activate
`
}

async function request(method: string, path: string, body: unknown): Promise<void> {
  const id = ++lastId
  const reply = new Promise<void>((resolve) => replies.set(id, resolve))
  api?.send({ id, method, path, body })
  await reply
}

/** Services numbered from..to, each with an address and ten endpoints, one of them on this node. */
async function createServices(from: number, to: number): Promise<void> {
  let next = from
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < to) await createService(next++)
    }),
  )
}

async function createService(index: number): Promise<void> {
  const name = `s${index}`
  await request('POST', '/api/v1/namespaces/default/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    // There are 2,768 node ports, as on a real cluster, and nobody needs one here.
    spec: {
      type: 'LoadBalancer',
      allocateLoadBalancerNodePorts: false,
      ports: [{ port: 80, protocol: 'TCP' }],
      selector: { app: name },
    },
  })
  await request('PATCH', `/api/v1/namespaces/default/services/${name}/status`, {
    status: { loadBalancer: { ingress: [{ ip: addressOf(index) }] } },
  })
  await request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ port: 80, protocol: 'TCP', name: '' }],
    endpoints: endpointsOf(index, true),
  })
}

function endpointsOf(index: number, ready: boolean): object[] {
  return Array.from({ length: endpointsPerService }, (_, number) => ({
    addresses: [`10.1.${index % 250}.${number + 1}`],
    nodeName: number === 0 ? 'n1' : `n${number + 1}`,
    conditions: { ready, serving: ready, terminating: false },
  }))
}

function addressOf(index: number): string {
  return `10.9.${Math.floor(index / 250)}.${(index % 250) + 1}`
}

async function startAgent(): Promise<ChildProcess> {
  const file = join(directory, 'agent.json')
  await writeFile(
    file,
    JSON.stringify({
      node: 'n1',
      api: { url: 'http://127.0.0.1:6443' },
      frr: { pathspace: node.name },
      pools: [{ name: 'web', cidr: '10.9.0.0/16', scope: 'site' }],
      loopbacks: ['10.0.0.1'],
      metricsAddress: '127.0.0.1:9099',
      logLevel: 'error',
      // One address that changes many times is what is measured here.
      damping: { freeChanges: 1_000_000 },
      guards: { lastAnnouncer: 'off', withdrawShare: 1 },
    }),
  )
  const main = fileURLToPath(new URL('../src/agent/main.ts', import.meta.url))
  const [command, ...args] = inNamespace(node.name, [process.execPath, '--max-semi-space-size=4', main, file])
  agent = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: withCompileCache(process.env),
  })
  return agent
}

async function stopAgent(): Promise<void> {
  if (agent === undefined) return
  agent.kill('SIGKILL')
  await once(agent, 'exit')
  agent = undefined
}

/** A node that has just booted: nothing is announced, no address is there, the guard's table does not exist. */
async function measureStart(size: number): Promise<void> {
  await node.kill('bgpd')
  await applyIpBatch(['addr flush dev lo to 10.9.0.0/16'], { namespace: node.name })
  const flush = ['ip', 'route', 'flush', 'table', 'local', 'proto', '198'] as const
  await run(inNamespace(node.name, flush), { acceptFailure: true })
  await run(inNamespace(node.name, ['nft', 'flush', 'ruleset']))
  while ((await readRoutes({ namespace: leaf.name, protocol: 'bgp' })).length > 0) await delay(20)
  await node.start('bgpd', bgpdConfig(65001, '10.0.0.1', 'uplink'))
  const bgpd = leaf.connect('bgpd')
  while (!(await readBgpSummary(bgpd))?.sessions.every((session) => session.isEstablished)) await delay(50)
  bgpd.close()
  const started = performance.now()
  const { pid } = await startAgent()
  while ((await readRoutes({ namespace: leaf.name, protocol: 'bgp' })).length < size) await delay(20)
  const seconds = (performance.now() - started) / 1000
  // Until the agent has read everything back once.
  await delay(1_000)
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
  const [, , , , , , , , , , , user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .map(Number)
  process.stdout.write(
    `${size} Services, ${size * endpointsPerService} endpoints, cold start: in the leaf's FIB after ${seconds.toFixed(2)} s (target ${targets.bulkSeconds}), ` +
      `agent's CPU ${((user + system) / 100).toFixed(2)} s, resident ${mebibytes('VmRSS').toFixed(0)} MiB, peak ${mebibytes('VmHWM').toFixed(0)} MiB (target ${targets.residentMiB})\n`,
  )
}

async function measureChanges(size: number): Promise<void> {
  const slice = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/s0'
  const announce: number[] = []
  const withdraw: number[] = []
  const before = await ownShare()
  for (let round = 0; round < rounds; round++) {
    for (const [ready, times] of [
      [false, withdraw],
      [true, announce],
    ] as const) {
      const started = performance.now()
      await request('PATCH', slice, { endpoints: endpointsOf(0, ready) })
      await untilAtLeaf(`${addressOf(0)}/32`, ready)
      times.push(performance.now() - started)
    }
  }
  const own = difference(before, await ownShare())
  const reload = existsSync(reloadTool) ? await measureReload() : null
  const vtysh = await measureVtysh()
  print(
    String(size),
    ms(quantile(announce, 0.5)),
    ms(quantile(announce, 0.99)),
    ms(quantile(withdraw, 0.5)),
    ms(quantile(withdraw, 0.99)),
    `≤${ms(bucketOf(own, 0.5))}`,
    `≤${ms(bucketOf(own, 0.99))}`,
    reload === null ? '-' : ms(reload),
    ms(vtysh),
    (loadavg()[0] ?? 0).toFixed(1),
  )
}

async function untilAtLeaf(destination: string, isThere: boolean): Promise<void> {
  while ((atLeaf.get(destination) ?? false) !== isThere) {
    await new Promise<void>((resolve) => {
      onRoute = resolve
    })
  }
}

/** The agent's own histogram, event received to last vty reply: counts by upper bound in ms. */
async function ownShare(): Promise<Map<number, number>> {
  const { stdout } = await run(inNamespace(node.name, ['curl', '-sf', 'http://127.0.0.1:9099/metrics']))
  const buckets = stdout.matchAll(/^weft_agent_apply_duration_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm)
  return new Map(
    [...buckets].map(([, bound, count]) => [
      Number(bound === '+Inf' ? Infinity : bound) * 1000,
      Number(count),
    ]),
  )
}

function difference(before: Map<number, number>, after: Map<number, number>): Map<number, number> {
  return new Map([...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)]))
}

function bucketOf(counts: Map<number, number>, share: number): number {
  const total = Math.max(...counts.values())
  return [...counts].find(([, count]) => count >= share * total)?.[0] ?? Number.NaN
}

/** One more `network` line through FRR's reload tool, as agents do that write a file; to its return, three times. */
async function measureReload(): Promise<number> {
  const bgpd = node.connect('bgpd')
  const file = join(directory, 'frr.conf')
  const times: number[] = []
  for (let round = 0; round < 3; round++) {
    const running = await readRunningConfig(bgpd)
    const line = `  network 10.8.0.${round + 1}/32`
    await writeFile(file, running.replace(/( address-family ipv4 unicast\n)/, `$1${line}\n`))
    const started = performance.now()
    await run(
      [
        reloadTool,
        '--reload',
        '--daemon',
        'bgpd',
        '--bindir',
        '/usr/bin',
        '--confdir',
        directory,
        '--pathspace',
        node.name,
        file,
      ],
      { acceptFailure: true, timeoutMs: 120_000 },
    )
    times.push(performance.now() - started)
    if (!(await readRunningConfig(bgpd)).includes(line)) times.push(Number.NaN)
  }
  bgpd.close()
  return quantile(times, 0.5)
}

/** The bare statement through one vtysh process, to its return. */
async function measureVtysh(): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 9; round++) {
    const commands = [
      'configure terminal',
      'router bgp',
      'address-family ipv4 unicast',
      `${round % 2 ? 'no ' : ''}network 10.8.1.1/32`,
    ]
    const started = performance.now()
    await run(['vtysh', '-N', node.name, ...commands.flatMap((line) => ['-c', line])], {
      acceptFailure: true,
    })
    times.push(performance.now() - started)
  }
  return quantile(times, 0.5)
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0)
}

function print(...cells: string[]): void {
  process.stdout.write(`${cells.map((cell) => cell.padStart(11)).join('')}\n`)
}
