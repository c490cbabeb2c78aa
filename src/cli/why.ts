import { Command } from 'commander'
import type { NodeExplanation } from '../agent/explain/explain.ts'
import { WeftError } from '../diagnostics/error.ts'
import { findNearest } from '../intent/nearest.ts'
import { askAgent } from './agent-request.ts'
import { type AgentTarget, addTargetOptions, findTargets, type TargetOptions } from './agent-targets.ts'
import { openOutput } from './output.ts'
import { type LeafView, Leaves } from './why-leaves.ts'
import { composeReport, type NodeAnswer, viewKey } from './why-report.ts'
import { printReport } from './why-text.ts'

interface WhyOptions extends TargetOptions {
  namespace?: string
}

/** `weft why`. */
export function whyCommand(): Command {
  const command = new Command('why')
    .description(
      'Says for each node and neighbor whether a Service address is announced, or the first reason why not, ' +
        'the object at fault and what to do. Exits with 1 when an address is announced nowhere.',
    )
    .argument('<service|address>', 'name, namespace/name, or one address')
    .option('-n, --namespace <name>', 'namespace of the Service')
    .option('--node <name>', 'ask about one node of a lab only')
  return addTargetOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  weft why web                         on a node: what its agent says
  weft why shop/web --lab demo         all nodes and leaves of a lab
  weft why 10.10.21.5 --node dc1-compute1-n1
  weft why web -o json | jq '.addresses[].nodes[] | select(.isAnnounced | not) | {node, reason}'

docs/reference/reasons.md explains each reason.`,
    )
    .action(async (subject: string, options: WhyOptions, self: Command) => {
      const output = openOutput(self)
      const { agents, lab } = await findTargets(options)
      const answers = await askAll(agents, subject, options.namespace)
      checkSubject(subject, answers)
      const leaves = lab === undefined ? undefined : new Leaves(lab)
      try {
        const views = leaves === undefined ? new Map() : await lookAtLeaves(leaves, answers)
        const report = composeReport(subject, answers, views)
        if (output.format === 'json') output.printJson(report)
        else printReport(report, output)
        if (!report.isAnnounced) process.exitCode = 1
      } finally {
        leaves?.close()
      }
    })
}

async function askAll(
  agents: readonly AgentTarget[],
  subject: string,
  namespace: string | undefined,
): Promise<NodeAnswer[]> {
  const query = new URLSearchParams({ subject, ...(namespace === undefined ? {} : { namespace }) })
  return await Promise.all(
    agents.map(async ({ node, cluster, socket }) => {
      const base = { node, ...(cluster === undefined ? {} : { cluster }) }
      try {
        return { ...base, explanation: await askAgent<NodeExplanation>(socket, `/why?${query}`) }
      } catch (error) {
        // With one agent there is nothing else to say.
        if (!(error instanceof WeftError) || agents.length === 1) throw error
        return { ...base, error: { code: error.code, message: error.message } }
      }
    }),
  )
}

/** Ends when no agent knows the name, or when it can mean several Services. */
function checkSubject(word: string, answers: readonly NodeAnswer[]): void {
  const subjects = answers.flatMap(({ explanation }) => explanation?.subject ?? [])
  const ambiguous = subjects.flatMap((subject) => (subject.kind === 'ambiguous' ? [subject.keys] : []))[0]
  if (ambiguous !== undefined) {
    throw new WeftError('WEFT_SERVICE_AMBIGUOUS', `"${word}" may be ${ambiguous.join(' or ')}`, {
      hint: `say which: weft why ${ambiguous[0]}`,
      exitCode: 2,
    })
  }
  if (subjects.length === 0 || subjects.some((subject) => subject.kind !== 'unknown')) return
  const known = [...new Set(subjects.flatMap((subject) => (subject.kind === 'unknown' ? subject.known : [])))]
  const names = known.flatMap((key) => [key, key.slice(key.indexOf('/') + 1)])
  const nearest = findNearest(word, names)
  const near = [
    ...known.filter((key) => nearest !== null && (key === nearest || key.endsWith(`/${nearest}`))),
    ...known.filter((key) => key.includes(word.split('/').at(-1) ?? word)),
  ]
  const shown = [...new Set(near)].slice(0, 5)
  const some = known.slice(0, 5).join(', ')
  throw new WeftError('WEFT_SERVICE_UNKNOWN', `no Service is called "${word}", and it is no address`, {
    hint:
      shown.length > 0
        ? `did you mean ${shown.join(' or ')}?`
        : known.length > 0
          ? `there are ${some}${known.length > 5 ? `, and ${known.length - 5} more` : ''}`
          : 'the agents know no Service at all: weft agent status',
    exitCode: 2,
  })
}

async function lookAtLeaves(leaves: Leaves, answers: readonly NodeAnswer[]): Promise<Map<string, LeafView>> {
  const views = new Map<string, LeafView>()
  for (const { node, explanation } of answers) {
    for (const { address, neighbors } of explanation?.addresses ?? []) {
      for (const { neighbor, isSent } of neighbors) {
        const view = isSent ? await leaves.look(node, neighbor, address) : undefined
        if (view !== undefined) views.set(viewKey(node, neighbor, address), view)
      }
    }
  }
  return views
}
