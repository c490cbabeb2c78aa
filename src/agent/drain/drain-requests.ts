import type { NodeView } from '../../kube/views.ts'

/** Who asks for a drain: the Node object, an operator's command, or the agent's own shutdown. */
export type DrainRequest = 'annotation' | 'taint' | 'command' | 'shutdown'

/**
 * What the Node asks for with the annotation or taint `key`. An annotation with the value "false" asks for nothing;
 * cordon is no request, since a cordoned node serves what it has.
 */
export function requestsOfNode(node: NodeView | undefined, key: string): DrainRequest[] {
  if (node === undefined) return []
  const annotation = node.annotations[key]?.trim()
  const isAnnotated = annotation !== undefined && annotation !== 'false'
  const isTainted = node.taints.some((taint) => taint.key === key)
  return [...(isAnnotated ? (['annotation'] as const) : []), ...(isTainted ? (['taint'] as const) : [])]
}
