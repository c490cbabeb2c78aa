import type { KubeClient } from '../kube/client.ts'
import { collectionPath, nodes, type RawList } from '../kube/types.ts'
import { type NodeView, viewNode } from '../kube/views.ts'

const pageSize = 250
const timeoutMs = 3_000

/**
 * Reads all Nodes once, page by page. An agent follows its own Node only, since a cluster of thousands changes all the
 * time; this is for the rare question of an operator.
 */
export async function readNodes(client: Pick<KubeClient, 'json'>): Promise<NodeView[]> {
  const signal = AbortSignal.timeout(timeoutMs)
  const views: NodeView[] = []
  let from: string | undefined
  do {
    const page: RawList = await client.json<RawList>({
      path: collectionPath(nodes),
      query: { limit: pageSize, continue: from },
      signal,
    })
    for (const item of page.items ?? []) {
      try {
        views.push(viewNode(item))
      } catch {
        // A Node that cannot be understood is no witness.
      }
    }
    from = page.metadata?.continue || undefined
  } while (from !== undefined)
  return views
}
