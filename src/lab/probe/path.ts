import { inNamespace } from '../../linux/namespace.ts'
import type { Plan } from '../../plan/model.ts'
import { namespaceOf } from '../names.ts'
import { ShellPool } from '../shells.ts'
import { type CableEnd, cablesOf, familyOf } from './hosts.ts'

/*
 * Which way a flow goes, asked of every kernel on the way: `ip route get` with the flow's ports and the interface that
 * it came in on does what forwarding does, hash policy and seed of that router included. Compared with real packets,
 * it was right for every flow (test/lab/probes.test.ts).
 *
 * IPv4 only: for IPv6 the kernel answers this question without looking at ports, and nothing is foretold.
 *
 * All flows are asked about together, device by device, one `ip -batch` each: 256 flows cost little more than one.
 */

export interface FlowKey {
  from: string
  source: string
  destination: string
  protocol: 'udp' | 'tcp'
  sourcePort: number
  destinationPort: number
}

export interface FlowPath {
  /** The sender first. */
  devices: string[]
  /** Ids of the links between them. */
  links: string[]
  /** Interface by which each device sends it on; one fewer than devices when the flow arrived. */
  interfaces: string[]
  /** Why it ends where it ends; `unknown` when it was not followed. */
  end: 'arrived' | 'no-route' | 'loop' | 'unknown'
}

const width = 4
const longestPath = 32

/** Follows flows through the kernels of a lab; paths are in the order of the flows. */
export async function followFlows(
  lab: { name: string; plan: Plan },
  flows: readonly FlowKey[],
): Promise<FlowPath[]> {
  const cables = cablesOf(lab.plan)
  const shells = new ShellPool(width, { env: process.env })
  const paths = flows.map(
    ({ from, destination }): FlowPath => ({
      devices: [from],
      links: [],
      interfaces: [],
      end: isForetold(destination) ? 'no-route' : 'unknown',
    }),
  )
  try {
    let walkers = flows
      .map((flow, index): Walker => ({ flow, path: paths[index] as FlowPath }))
      .filter(({ flow }) => isForetold(flow.destination))
    for (let hop = 0; walkers.length > 0 && hop < longestPath; hop++) {
      const byDevice = Map.groupBy(walkers, ({ path }) => path.devices.at(-1) as string)
      const moved = await Promise.all(
        [...byDevice].map(async ([device, here]) => {
          const answers = await ask(shells, lab.name, device, here)
          return here.filter((walker, index) => take(walker, device, answers[index], cables))
        }),
      )
      walkers = moved.flat()
    }
    for (const { path } of walkers) path.end = 'loop'
    return paths
  } finally {
    shells.close()
  }
}

/** Whether the ways of flows to an address can be known without sending them. */
export function isForetold(destination: string): boolean {
  return familyOf(destination) === 'ipv4'
}

interface Walker {
  flow: FlowKey
  path: FlowPath
  /** Where it came into the device that it is at; absent at its sender. */
  arrivedOn?: string
}

interface RouteAnswer {
  type?: string
  dev?: string
}

/** Asks one device about many flows; undefined for those that it has no route for. */
async function ask(
  shells: ShellPool,
  lab: string,
  device: string,
  walkers: readonly Walker[],
): Promise<(RouteAnswer | undefined)[]> {
  const questions = walkers.map(({ flow, arrivedOn }) =>
    [
      `route get ${flow.destination} from ${flow.source}`,
      ...(arrivedOn === undefined ? [] : [`iif ${arrivedOn}`]),
      `ipproto ${flow.protocol} sport ${flow.sourcePort} dport ${flow.destinationPort}`,
    ].join(' '),
  )
  const argv = inNamespace(namespaceOf(lab, device), ['ip', '-json', '-force', '-batch', '-'])
  // A refused question ends the batch with exit code 1, and its number is in what it says.
  const said = await shells.run(`${argv.join(' ')} <<'END' || true\n${questions.join('\n')}\nEND`)
  const lines = said.split('\n')
  const refused = new Set(lines.map((line) => Number(/^Command failed -:(\d+)/.exec(line)?.[1] ?? 0)))
  const answers = lines.filter((line) => line.startsWith('[')).values()
  return questions.map((_, index) => {
    if (refused.has(index + 1)) return undefined
    const line = answers.next().value
    return line === undefined ? undefined : (JSON.parse(line) as RouteAnswer[])[0]
  })
}

/** Takes a flow one device further; false when it has come to its end. */
function take(
  walker: Walker,
  device: string,
  answer: RouteAnswer | undefined,
  cables: ReadonlyMap<string, CableEnd>,
): boolean {
  const { path } = walker
  if (answer?.dev === undefined || (answer.type ?? 'unicast') === 'unreachable') return false
  const next = answer.type === 'local' ? undefined : cables.get(`${device}/${answer.dev}`)
  if (next === undefined) {
    // Local, or into a pod of this node: the fabric has done its part.
    path.end = answer.type === 'blackhole' ? 'no-route' : 'arrived'
    return false
  }
  path.interfaces.push(answer.dev)
  path.links.push(next.link ?? `${device}--${next.device}`)
  path.devices.push(next.device)
  walker.arrivedOn = next.interface
  return true
}
