import { setTimeout as delay } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { KubeClient, KubeStatusError } from '../kube/client.ts'
import { kubeconfigAccess } from '../kube/kubeconfig.ts'
import type { RawObject } from '../kube/types.ts'
import type { Output } from './output.ts'

/*
 * Drains a node from wherever kubectl works: with the annotation on its Node that the agent there follows. What the
 * agent does about it comes back as Events on the Node; without them there is nothing to wait for.
 */

export interface ApiOptions {
  /** The flag alone means $KUBECONFIG or ~/.kube/config. */
  kubeconfig?: string | true
  context?: string
  annotation: string
}

const pollMs = 500

/** Adds --kubeconfig and what belongs to it. */
export function addApiOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--kubeconfig [file]',
        'by the Kubernetes API: $KUBECONFIG or ~/.kube/config when no file is named',
      ).conflicts(['socket', 'lab']),
    )
    .option('--context <name>', 'context of the kubeconfig, default its current one')
    .option('--annotation <key>', 'drain.key of the agents', 'weft.dev/drain')
}

/** Asks for a drain or its end, and waits until the agent has told of it. */
export async function drainByApi(
  node: string,
  verb: 'drain' | 'undrain',
  options: ApiOptions,
  timeoutMs: number,
  output: Output,
): Promise<{ phase: string; seconds: number }> {
  const file = typeof options.kubeconfig === 'string' ? { file: options.kubeconfig } : {}
  const context = options.context === undefined ? {} : { context: options.context }
  const client = new KubeClient(await kubeconfigAccess({ ...file, ...context }))
  const startedAt = performance.now()
  const seconds = () => Number(((performance.now() - startedAt) / 1000).toFixed(1))
  const wanted = verb === 'drain' ? 'drained' : 'serving'
  try {
    const before = await readPhases(client, node)
    const isNews = await annotate(client, node, options.annotation, verb === 'drain')
    const said = before.at(-1)?.phase
    if (!isNews && (said === wanted || (said === undefined && wanted === 'serving')))
      return { phase: wanted, seconds: seconds() }
    output.note(`${node} is annotated; waiting for its agent`)
    const known = new Set(before.map(({ name }) => name))
    for (;;) {
      const isDone = (await readPhases(client, node)).some(
        ({ name, phase }) => phase === wanted && (!known.has(name) || (!isNews && said === wanted)),
      )
      if (isDone) return { phase: wanted, seconds: seconds() }
      if (performance.now() - startedAt > timeoutMs) {
        throw new WeftError(
          'WEFT_DRAIN_TIMEOUT',
          `no agent has said within ${seconds()} s that ${node} is ${wanted}`,
          {
            hint: `the annotation is set, and the agent goes on: look there with weft agent status. Without permission to write Events it says nothing (docs/reference/rbac.md)`,
            exitCode: 1,
          },
        )
      }
      await delay(pollMs)
    }
  } finally {
    client.close()
  }
}

/** Sets or removes the annotation; false when it was so already. */
async function annotate(client: KubeClient, node: string, key: string, isWanted: boolean): Promise<boolean> {
  const path = `/api/v1/nodes/${encodeURIComponent(node)}`
  const annotationOf = (raw: RawObject) =>
    (raw.metadata?.annotations as Record<string, string> | undefined)?.[key]
  const current = await client.json<RawObject>({ path }).catch((error: unknown) => {
    if (!(error instanceof KubeStatusError) || error.status !== 404) throw error
    throw new WeftError('WEFT_NODE_UNKNOWN', `the cluster at ${client.url} has no Node "${node}"`, {
      hint: 'kubectl get nodes lists them; --context chooses another cluster',
      exitCode: 2,
      cause: error,
    })
  })
  const before = annotationOf(current)
  if (isWanted ? before !== undefined && before !== 'false' : before === undefined) return false
  const annotations = { [key]: isWanted ? 'true' : null }
  const contentType = 'application/merge-patch+json'
  await client.json({ method: 'PATCH', path, contentType, body: { metadata: { annotations } } })
  return true
}

interface ToldPhase {
  name: string
  phase: string
}

/** What the node's agent has told about drains, the latest last. */
async function readPhases(client: KubeClient, node: string): Promise<ToldPhase[]> {
  const { items } = await client.json<{ items?: RawObject[] | null }>({
    path: '/api/v1/namespaces/default/events',
    query: { fieldSelector: `involvedObject.kind=Node,involvedObject.name=${node},reason=DrainPhase` },
  })
  return (items ?? [])
    .toSorted((a, b) => (String(a.lastTimestamp) < String(b.lastTimestamp) ? -1 : 1))
    .map((raw) => ({
      name: String(raw.metadata?.name),
      phase: /^\w+/.exec(String(raw.message))?.[0] ?? '',
    }))
}
