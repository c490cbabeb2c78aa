import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readBgpSummary } from '../../src/frr/show-bgp.ts'
import { withCompileCache } from '../../src/lab/node/compile-cache.ts'
import { readRoutes } from '../../src/linux/ip.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { createNamespaces, deleteNamespaces, inNamespace } from '../../src/linux/namespace.ts'
import { type RouteEvent, watchRoutes } from '../../src/linux/route-monitor.ts'
import { run } from '../../src/linux/run.ts'
import { applySysctls } from '../../src/linux/sysctl.ts'
import { Router, routerSysctls } from '../../test/frr/daemons.ts'

/*
 * Two nodes and their leaf with real FRR, in namespaces; the embedded API server in the first node's; an agent on each
 * when wanted. What counts is the leaf's kernel, which `ip monitor` tells of.
 */

export type Family = 'ipv4' | 'ipv6'

export const endpointsPerService = 10
const apiPort = 6443
/** Of the Service whose endpoint moves between the nodes, the first. */
const movingLabels = { moves: 'yes' }
/** As docs/reference/agent.md says to start it. */
const leanFlags = ['--max-semi-space-size=4']
const leanEnvironment = { MALLOC_ARENA_MAX: '1' }

interface BenchNode {
  name: string
  router: Router
  /** Interface of the leaf that leads to it. */
  port: string
  loopback: string
  asn: number
  agent?: ChildProcess | undefined
}

export class AgentBed {
  readonly leaf = new Router('wfb-leaf')
  readonly nodes: readonly BenchNode[] = [1, 2].map((number) => ({
    name: `n${number}`,
    router: new Router(`wfb-n${number}`),
    port: `down${number}`,
    loopback: `10.0.0.${number}`,
    asn: 65000 + number,
  }))
  readonly directory: string
  /** Ports of the leaf that its kernel sends each destination to. */
  readonly atLeaf = new Map<string, string[]>()
  #onRoute: () => void = () => {}
  #api: ChildProcess | undefined
  #monitor: { stop(): void } | undefined
  #lastId = 0
  readonly #replies = new Map<number, () => void>()

  private constructor(directory: string) {
    this.directory = directory
  }

  static async build(): Promise<AgentBed> {
    const bed = new AgentBed(await mkdtemp(join(tmpdir(), 'weft-bench-')))
    try {
      await bed.#build()
      return bed
    } catch (error) {
      await bed.destroy()
      throw error
    }
  }

  async destroy(): Promise<void> {
    for (const node of this.nodes) await this.stopAgent(node)
    this.#api?.kill('SIGKILL')
    this.#monitor?.stop()
    const routers = [this.leaf, ...this.nodes.map(({ router }) => router)]
    await Promise.all(routers.map((router) => router.stop()))
    await deleteNamespaces(routers.map(({ name }) => name))
    await rm(this.directory, { recursive: true, force: true })
  }

  get #first(): BenchNode {
    return this.nodes[0]!
  }

  async #build(): Promise<void> {
    const { leaf, nodes } = this
    await createNamespaces([leaf.name, ...nodes.map(({ router }) => router.name)])
    await applySysctls(routerSysctls, { namespace: leaf.name })
    await applyIpBatch(['link set lo up', 'addr add 10.0.0.9/32 dev lo'], { namespace: leaf.name })
    for (const { router, port, loopback } of nodes) {
      await applySysctls(routerSysctls, { namespace: router.name })
      await applyIpBatch([
        `link add uplink netns ${router.name} type veth peer name ${port} netns ${leaf.name}`,
      ])
      await applyIpBatch(['link set lo up', 'link set uplink up', `addr add ${loopback}/32 dev lo`], {
        namespace: router.name,
      })
      await applyIpBatch([`link set ${port} up`], { namespace: leaf.name })
    }
    const ports = nodes.map(({ port }) => port)
    await leaf.start('zebra', zebraConfig(ports))
    await leaf.start('bgpd', bgpdConfig(65009, '10.0.0.9', ports))
    for (const node of nodes) {
      await node.router.start('zebra', zebraConfig(['uplink']))
      await this.startBgpd(node)
    }
    this.#monitor = await watchRoutes({ namespace: leaf.name, onRoute: (event) => this.#note(event) })
    await this.#startApi()
  }

  #note({ kind, destination, nextHops }: RouteEvent): void {
    const ports = nextHops.flatMap(({ device }) => device ?? []).sort()
    this.atLeaf.set(destination, kind === 'deleted' ? [] : ports)
    this.#onRoute()
  }

  async startBgpd({ router, asn, loopback, port }: BenchNode): Promise<void> {
    await router.start('bgpd', bgpdConfig(asn, loopback, ['uplink']))
    const bgpd = this.leaf.connect('bgpd')
    for (;;) {
      const sessions = (await readBgpSummary(bgpd))?.sessions ?? []
      const own = sessions.filter(({ neighbor }) => neighbor.includes(port))
      if (own.length === 2 && own.every((session) => session.isEstablished)) break
      await delay(50)
    }
    bgpd.close()
  }

  async #startApi(): Promise<void> {
    const script = fileURLToPath(new URL('../../test/agent/api-process.ts', import.meta.url))
    const argv = inNamespace(this.#first.router.name, [process.execPath, script, `${apiPort}`, '0.0.0.0'])
    const [command, ...args] = argv
    this.#api = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#api.on('message', ({ id }: { id: number }) => {
      this.#replies.get(id)?.()
      this.#replies.delete(id)
    })
    await once(this.#api, 'message')
    for (const { name } of this.nodes)
      await this.request('POST', '/api/v1/nodes', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name },
        status: { conditions: [{ type: 'Ready', status: 'True' }] },
      })
  }

  async request(method: string, path: string, body: unknown): Promise<void> {
    const id = ++this.#lastId
    const reply = new Promise<void>((resolve) => this.#replies.set(id, resolve))
    this.#api?.send({ id, method, path, body })
    await reply
  }

  /** Services numbered from..to, each with an address and ten endpoints, one of them on the first node. */
  async createServices(from: number, to: number, family: Family): Promise<void> {
    let next = from
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while (next < to) await this.#createService(next++, family)
      }),
    )
  }

  async #createService(index: number, family: Family): Promise<void> {
    const name = nameOf(index, family)
    await this.request('POST', '/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, labels: index === 0 ? movingLabels : {} },
      // There are 2,768 node ports, as on a real cluster: nobody gets one here, and a Local policy takes one for health.
      spec: {
        type: 'LoadBalancer',
        allocateLoadBalancerNodePorts: false,
        externalTrafficPolicy: index === 0 ? 'Local' : 'Cluster',
        ipFamilies: [family === 'ipv4' ? 'IPv4' : 'IPv6'],
        ports: [{ port: 80, protocol: 'TCP' }],
        selector: { app: name },
      },
    })
    await this.request('PATCH', `/api/v1/namespaces/default/services/${name}/status`, {
      status: { loadBalancer: { ingress: [{ ip: addressOf(index, family) }] } },
    })
    await this.request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, labels: { 'kubernetes.io/service-name': name } },
      addressType: family === 'ipv4' ? 'IPv4' : 'IPv6',
      ports: [{ port: 80, protocol: 'TCP', name: '' }],
      endpoints: endpointsOf(index, family, 'n1', true),
    })
  }

  /** Makes the Service's endpoints ready or not; the only one of the two nodes is on `node`. */
  async setEndpoints(index: number, family: Family, node: string, ready: boolean): Promise<void> {
    const path = `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/${nameOf(index, family)}`
    await this.request('PATCH', path, { endpoints: endpointsOf(index, family, node, ready) })
  }

  /** Removes all Services of a family, so that another can be measured alone. */
  async removeServices(count: number, family: Family): Promise<void> {
    for (let index = 0; index < count; index++) {
      const name = nameOf(index, family)
      await this.request('DELETE', `/api/v1/namespaces/default/services/${name}`, undefined)
      await this.request(
        'DELETE',
        `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/${name}`,
        undefined,
      )
    }
  }

  async startAgent(node: BenchNode): Promise<number> {
    const file = join(this.directory, `${node.name}.json`)
    await writeFile(
      file,
      JSON.stringify({
        node: node.name,
        api: { url: `http://${this.#first.loopback}:${apiPort}` },
        frr: { pathspace: node.router.name },
        pools: [
          { name: 'web', cidr: '10.9.0.0/16', scope: 'site' },
          { name: 'web6', cidr: 'fd09::/64', scope: 'site' },
        ],
        loopbacks: [node.loopback],
        // The second node is there for the Service that moves.
        ...(node === this.#first ? {} : { serviceSelector: { matchLabels: movingLabels } }),
        metricsAddress: '127.0.0.1:9099',
        logLevel: 'error',
        // One address that changes many times is what is measured here.
        damping: { freeChanges: 1_000_000 },
        guards: { lastAnnouncer: 'off', withdrawShare: 1 },
      }),
    )
    const main = fileURLToPath(new URL('../../src/agent/main.ts', import.meta.url))
    const [command, ...args] = inNamespace(node.router.name, [process.execPath, ...leanFlags, main, file])
    node.agent = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: withCompileCache({ ...process.env, ...leanEnvironment }),
    })
    return node.agent.pid!
  }

  async stopAgent(node: BenchNode): Promise<void> {
    const { agent } = node
    node.agent = undefined
    if (agent === undefined) return
    agent.kill('SIGKILL')
    await once(agent, 'exit')
  }

  /** A node that has just booted: nothing is announced, no address is there, the guard's table does not exist. */
  async resetNode(node: BenchNode): Promise<void> {
    const namespace = node.router.name
    await this.stopAgent(node)
    await node.router.kill('bgpd')
    await applyIpBatch(['addr flush dev lo to 10.9.0.0/16', 'addr flush dev lo to fd09::/64'], { namespace })
    for (const family of ['-4', '-6'])
      await run(inNamespace(namespace, ['ip', family, 'route', 'flush', 'table', 'local', 'proto', '198']), {
        acceptFailure: true,
      })
    await run(inNamespace(namespace, ['nft', 'flush', 'ruleset']))
    while ((await this.countAtLeaf()) > 0) await delay(20)
    await this.startBgpd(node)
  }

  /** Service addresses in the leaf's kernel. */
  async countAtLeaf(): Promise<number> {
    const read = (family: Family) => readRoutes({ namespace: this.leaf.name, protocol: 'bgp', family })
    const routes = (await Promise.all([read('ipv4'), read('ipv6')])).flat()
    return routes.filter(({ destination }) => /^(10\.9\.|fd09:)/.test(destination)).length
  }

  /** Waits until the leaf's kernel sends a destination to exactly, or at least, these ports. */
  async untilAtLeaf(destination: string, isWanted: (ports: readonly string[]) => boolean): Promise<void> {
    while (!isWanted(this.atLeaf.get(destination) ?? [])) {
      await new Promise<void>((resolve) => {
        this.#onRoute = resolve
      })
    }
  }
}

/** A process's memory and CPU, from /proc. */
export function readProcess(pid: number): { residentMiB: number; peakMiB: number; cpuSeconds: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return {
    residentMiB: mebibytes('VmRSS'),
    peakMiB: mebibytes('VmHWM'),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
  }
}

function addressOf(index: number, family: Family): string {
  return family === 'ipv4'
    ? `10.9.${Math.floor(index / 250)}.${(index % 250) + 1}`
    : `fd09::${(index + 1).toString(16)}`
}

export function prefixOf(index: number, family: Family): string {
  return `${addressOf(index, family)}/${family === 'ipv4' ? 32 : 128}`
}

function nameOf(index: number, family: Family): string {
  return `${family === 'ipv4' ? 's' : 'six'}${index}`
}

function endpointsOf(index: number, family: Family, node: string, ready: boolean): object[] {
  return Array.from({ length: endpointsPerService }, (_, number) => ({
    addresses: [
      family === 'ipv4' ? `10.1.${index % 250}.${number + 1}` : `fd01::${index.toString(16)}:${number + 1}`,
    ],
    nodeName: number === 0 ? node : `other${number}`,
    conditions: { ready, serving: ready, terminating: false },
  }))
}

function zebraConfig(devices: readonly string[]): string {
  const sections = devices.map(
    (device) => `interface ${device}\n ipv6 nd ra-interval 1\n no ipv6 nd suppress-ra\n`,
  )
  return `frr defaults datacenter\nno zebra nexthop kernel enable\nzebra work-queue 0\n${sections.join('')}`
}

function bgpdConfig(asn: number, routerId: string, devices: readonly string[]): string {
  const forEach = (line: (device: string) => string) => devices.map((device) => `${line(device)}\n`).join('')
  return `frr defaults datacenter
route-map VIP-site permit 10
 set large-community 65000:3:2
router bgp ${asn}
 bgp router-id ${routerId}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
${forEach((device) => ` neighbor ${device} interface remote-as external\n neighbor ${device} timers connect 1`)} address-family ipv4 unicast
  network ${routerId}/32
${forEach((device) => `  neighbor ${device} activate`)} exit-address-family
 address-family ipv6 unicast
${forEach((device) => `  neighbor ${device} activate`)} exit-address-family
`
}
