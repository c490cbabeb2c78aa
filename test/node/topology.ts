import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cleanUpPods } from '../../src/lab/node/cleanup.ts'
import { killProcess } from '../../src/lab/node/pod-process.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { createNamespaces, deleteNamespaces, findPids, inNamespace } from '../../src/linux/namespace.ts'
import { applySysctls } from '../../src/linux/sysctl.ts'
import type { Order, Reply } from './inside.ts'

/*
 * A router with four neighbours, static routes and no FRR: the control plane, two nodes, and a client that knows
 * nothing of any of them but a default route.
 *
 *   client 203.0.113.9 ── router ── api 10.0.0.100
 *                        │      │
 *              n1 10.0.0.1      n2 10.0.0.2
 *        pods 10.1.1.0/26        pods 10.1.2.0/26
 *
 * IPv6 likewise: nodes fd00::<n>, pods fd00:1:<n>::/64, client 2001:db8::9.
 */

export const prefix = 'wfk-'
export const podPrefix = `${prefix}pod-`
export const apiUrl = 'http://10.0.0.100:6443'
export const vip = { v4: '10.10.21.5', v6: 'fd00:21::5' }

const hosts = {
  api: { addresses: ['10.0.0.100', 'fd00::100'], behind: [] },
  n1: { addresses: ['10.0.0.1', 'fd00::1'], behind: ['10.1.1.0/26', 'fd00:1:1::/64'] },
  n2: { addresses: ['10.0.0.2', 'fd00::2'], behind: ['10.1.2.0/26', 'fd00:1:2::/64'] },
  client: { addresses: ['203.0.113.9', '2001:db8::9'], behind: [] },
}

export type NodeName = 'n1' | 'n2'
type HostName = keyof typeof hosts

export interface Inside {
  ask(order: DistributiveOmit<Order, 'id'>): Promise<Reply>
  end(): void
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

/** Builds namespaces, links and routes. */
export async function buildTopology(): Promise<void> {
  await removeTopology()
  const names = Object.keys(hosts) as HostName[]
  await createNamespaces([`${prefix}router`, ...names.map((name) => prefix + name)])
  for (const namespace of ['router', ...names].map((name) => prefix + name)) {
    await applySysctls(
      {
        'net.ipv6.conf.all.accept_dad': 0,
        'net.ipv6.conf.default.accept_dad': 0,
        ...(namespace === `${prefix}router`
          ? { 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 }
          : {}),
      },
      { namespace },
    )
    await applyIpBatch(['link set lo up'], { namespace })
  }
  for (const [index, name] of names.entries()) {
    const { addresses, behind } = hosts[name]
    await applyIpBatch([
      `link add uplink netns ${prefix}${name} type veth peer name ${name} netns ${prefix}router`,
    ])
    // Each link is fe80::1 on the router's side and fe80::2 on the host's, as on an unnumbered fabric.
    await applyIpBatch(
      [
        ...addresses.map(
          (address) => `addr add ${address}/${bits(address)} dev lo${address.includes(':') ? ' nodad' : ''}`,
        ),
        'addr add fe80::2/64 dev uplink nodad',
        'link set uplink up',
        `route add 0.0.0.0/0 via inet6 fe80::1 dev uplink src ${addresses[0]}`,
        `route add ::/0 via fe80::1 dev uplink src ${addresses[1]}`,
      ],
      { namespace: prefix + name },
    )
    await applyIpBatch(
      [
        `addr add fe80::1/64 dev ${name} nodad`,
        `addr add 192.0.2.${index + 1}/32 dev lo`,
        `link set ${name} up`,
        ...[...addresses, ...behind].map((to) => routeVia(to, name)),
      ],
      { namespace: `${prefix}router` },
    )
  }
}

/** Sends a host route or prefix to a node, as BGP would. */
export async function routeTo(destination: string, node: NodeName): Promise<void> {
  await applyIpBatch([routeVia(destination, node).replace('add', 'replace')], {
    namespace: `${prefix}router`,
  })
}

function routeVia(to: string, host: string): string {
  return `route add ${to} via ${to.includes(':') ? '' : 'inet6 '}fe80::2 dev ${host}`
}

function bits(address: string): number {
  return address.includes(':') ? 128 : 32
}

/** Removes everything, whatever is there. */
export async function removeTopology(): Promise<void> {
  const namespaces = ['router', ...Object.keys(hosts)].map((name) => prefix + name)
  for (const pids of (await findPids(namespaces)).values()) {
    for (const pid of pids) killProcess(pid)
  }
  await cleanUpPods(podPrefix)
  await deleteNamespaces(namespaces)
}

/** Starts the helper inside a host's namespace. */
export async function enter(host: HostName): Promise<Inside> {
  const [command, ...rest] = inNamespace(prefix + host, [
    process.execPath,
    fileURLToPath(new URL('inside.ts', import.meta.url)),
  ])
  const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Map<number, (reply: Reply) => void>()
  let lastId = 0
  child.on('message', (reply: Reply) => waiting.get(reply.id)?.(reply))
  await once(child, 'spawn')
  return {
    async ask(order) {
      const id = ++lastId
      const { promise, resolve } = Promise.withResolvers<Reply>()
      waiting.set(id, resolve)
      child.send({ ...order, id })
      return await promise
    },
    end: () => child.disconnect(),
  }
}

export interface RunningNode {
  process: ChildProcess
  stateDirectory: string
  /** Everything the runtime logged so far. */
  log(): string
}

/** Starts the node runtime as the lab does. */
export async function startNode(
  name: NodeName,
  stateDirectory?: string,
  more: { stopPodsOnExit?: boolean } = {},
): Promise<RunningNode> {
  const directory = stateDirectory ?? (await mkdtemp(`${tmpdir()}/wfk-${name}-`))
  const config = {
    nodeName: name,
    labName: 'wfk',
    namespace: prefix + name,
    apiUrl,
    addresses: hosts[name].addresses.map((address) => `${address}/${bits(address)}`),
    podCidrs: hosts[name].behind,
    heartbeatSeconds: 1,
    podNamespacePrefix: podPrefix,
    labels: { 'topology.kubernetes.io/zone': 'dc1' },
    stateDirectory: directory,
    ...more,
  }
  const path = `${directory}/config.json`
  await writeFile(path, JSON.stringify(config))
  const [command, ...rest] = inNamespace(prefix + name, [
    process.execPath,
    fileURLToPath(new URL('../../src/lab/node/main.ts', import.meta.url)),
    path,
  ])
  const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'pipe'] })
  let log = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  return { process: child, stateDirectory: directory, log: () => log }
}

export async function forgetNode(node: RunningNode): Promise<void> {
  node.process.kill('SIGKILL')
  await rm(node.stateDirectory, { recursive: true, force: true })
}

/** Asks again until the answer is not undefined; the last reason is told when time is up. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`)
    await delay(25)
  }
}
