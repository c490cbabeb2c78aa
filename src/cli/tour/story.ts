import { setTimeout as delay } from 'node:timers/promises'
import { ClusterApi } from '../../lab/cluster-api.ts'
import { drainNode, undrainNode } from '../../lab/drain.ts'
import { healFault, injectFault } from '../../lab/faults/faults.ts'
import { awaitNextHops, followRoute } from '../../lab/forwarding.ts'
import { clientHost } from '../../lab/names.ts'
import type { FlowReport } from '../../lab/probe/flow-report.ts'
import { openProbe, type ProbeHost } from '../../lab/probe/probe-host.ts'
import { countAnswers, sendRequests } from '../../lab/probe/requests.ts'
import type { LabState } from '../../lab/state.ts'
import type { PlannedCluster } from '../../plan/model.ts'
import { formatTable } from '../table.ts'
import { milliseconds, type Narrator } from './narrator.ts'
import { awaitPods, deleteWeb, deployWeb, echoPort, webPort } from './web-service.ts'

/*
 * What the tour shows once the fabric is up, chapter by chapter. Every number is measured where a user would feel it:
 * at the client beyond the edge.
 */

/** Unannounced failures must heal within this; BFD at 100 ms x 3 needs about 300 ms of it. */
const outageLimitMs = 1000
const flowCount = 32
const packetsPerSecond = 1280
const requestsPerSecond = 40
/** Traffic before and after an event, so that its edges are seen. */
const marginMs = 500

export class Story {
  readonly #state: LabState
  readonly #narrator: Narrator
  readonly #apis: ClusterApi[]
  readonly #client: ProbeHost
  readonly #prefix: string
  readonly #address: string

  /** @param address service address from the global pool that both sites announce */
  constructor(state: LabState, address: string, narrator: Narrator) {
    this.#state = state
    this.#narrator = narrator
    this.#address = address
    this.#prefix = `${address}/32`
    this.#apis = state.plan.clusters.map((cluster) => new ClusterApi(state.name, cluster))
    this.#client = openProbe(state.name, clientHost)
  }

  close(): void {
    for (const api of this.#apis) api.close()
    this.#client.close()
  }

  async deploy(): Promise<void> {
    const { plan, name: lab } = this.#state
    this.#narrator.chapter('A web Service in both sites, behind one address')
    const outside = plan.devices.filter((device) => device.role === 'external').map((device) => device.name)
    for (const [index, cluster] of plan.clusters.entries()) {
      await deployWeb(this.#apis[index]!, this.#webNodes(cluster), this.#address)
      this.#narrator.say(`${cluster.name}: pods on ${this.#webNodes(cluster).join(' and ')}`)
    }
    for (const [index, cluster] of plan.clusters.entries()) {
      await awaitPods(this.#apis[index]!, this.#webNodes(cluster).length)
    }
    await Promise.all(
      outside.map((device) => awaitNextHops(lab, device, this.#prefix, (hops) => hops.length > 1)),
    )
    this.#narrator.find(
      `${this.#prefix} is known beyond the edge`,
      `by ${outside.join(' and ')}, each over two edge routers`,
      true,
    )
  }

  async showWay(): Promise<void> {
    this.#narrator.chapter('The way from outside to a pod')
    const [first] = this.#state.plan.devices.filter((device) => device.role === 'external')
    const steps = await followRoute(this.#state, first!.name, this.#prefix)
    this.#narrator.say(
      formatTable(steps, [
        { header: 'AT', value: (step) => step.device },
        { header: 'PATHS', value: (step) => step.nextDevices.length || null, align: 'right' },
        { header: 'TO', value: (step) => step.nextDevices.join(' ') || 'local: one of its pods' },
        { header: 'AS PATH', value: (step) => step.asPath },
      ]),
    )
  }

  async showAnswers(): Promise<void> {
    this.#narrator.chapter('Requests from the client beyond the edge')
    const report = await sendRequests(this.#client, { url: this.#url(), timeoutMs: 2000 }, 80)
    const byNode = countAnswers(report, 'node')
    this.#narrator.say(sharesOf(byNode))
    const expected = this.#state.plan.clusters.flatMap((cluster) => this.#webNodes(cluster))
    this.#narrator.find(
      `${report.sent} requests, each over a connection of its own`,
      `${report.failed} failed, ${byNode.size} of ${expected.length} nodes answered`,
      report.failed === 0 && byNode.size === expected.length,
    )
  }

  /** A link that stays up but carries nothing: only BFD notices. */
  async cutLink(): Promise<void> {
    const { name: lab, plan } = this.#state
    const [node] = this.#webNodes(plan.clusters[0]!)
    const link = plan.links.find(({ b }) => b.device === node)!
    this.#narrator.chapter('A link fails silently')
    this.#narrator.say(`${link.id}: carrier stays up, every packet is lost, in both directions`)
    const isUsed = (hops: readonly { device?: string }[]) =>
      hops.some((hop) => hop.device === link.a.interface)
    let fault = ''
    const { flows } = await this.#measure(async () => {
      fault = (await injectFault(lab, { kind: 'silent', link: link.id })).id
      await awaitNextHops(lab, link.a.device, this.#prefix, (hops) => !isUsed(hops))
    })
    this.#tellOutage('a link fails silently', flows)
    await healFault(lab, fault)
    await awaitNextHops(lab, link.a.device, this.#prefix, isUsed)
    this.#narrator.say('healed; the link carries traffic again')
  }

  /** Planned work: traffic moves first, then the node may go. */
  async drain(): Promise<void> {
    const [node] = this.#webNodes(this.#state.plan.clusters[0]!)
    this.#narrator.chapter('A node is drained for maintenance, and returns')
    const { flows, requests } = await this.#measure(async () => {
      await drainNode(this.#state, node!, this.#prefix)
      this.#narrator.say(`${node} announces GRACEFUL_SHUTDOWN; the fabric uses other nodes now`)
      await delay(marginMs)
      await undrainNode(this.#state, node!, this.#prefix)
      this.#narrator.say(`${node} is back in service`)
    })
    this.#narrator.find(
      'a node is drained and returns',
      `${flows.lost} of ${flows.sent} packets lost`,
      flows.lost === 0,
    )
    // A connection that is open while its path moves meets a node that does not know it: anycast cannot help that.
    this.#narrator.say(
      `requests meanwhile: ${requests.sent}, of which ${requests.lost} were cut off by the move`,
    )
  }

  /** Everything on the node dies at once. */
  async killNode(): Promise<void> {
    const { name: lab, plan } = this.#state
    const node = this.#webNodes(plan.clusters[0]!)[1]!
    const links = plan.links.filter(({ b }) => b.device === node)
    this.#narrator.chapter('A node dies')
    this.#narrator.say(`${node}: power off`)
    const { flows } = await this.#measure(async () => {
      await injectFault(lab, { kind: 'device', device: node, how: 'power' })
      await Promise.all(
        links.map(({ a }) =>
          awaitNextHops(lab, a.device, this.#prefix, (hops) =>
            hops.every((hop) => hop.device !== a.interface),
          ),
        ),
      )
      this.#narrator.say(`its leaves ${links.map(({ a }) => a.device).join(' and ')} have withdrawn it`)
    })
    this.#tellOutage('a node dies', flows)
    const after = await sendRequests(this.#client, { url: this.#url(), timeoutMs: 2000 }, 40)
    const answered = countAnswers(after, 'node')
    this.#narrator.say(sharesOf(answered))
    this.#narrator.find(
      'requests after the node died',
      `${after.failed} of ${after.sent} failed, none answered by ${node}`,
      after.failed === 0 && !answered.has(node),
    )
  }

  /** The site has no announcer left: the other one takes over, whichever provider the client uses. */
  async leaveSite(): Promise<void> {
    const { name: lab, plan } = this.#state
    const cluster = plan.clusters[0]!
    const border = plan.devices.find(
      (device) => device.role === 'border-leaf' && device.site === cluster.site,
    )!
    this.#narrator.chapter(`The Service is deleted in ${cluster.site}; the other site takes over`)
    await deleteWeb(this.#apis[0]!)
    const dci = new Set(
      border.interfaces
        .filter(({ peerDevice }) => isRole(this.#state, peerDevice, 'dci-router'))
        .map(({ name }) => name),
    )
    await awaitNextHops(
      lab,
      border.name,
      this.#prefix,
      (hops) => hops.length > 0 && hops.every((hop) => dci.has(hop.device ?? '')),
    )
    const outside = plan.devices.find((device) => device.role === 'external')!
    await awaitNextHops(lab, outside.name, this.#prefix, (hops) => hops.length > 0)
    this.#narrator.say(`${border.name} reaches ${this.#prefix} over the DCI now`)
    const report = await sendRequests(this.#client, { url: this.#url(), timeoutMs: 2000 }, 40)
    const zones = countAnswers(report, 'zone')
    this.#narrator.say(sharesOf(zones))
    this.#narrator.find(
      'requests after a site has no announcer left',
      `${report.failed} of ${report.sent} failed, all answered in ${[...zones.keys()].join(', ')}`,
      report.failed === 0 && !zones.has(cluster.site),
    )
  }

  /** Two nodes that do not run the control plane, in different racks where there are several. */
  #webNodes(cluster: PlannedCluster): string[] {
    const workers = this.#state.plan.devices.filter(
      (device) => cluster.nodes.includes(device.name) && !cluster.controlPlane.includes(device.name),
    )
    const first = workers[0]!
    const second = workers.find((device) => device.rack !== first.rack) ?? workers[1]!
    return [first.name, second.name]
  }

  #url(): string {
    return `http://${this.#address}:${webPort}/`
  }

  /** Runs an event under traffic. */
  async #measure(event: () => Promise<void>): Promise<{ flows: FlowReport; requests: FlowReport }> {
    const destination = this.#address
    const [flows, requests] = await Promise.all([
      this.#client.startFlows({ destination, port: echoPort, flows: flowCount, packetsPerSecond }),
      this.#client.startFlows({
        protocol: 'http',
        destination,
        port: webPort,
        flows: 1,
        packetsPerSecond: requestsPerSecond,
      }),
    ])
    await delay(marginMs)
    await event()
    await delay(marginMs)
    const [ofFlows, ofRequests] = await Promise.all([flows.stop(), requests.stop()])
    return { flows: ofFlows, requests: ofRequests }
  }

  #tellOutage(what: string, flows: FlowReport): void {
    const hit = flows.flows.filter((flow) => flow.lost > 0).length
    const { worst } = flows
    this.#narrator.find(
      what,
      `${milliseconds(worst.longestGapMs)} outage of the worst flow, ${hit} of ${flows.flows.length} flows hit`,
      hit > 0 && worst.longestGapMs < outageLimitMs,
    )
    this.#narrator.say(`(measured with a resolution of ${milliseconds(flows.resolutionMs)})`)
    if (flows.voidedBecause !== null) this.#narrator.say(`take the number with care: ${flows.voidedBecause}`)
  }
}

function isRole(state: LabState, device: string, role: string): boolean {
  return state.plan.devices.some((candidate) => candidate.name === device && candidate.role === role)
}

function sharesOf(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([value, count]) => `${value} ${count}`).join(' · ')
}
