import { access, readFile, writeFile } from 'node:fs/promises'
import { FrrDaemon } from '../../src/frr/daemon.ts'
import { readBgpTable } from '../../src/frr/show-bgp.ts'
import { loadIntent } from '../../src/intent/load.ts'
import { ClusterApi } from '../../src/lab/cluster-api.ts'
import { awaitForwarding, readNextHops } from '../../src/lab/forwarding.ts'
import { namespaceOf, pathsOf } from '../../src/lab/names.ts'
import { openProbe, type ProbeHost } from '../../src/lab/probe/probe-host.ts'
import { startResident } from '../../src/lab/resident.ts'
import { type LabProcess, type LabState, requireState, writeState } from '../../src/lab/state.ts'
import { readStatus } from '../../src/lab/status.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { findPids, inNamespace } from '../../src/linux/namespace.ts'
import { type RouteEvent, watchRoutes } from '../../src/linux/route-monitor.ts'
import { run } from '../../src/linux/run.ts'
import { formatAddress } from '../../src/net/address.ts'
import { addressAt, parsePrefix } from '../../src/net/prefix.ts'
import { emptyLock } from '../../src/plan/lock.ts'
import { planFabric } from '../../src/plan/plan-fabric.ts'
import { rack } from './rack.ts'

/*
 * The rack in which any advertiser of Kubernetes addresses can be judged from outside: two ToR routers, three nodes with
 * a link to each, a prober behind a spine, a Kubernetes API. What counts is what the ToRs forward, and when.
 */

export const announceBudgetMs = 1000
export const withdrawBudgetMs = 500

export const tors = ['dc1-rack1-leaf1', 'dc1-rack1-leaf2']
export const prober = 'dc1-spine1'

interface Port {
  name: string
  port: number
  protocol?: 'TCP' | 'UDP'
}

interface ServiceOptions {
  address?: string
  type?: 'LoadBalancer' | 'ClusterIP'
  policy?: 'Cluster' | 'Local'
  annotations?: Record<string, string>
  selector?: Record<string, string>
  families?: ('IPv4' | 'IPv6')[]
  externalIPs?: string[]
  ports?: Port[]
}

interface Endpoint {
  node: string
  /** Default: true; null leaves the condition out. */
  ready?: boolean | null
  serving?: boolean
  terminating?: boolean
}

export class ConformanceFabric {
  readonly lab: string
  readonly api: ClusterApi
  readonly probe: ProbeHost
  readonly #state: LabState

  private constructor(state: LabState) {
    this.#state = state
    this.lab = state.name
    this.api = new ClusterApi(state.name, state.plan.clusters[0]!)
    this.probe = openProbe(state.name, prober)
  }

  static async up(lab: string): Promise<ConformanceFabric> {
    const { intent, diagnostics } = loadIntent(JSON.stringify(rack), { file: 'rack' })
    if (intent === null) throw new Error(JSON.stringify(diagnostics))
    const { plan } = planFabric(intent, emptyLock)
    await takeDown(lab)
    const { state } = await bringUp(plan!, { name: lab, underTest: ['node'] })
    return new ConformanceFabric(state)
  }

  async down(): Promise<void> {
    this.api.close()
    this.probe.close()
    await takeDown(this.lab)
  }

  /** Nodes that each ToR forwards the address to; both must agree. */
  async announcers(address: string): Promise<string[]> {
    return await this.forwardersOf(prefixOf(address))
  }

  podPrefixesOf(node: string): string[] {
    return this.#state.plan.devices.find(({ name }) => name === node)!.podCidrs
  }

  /** Like {@link announcers}, for any prefix. */
  async forwardersOf(prefix: string): Promise<string[]> {
    const [first, second] = await Promise.all(tors.map((tor) => this.#nodesBehind(tor, prefix)))
    return JSON.stringify(first) === JSON.stringify(second) ? first! : [`differ: ${first} | ${second}`]
  }

  /** Waits until both ToRs forward the address to exactly these nodes; milliseconds since `since`. */
  async untilAnnouncers(
    address: string,
    nodes: readonly string[],
    since = Date.now(),
    timeoutMs = 15_000,
  ): Promise<number> {
    const wanted = JSON.stringify([...nodes].sort())
    const at = await awaitForwarding(
      this.lab,
      tors,
      prefixOf(address),
      async () => JSON.stringify(await this.announcers(address)) === wanted,
      timeoutMs,
    )
    return at - since
  }

  /** Waits until the whole fabric is as planned again: BFD comes up seconds after the routes do. */
  async untilAsPlanned(timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const { differences } = await readStatus(this.lab)
      if (differences.length === 0) return
      if (Date.now() > deadline) throw new Error(`not as planned: ${JSON.stringify(differences[0])}`)
    }
  }

  /** Records what the ToRs' kernels do with an address while something happens. */
  async record(address: string, during: () => Promise<void>): Promise<RouteEvent[]> {
    const events: RouteEvent[] = []
    const monitors = await Promise.all(
      tors.map((tor) =>
        watchRoutes({
          namespace: namespaceOf(this.lab, tor),
          onRoute: (event) => {
            if (event.destination === prefixOf(address)) events.push(event)
          },
        }),
      ),
    )
    try {
      await during()
    } finally {
      for (const monitor of monitors) monitor.stop()
    }
    return events
  }

  async createService(name: string, options: ServiceOptions = {}): Promise<void> {
    const {
      type = 'LoadBalancer',
      policy = 'Cluster',
      ports = [{ name: 'http', port: 80 }],
      families,
    } = options
    await this.api.create('/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name,
        annotations: {
          ...(options.address === undefined ? {} : { 'weft.dev/address': options.address }),
          ...options.annotations,
        },
      },
      spec: {
        type,
        ...(type === 'LoadBalancer' ? { externalTrafficPolicy: policy } : {}),
        ...(families === undefined
          ? {}
          : {
              ipFamilies: families,
              ipFamilyPolicy: families.length > 1 ? 'RequireDualStack' : 'SingleStack',
            }),
        ...(options.externalIPs === undefined ? {} : { externalIPs: options.externalIPs }),
        ...(options.selector === undefined ? {} : { selector: options.selector }),
        ports: ports.map((port) => ({ ...port, targetPort: 8080 })),
      },
    })
  }

  async deleteService(name: string): Promise<void> {
    await this.api.delete(`/api/v1/namespaces/default/services/${name}`)
  }

  /** Writes an EndpointSlice of a Service without selector; an address of the node's pod prefix for each endpoint. */
  async setEndpoints(
    service: string,
    endpoints: readonly Endpoint[],
    slice = `${service}-1`,
    family: 'IPv4' | 'IPv6' = 'IPv4',
  ): Promise<void> {
    const collection = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
    const body = {
      endpoints: endpoints.map(({ node, ready = true, serving, terminating }, index) => ({
        addresses: [this.#podAddress(node, index + 2, family)],
        nodeName: node,
        conditions: {
          ...(ready === null ? {} : { ready }),
          ...(serving === undefined ? {} : { serving }),
          ...(terminating === undefined ? {} : { terminating }),
        },
      })),
    }
    const exists = await this.api.get(`${collection}/${slice}`).then(
      () => true,
      () => false,
    )
    if (exists) await this.api.patch(`${collection}/${slice}`, body)
    else
      await this.api.create(collection, {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: slice, labels: { 'kubernetes.io/service-name': service } },
        addressType: family,
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        ...body,
      })
  }

  async deleteSlice(slice: string): Promise<void> {
    await this.api.delete(`/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/${slice}`)
  }

  /** Standard communities of an address, as the first ToR got them. */
  async communities(address: string): Promise<string> {
    return (await this.#paths(address)).map(({ community }) => community?.string ?? '').join(' ')
  }

  /** Length of the longest AS path by which the first ToR got an address. */
  async longestPath(address: string): Promise<number> {
    return Math.max(...(await this.#paths(address)).map(({ aspath }) => aspath?.length ?? 0))
  }

  /** Share of each node in what the first ToR forwards, as the kernel weighs its next hops; two decimals. */
  async shares(address: string): Promise<Record<string, number>> {
    const { interfaces } = this.#state.plan.devices.find(({ name }) => name === tors[0])!
    const hops = await readNextHops(this.lab, tors[0]!, prefixOf(address))
    const total = hops.reduce((sum, { weight }) => sum + weight, 0)
    return Object.fromEntries(
      hops
        .map(({ device, weight }) => [
          interfaces.find(({ name }) => name === device)?.peerDevice ?? '?',
          Math.round((100 * weight) / total) / 100,
        ])
        .sort(),
    )
  }

  /** Kills a daemon of FRR on a node. */
  async killDaemon(node: string, daemon: string): Promise<void> {
    const namespace = namespaceOf(this.lab, node)
    for (const pid of (await findPids([namespace])).get(namespace) ?? []) {
      const { stdout } = await run(['cat', `/proc/${pid}/comm`])
      if (stdout.trim() === daemon) process.kill(pid, 'SIGKILL')
    }
  }

  /** Sum of UPDATE messages that the ToRs have received from nodes, and times that their sessions were established. */
  async sessionCounters(): Promise<{ updates: number; established: number }> {
    let updates = 0
    let established = 0
    for (const tor of tors) {
      const bgpd = new FrrDaemon('bgpd', { pathspace: namespaceOf(this.lab, tor) })
      const neighbors = JSON.parse(await bgpd.show('show bgp neighbors json')) as Record<
        string,
        { messageStats?: { updatesRecv: number }; connectionsEstablished?: number }
      >
      bgpd.close()
      for (const neighbor of Object.values(neighbors)) {
        updates += neighbor.messageStats?.updatesRecv ?? 0
        established += neighbor.connectionsEstablished ?? 0
      }
    }
    return { updates, established }
  }

  /** Everything the ToRs know from BGP, with all attributes and without times: the same text means the same tables. */
  async table(): Promise<string> {
    const lines: string[] = []
    for (const tor of tors) {
      for (const family of ['ipv4', 'ipv6'] as const) {
        for (const [prefix, paths] of await this.#withBgpd(tor, (bgpd) => readBgpTable(bgpd, family)))
          lines.push(...paths.map((path) => `${tor} ${prefix} ${JSON.stringify(path)}`).sort())
      }
    }
    return lines.sort().join('\n')
  }

  /** The interface of a device that leads to another one. */
  portTo(device: string, peer: string): string {
    const { interfaces } = this.#state.plan.devices.find(({ name }) => name === device)!
    return interfaces.find(({ peerDevice }) => peerDevice === peer)!.name
  }

  /** Changes a line in a device's BGP instance, as an operator at its console would. */
  async configureSession(device: string, line: string): Promise<void> {
    const { asn } = this.#state.plan.devices.find(({ name }) => name === device)!
    await this.#withBgpd(device, (bgpd) => bgpd.configure([{ context: [`router bgp ${asn}`], line }]))
  }

  async resetSession(device: string, neighbor: string): Promise<void> {
    await this.#withBgpd(device, (bgpd) => bgpd.show(`clear bgp ${neighbor}`))
  }

  /** Loads nftables rules on a device. */
  async nft(device: string, rules: string): Promise<void> {
    await run(inNamespace(namespaceOf(this.lab, device), ['nft', '-f', '-']), { input: rules })
  }

  async metricsOf(node: string): Promise<string> {
    const socket = `${pathsOf(this.lab).root}/nodes/${node}-agent.sock`
    return (await run(['curl', '-sf', '--unix-socket', socket, 'http://agent/metrics'])).stdout
  }

  /** Resolves when a process of a node has ended. */
  async ended(node: string, what: 'agent' | 'runtime' | 'api'): Promise<void> {
    const { pid } = await this.process(node, what)
    const isThere = () =>
      access(`/proc/${pid}`).then(
        () => true,
        () => false,
      )
    while (await isThere()) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** Process of a lab's node: its agent, its runtime, or the API on the first one. */
  async process(node: string, what: 'agent' | 'runtime' | 'api'): Promise<LabProcess> {
    const { processes } = await requireState(this.lab)
    return processes.find(({ name }) => name === `${node}/${what}`)!
  }

  async kill(node: string, what: 'agent' | 'runtime' | 'api', signal: NodeJS.Signals): Promise<void> {
    process.kill((await this.process(node, what)).pid, signal)
  }

  /** Starts a node's process again after it was killed, its configuration changed as told. */
  async restart(
    node: string,
    what: 'agent' | 'runtime' | 'api',
    changes: Record<string, unknown> = {},
  ): Promise<void> {
    const file = `${pathsOf(this.lab).configs}/${node}/${what}.json`
    const config = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    await writeFile(file, JSON.stringify({ ...config, ...changes }))
    const state = await requireState(this.lab)
    const index = state.processes.findIndex(({ name }) => name === `${node}/${what}`)
    const program = { agent: 'agent/main.ts', runtime: 'lab/node/main.ts', api: 'lab/kubernetes/main.ts' }[
      what
    ]
    const path = new URL(`../../src/${program}`, import.meta.url).pathname
    state.processes[index] = await startResident(this.lab, node, what, [process.execPath, path, file])
    await writeState(state)
  }

  async #paths(address: string): Promise<{ community?: { string: string }; aspath?: { length: number } }[]> {
    const bgpd = new FrrDaemon('bgpd', { pathspace: namespaceOf(this.lab, tors[0]!) })
    try {
      const text = await bgpd.show(`show bgp ipv4 unicast ${prefixOf(address)} json`)
      return JSON.parse(text).paths ?? []
    } finally {
      bgpd.close()
    }
  }

  async #withBgpd<T>(device: string, ask: (bgpd: FrrDaemon) => Promise<T>): Promise<T> {
    const bgpd = new FrrDaemon('bgpd', { pathspace: namespaceOf(this.lab, device) })
    try {
      return await ask(bgpd)
    } finally {
      bgpd.close()
    }
  }

  #podAddress(node: string, host: number, family: 'IPv4' | 'IPv6'): string {
    const prefix = parsePrefix(this.podPrefixesOf(node)[family === 'IPv4' ? 0 : 1]!)
    return formatAddress(addressAt(prefix, host))
  }

  async #nodesBehind(tor: string, prefix: string): Promise<string[]> {
    const { interfaces } = this.#state.plan.devices.find(({ name }) => name === tor)!
    const hops = await readNextHops(this.lab, tor, prefix)
    return hops.map((hop) => interfaces.find(({ name }) => name === hop.device)?.peerDevice ?? '?').sort()
  }
}

function prefixOf(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`
}
