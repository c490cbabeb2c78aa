import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { Option } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { findNearest } from '../intent/nearest.ts'
import { pathsOf } from '../lab/names.ts'
import { type LabState, listLabs, onlyLab, requireState } from '../lab/state.ts'
import { askAgent } from './agent-request.ts'

/*
 * Which agents a command speaks to: the one of this machine, the one behind --socket, or those of a lab's nodes.
 */

/** Where an agent listens unless its configuration says otherwise. */
const defaultSocket = '/run/weft/agent.sock'

export interface AgentTarget {
  /** As the plan or the agent itself calls it. */
  node: string
  /** The cluster, in a lab. */
  cluster?: string
  socket: string
}

export interface TargetOptions {
  socket?: string
  lab?: string
  node?: string
}

export interface Targets {
  agents: AgentTarget[]
  /** The lab they are of; leaves can be asked too then. */
  lab?: LabState
}

/** Adds --socket and --lab to a command. */
export function addTargetOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--socket <path>', `status socket of one agent; default ${defaultSocket}`).conflicts('lab'),
    )
    .option('--lab <name>', 'all agents of a lab; the only lab when this machine has no agent of its own')
}

/** Finds the agents that the options mean, or says what there is instead. */
export async function findTargets(options: TargetOptions): Promise<Targets> {
  const own = options.socket ?? (existsSync(defaultSocket) ? defaultSocket : undefined)
  const isLab = options.lab !== undefined || (own === undefined && (await listLabs()).length > 0)
  if (isLab) return await labTargets(options.lab ?? (await onlyLab()), options.node)
  const socket = own ?? defaultSocket
  const { node } = await askAgent<{ node: string }>(socket, '/status')
  if (options.node !== undefined && options.node !== node) {
    throw new WeftError(
      'WEFT_NODE_UNKNOWN',
      `the agent at ${socket} speaks for ${node}, not ${options.node}`,
      {
        hint: `run this on ${options.node}: an agent knows about its own node only`,
        exitCode: 2,
      },
    )
  }
  return { agents: [{ node, socket }] }
}

async function labTargets(lab: string, node: string | undefined): Promise<Targets> {
  const state = await requireState(lab)
  const agents = state.plan.clusters.flatMap((cluster) =>
    cluster.nodes.map((name) => ({
      node: name,
      cluster: cluster.name,
      socket: `${pathsOf(lab).root}/nodes/${name}-agent.sock`,
    })),
  )
  const chosen = node === undefined ? agents : agents.filter((agent) => agent.node === node)
  if (chosen.length > 0) return { agents: chosen, lab: state }
  const names = agents.map((agent) => agent.node)
  const nearest = node === undefined ? null : findNearest(node, names)
  const found = node === undefined ? 'has no Kubernetes nodes' : `has no Kubernetes node "${node}"`
  throw new WeftError('WEFT_NODE_UNKNOWN', `lab "${lab}" ${found}`, {
    hint: nearest === null ? `it has: ${names.slice(0, 8).join(', ') || 'none'}` : `did you mean ${nearest}?`,
    exitCode: 2,
  })
}
