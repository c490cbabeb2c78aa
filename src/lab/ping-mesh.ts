import { setTimeout as delay } from 'node:timers/promises'
import { inNamespace } from '../linux/namespace.ts'
import { contains, parsePrefix } from '../net/prefix.ts'
import { LabReader } from './actual.ts'
import { forEachLimited } from './concurrency.ts'
import { servicePoolsOf } from './convergence.ts'
import { namespaceOf } from './names.ts'
import {
  type LiveServices,
  type MeshPair,
  type MeshStatement,
  pairsOfIntent,
  pairsOfPlan,
} from './ping-mesh-pairs.ts'
import { plannedDevices } from './planned.ts'
import { HostCapture, lastProbePort } from './probe/host-capture.ts'
import { ShellPool } from './shells.ts'
import type { LabState } from './state.ts'

/*
 * Who reaches whom, and who must not: datagrams from inside every source, looked for in the kernels of those that they
 * are for. One way each: an answer would need a way back, and a peer that hears nothing back may have got in all the
 * same. A pair is tried over several source ports, so that several of its paths are.
 *
 * Isolation is that no route leads there, as everywhere in Weft: what a peer forces upon an edge router with a route of
 * its own is a matter of packet filters.
 */

export interface MeshResult {
  lab: string
  statements: {
    text: string
    path: string | null
    pairs: number
    /** Pairs that packets came through, wanted or not. */
    arrived: number
    violated: number
    untried: string | null
  }[]
  violations: MeshViolation[]
}

export interface MeshViolation {
  statement: string
  path: string | null
  from: string
  address: string
  owners: readonly string[]
  sent: number
  arrived: number
}

const shellWidth = 4
const captureWidth = 8
const graceMs = 200
const mark = 'weft-mesh'

/** Tries every pair; the worst violations come first: what came through and must not, then what was lost whole. */
export async function pingMesh(
  state: LabState,
  options: { ofIntent: boolean; flows: number },
): Promise<MeshResult> {
  const live = await readLiveServices(state)
  const listPairs = options.ofIntent ? pairsOfIntent : pairsOfPlan
  const statements = listPairs(state.plan, live, { pods: state.hasPods })
  const pairs = statements.flatMap((statement) => statement.pairs)
  const arrived = await tryPairs(state, pairs, options.flows)
  const violations = statements.flatMap((statement) =>
    statement.pairs.flatMap((pair) => violationOf(statement, pair, arrived.get(pair) ?? 0, options.flows)),
  )
  return {
    lab: state.name,
    statements: statements.map((statement) => ({
      text: statement.text,
      path: statement.path,
      pairs: statement.pairs.length,
      arrived: statement.pairs.filter((pair) => (arrived.get(pair) ?? 0) > 0).length,
      violated: violations.filter((one) => one.statement === statement.text && one.path === statement.path)
        .length,
      untried: statement.untried,
    })),
    violations: violations.sort((a, b) => severity(b) - severity(a)),
  }
}

function violationOf(
  { text, path }: MeshStatement,
  { from, address, owners, wanted }: MeshPair,
  arrived: number,
  sent: number,
): MeshViolation[] {
  const isHeld = wanted === 'whatever' || (wanted === 'arrives' ? arrived === sent : arrived === 0)
  return isHeld ? [] : [{ statement: text, path, from, address, owners, sent, arrived }]
}

/** An open door is worse than a closed one, and that worse than one that jams. */
function severity({ statement, arrived, sent }: MeshViolation): number {
  return statement.startsWith('isolate') ? 2 : arrived === 0 ? 1 : arrived / sent / 2
}

/** Service addresses that nodes announce at this moment. */
async function readLiveServices(state: LabState): Promise<LiveServices> {
  const pools = servicePoolsOf(state.plan).map(({ prefix }) => parsePrefix(prefix))
  const planned = plannedDevices(state.plan, { pods: state.hasPods })
  const reader = new LabReader(state.name)
  const live = new Map<string, string[]>()
  try {
    const nodes = state.plan.devices.filter(({ role }) => role === 'node')
    await forEachLimited(nodes, shellWidth, async ({ name }) => {
      const routes = (await reader.routes(name, planned.get(name)?.families ?? [])) ?? new Map()
      for (const [prefix, { isLocal }] of routes) {
        const address = prefix.split('/')[0] as string
        if (!isLocal || !pools.some((pool) => contains(pool, parsePrefix(prefix)))) continue
        live.set(address, [...(live.get(address) ?? []), name])
      }
    })
    return live
  } finally {
    reader.close()
  }
}

/** How many of the packets of each pair came to one of its owners. */
async function tryPairs(
  state: LabState,
  pairs: readonly MeshPair[],
  flows: number,
): Promise<Map<MeshPair, number>> {
  const owners = [...new Set(pairs.flatMap((pair) => pair.owners))]
  const captures = new Map<string, HostCapture>()
  const shells = new ShellPool(shellWidth, { env: process.env })
  // Packets of another mesh that runs at the same time are not ours.
  const nonce = Math.random().toString(36).slice(2, 10)
  try {
    await forEachLimited(owners, captureWidth, async (owner) => {
      const capture = new HostCapture({
        namespace: namespaceOf(state.name, owner),
        filter: `dst port ${lastProbePort}`,
      })
      captures.set(owner, capture)
      await capture.start()
    })
    await Promise.all(
      [...Map.groupBy(pairs.entries(), ([, { from }]) => from)].map(async ([from, rows]) => {
        const lines = rows.flatMap(([index, { address }]) =>
          Array.from({ length: flows }, (_, flow) => {
            return `printf '${mark} ${nonce} ${index} ${flow}' > /dev/udp/${address}/${lastProbePort}`
          }),
        )
        const argv = inNamespace(namespaceOf(state.name, from), ['bash', '-s'])
        // No route is an answer as well: that packet does not arrive.
        await shells.run(`${argv.join(' ')} 2>/dev/null <<'END' || true\n${lines.join('\n')}\nEND`)
      }),
    )
    await delay(graceMs)
    await Promise.all([...captures.values()].map((capture) => capture.stop()))
    const seen = new Map([...captures].map(([owner, capture]) => [owner, arrivals(capture, nonce)] as const))
    return new Map(
      pairs.map((pair, index) => {
        const flowsSeen = pair.owners.flatMap((owner) => [...(seen.get(owner)?.get(index) ?? [])])
        return [pair, new Set(flowsSeen).size]
      }),
    )
  } finally {
    shells.close()
    for (const capture of captures.values()) capture.kill()
  }
}

/** Pair → flows whose packet came in. */
function arrivals(capture: HostCapture, nonce: string): Map<number, Set<number>> {
  const seen = new Map<number, Set<number>>()
  for (const { payload, isOutgoing } of capture.packets()) {
    const [word, run, pair, flow] = payload.toString('latin1').split(' ')
    if (isOutgoing || word !== mark || run !== nonce) continue
    const index = Number(pair)
    seen.set(index, (seen.get(index) ?? new Set()).add(Number(flow)))
  }
  return seen
}
