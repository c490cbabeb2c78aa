import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { readBgpSummary } from '../../src/frr/show-bgp.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { createNamespaces, deleteNamespaces, inNamespace } from '../../src/linux/namespace.ts'
import { type RouteEvent, type RouteMonitor, watchRoutes } from '../../src/linux/route-monitor.ts'
import { run } from '../../src/linux/run.ts'
import { applySysctls } from '../../src/linux/sysctl.ts'
import { Router, routerSysctls } from '../frr/daemons.ts'

/* A node and its leaf, real FRR on both, an API server in the node's namespace, and the agent as a process. */

const node24 = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))
const apiPort = 6443

const zebraConfig = (link: string) => `frr defaults datacenter
no zebra nexthop kernel enable
zebra work-queue 0
interface ${link}
 ipv6 nd ra-interval 1
 no ipv6 nd suppress-ra
`

export const nodeBgpd = `frr defaults datacenter
bgp large-community-list standard ANY permit 65000:3:1
ip prefix-list LOOPBACK permit 10.0.0.0/24 ge 32
route-map LOOPBACK permit 10
 match ip address prefix-list LOOPBACK
route-map VIP-rack permit 10
 set large-community 65000:3:1
route-map VIP-site permit 10
 set large-community 65000:3:2
route-map VIP-global permit 10
 set large-community 65000:3:3
route-map VIP-edge permit 10
 set large-community 65000:3:4
router bgp 65001
 bgp router-id 10.0.0.1
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor uplink interface remote-as external
 neighbor uplink timers connect 1
 address-family ipv4 unicast
  redistribute connected route-map LOOPBACK
  network 10.9.200.1/32 route-map VIP-site
  network 172.30.0.0/16
  neighbor uplink activate
 exit-address-family
 address-family ipv6 unicast
  neighbor uplink activate
`

const leafBgpd = `frr defaults datacenter
router bgp 65002
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 neighbor downlink interface remote-as external
 neighbor downlink timers connect 1
 address-family ipv4 unicast
  neighbor downlink activate
 exit-address-family
 address-family ipv6 unicast
  neighbor downlink activate
`

export class Fixture {
  readonly node: Router
  readonly leaf: Router
  readonly events: RouteEvent[] = []
  readonly #directory: string
  #api: ChildProcess | undefined
  #agent: ChildProcess | undefined
  #monitor: RouteMonitor | undefined
  #lastId = 0
  readonly #replies = new Map<number, (reply: { code: number; body: unknown }) => void>()
  readonly log: Record<string, unknown>[] = []

  private constructor(directory: string, prefix: string) {
    this.#directory = directory
    this.node = new Router(`${prefix}-node`)
    this.leaf = new Router(`${prefix}-leaf`)
  }

  static async create(prefix: string): Promise<Fixture> {
    const fixture = new Fixture(await mkdtemp(join(tmpdir(), 'weft-agent-')), prefix)
    try {
      await fixture.#build()
      return fixture
    } catch (error) {
      await fixture.destroy()
      throw error
    }
  }

  get statusSocket(): string {
    return join(this.#directory, 'agent.sock')
  }

  async #build(): Promise<void> {
    const { node, leaf } = this
    await createNamespaces([node.name, leaf.name])
    for (const { name } of [node, leaf]) await applySysctls(routerSysctls, { namespace: name })
    await applyIpBatch([`link add uplink netns ${node.name} type veth peer name downlink netns ${leaf.name}`])
    await applyIpBatch(['link set lo up', 'link set uplink up', 'addr add 10.0.0.1/32 dev lo'], {
      namespace: node.name,
    })
    await applyIpBatch(['link set lo up', 'link set downlink up', 'addr add 10.0.0.2/32 dev lo'], {
      namespace: leaf.name,
    })
    await leaf.start('zebra', zebraConfig('downlink'))
    await leaf.start('bgpd', leafBgpd)
    await node.start('zebra', zebraConfig('uplink'))
    await node.start('bgpd', nodeBgpd)
    const bgpd = leaf.connect('bgpd')
    await vi.waitUntil(
      async () => {
        const sessions = (await readBgpSummary(bgpd))?.sessions ?? []
        return sessions.length === 2 && sessions.every((session) => session.isEstablished)
      },
      { timeout: 30_000, interval: 50 },
    )
    bgpd.close()
    this.#monitor = await watchRoutes({ namespace: leaf.name, onRoute: (event) => this.events.push(event) })
    await this.startApi()
  }

  async startApi(): Promise<void> {
    const script = fileURLToPath(new URL('api-process.ts', import.meta.url))
    const [command, ...args] = inNamespace(this.node.name, [node24, script, String(apiPort)])
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#api = child
    child.on('message', (reply: { id: number; code: number; body: unknown }) => {
      this.#replies.get(reply.id)?.(reply)
      this.#replies.delete(reply.id)
    })
    await once(child, 'message')
    await this.request('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } })
  }

  async stopApi(): Promise<void> {
    const child = this.#api
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const id = ++this.#lastId
    const reply = new Promise<{ code: number; body: unknown }>((resolve) => this.#replies.set(id, resolve))
    this.#api?.send({ id, method, path, body })
    const { code, body: answer } = await reply
    if (code < 200 || code > 299) throw new Error(`${method} ${path}: ${code} ${JSON.stringify(answer)}`)
    return answer
  }

  /** A LoadBalancer Service with addresses and one endpoint on node n1. */
  async createService(
    name: string,
    addresses: string[],
    options: { policy?: string; ready?: boolean } = {},
  ): Promise<void> {
    const families = [...new Set(addresses.map((address) => (address.includes(':') ? 'IPv6' : 'IPv4')))]
    await this.request('POST', '/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: {
        type: 'LoadBalancer',
        externalTrafficPolicy: options.policy ?? 'Cluster',
        ports: [{ port: 80, protocol: 'TCP' }],
        selector: { app: name },
        ipFamilyPolicy: 'PreferDualStack',
      },
    })
    await this.request('PATCH', `/api/v1/namespaces/default/services/${name}/status`, {
      status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } },
    })
    for (const family of families) {
      await this.request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: sliceName(name, family), labels: { 'kubernetes.io/service-name': name } },
        addressType: family,
        ports: [{ port: 80, protocol: 'TCP', name: '' }],
        endpoints: [endpoint(family, options.ready ?? true)],
      })
    }
  }

  async setReady(name: string, ready: boolean, family = 'IPv4'): Promise<void> {
    const path = `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/${sliceName(name, family)}`
    await this.request('PATCH', path, { endpoints: [endpoint(family, ready)] })
  }

  async deleteService(name: string): Promise<void> {
    await this.request('DELETE', `/api/v1/namespaces/default/services/${name}`)
  }

  /** Starts the agent and resolves when it is ready and settled. */
  async startAgent(fields: Record<string, unknown> = {}): Promise<void> {
    await this.spawnAgent(fields)
    await vi.waitUntil(async () => (await this.status().catch(() => undefined))?.isSettled === true, {
      timeout: 15_000,
      interval: 20,
    })
  }

  async spawnAgent(fields: Record<string, unknown> = {}): Promise<ChildProcess> {
    const file = join(this.#directory, 'agent.json')
    const config = {
      node: 'n1',
      site: 'dc1',
      api: { url: `http://127.0.0.1:${apiPort}` },
      frr: { pathspace: this.node.name },
      localAs: 65001,
      pools: [
        { name: 'web', cidr: '10.9.0.0/16', scope: 'site' },
        { name: 'front', cidr: '10.9.64.0/24', scope: 'edge' },
        { name: 'web6', cidr: 'fd09::/64', scope: 'site' },
      ],
      loopbacks: ['10.0.0.1/32'],
      staticVips: ['10.9.200.1/32'],
      statusSocket: this.statusSocket,
      metricsAddress: '127.0.0.1:9099',
      resyncSeconds: 1,
      // Tests that flip one address many times are not about damping.
      damping: { freeChanges: 1000 },
      ...fields,
    }
    await writeFile(file, JSON.stringify(config))
    const main = fileURLToPath(new URL('../../src/agent/main.ts', import.meta.url))
    const [command, ...args] = inNamespace(this.node.name, [node24, '--max-semi-space-size=4', main, file])
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface({ input: child.stdout }).on('line', (line) => this.log.push(JSON.parse(line)))
    this.#agent = child
    return child
  }

  async stopAgent(signal: NodeJS.Signals): Promise<void> {
    const child = this.#agent
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }

  get agentPid(): number | undefined {
    return this.#agent?.pid
  }

  async status(): Promise<{
    isSettled: boolean
    announced: string[]
    isReady: boolean
    waitingFor: string[]
  }> {
    return JSON.parse(await this.ask('/status'))
  }

  async ask(path: string): Promise<string> {
    const { stdout } = await run(['curl', '-sf', '--unix-socket', this.statusSocket, `http://agent${path}`])
    return stdout
  }

  async metrics(): Promise<string> {
    const argv = ['curl', '-sf', 'http://127.0.0.1:9099/metrics'] as const
    return (await run(inNamespace(this.node.name, argv))).stdout
  }

  /** Resolves with the event when the leaf's kernel has, or loses, a route. */
  async untilLeaf(
    kind: RouteEvent['kind'],
    destination: string,
    after = 0,
    timeout = 5_000,
  ): Promise<RouteEvent> {
    const find = () =>
      this.events.findLast((event) => event.destination === destination && event.atMs >= after)
    await vi.waitUntil(() => find()?.kind === kind, { timeout, interval: 1 })
    return find() as RouteEvent
  }

  async destroy(): Promise<void> {
    await this.stopAgent('SIGKILL')
    await this.stopApi()
    this.#monitor?.stop()
    await Promise.all([this.node.stop(), this.leaf.stop()])
    await deleteNamespaces([this.node.name, this.leaf.name])
    await rm(this.#directory, { recursive: true, force: true })
  }
}

function sliceName(service: string, family: string): string {
  return `${service}-${family.toLowerCase()}`
}

function endpoint(family: string, ready: boolean): object {
  const addresses = [family === 'IPv6' ? 'fd01::5' : '10.1.0.5']
  return { addresses, nodeName: 'n1', conditions: { ready, serving: ready, terminating: false } }
}
