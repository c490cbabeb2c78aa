import type { Intent } from '../model.ts'
import { findNearest } from '../nearest.ts'
import { type Path, pathOf } from '../problem.ts'
import type { CheckContext } from './context.ts'

const segments = ['nodes', 'pods', 'services', 'switches']

/** Switches and routers are named by the planner; here it is enough that the name has their form. */
const routerName = /-(leaf|spine|superspine|border|dci|edge)\d+$/

/** Expectations speak of endpoints that exist. */
export function checkExpectations(intent: Intent, context: CheckContext): void {
  const known = knownEndpoints(intent)
  for (const statement of intent.expect) {
    if (statement.kind === 'survive') continue
    const path = [...pathOf(statement.path), statement.kind]
    checkEndpoint(intent, known, statement.from, [...path, 'from'], context)
    for (const [index, to] of statement.to.entries()) {
      const listed = [...path, 'to', index]
      checkEndpoint(intent, known, to, context.isWritten(listed) ? listed : [...path, 'to'], context)
    }
  }
}

function knownEndpoints(intent: Intent): Set<string> {
  const known = new Set(['peers', 'services'])
  for (const peer of intent.peers) known.add(peer.name)
  for (const { name, fabric } of intent.sites) {
    for (const segment of segments) known.add(`${name}.${segment}`)
    for (const pod of fabric.pods) {
      for (const rack of pod.racks) for (const node of rack.nodes) known.add(node.name)
    }
  }
  return known
}

function checkEndpoint(
  intent: Intent,
  known: Set<string>,
  endpoint: string,
  path: Path,
  context: CheckContext,
) {
  if (known.has(endpoint)) {
    if (endpoint !== 'peers' || intent.peers.length > 0 || context.isWritten(['peers'])) return
  } else if (!context.isWhole) {
    return
  } else if (routerName.test(endpoint) && intent.sites.some(({ name }) => endpoint.startsWith(`${name}-`))) {
    return
  }
  const isSite = intent.sites.some((site) => site.name === endpoint)
  const nearest = findNearest(endpoint, known)
  context.report({
    code: 'WEFT_INTENT_ENDPOINT',
    path,
    message: endpoint === 'peers' ? 'there are no peers' : `"${endpoint}" is no endpoint`,
    found: endpoint,
    expected: `<site>.${segments.join('|')}, peers, services, or the name of a device or peer`,
    hint: isSite
      ? `say which part of the site: ${endpoint}.nodes`
      : nearest && nearest !== endpoint
        ? `did you mean "${nearest}"?`
        : 'sites are those below sites:, peers those below peers:',
  })
}
