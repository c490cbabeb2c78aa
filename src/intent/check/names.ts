import type { Intent, RackIntent, SiteIntent } from '../model.ts'
import { pathOf } from '../problem.ts'
import type { CheckContext } from './context.ts'

/** Endpoints of expectations that are words of their own; a device of that name could not be spoken of. */
const reservedNames = ['peers', 'services']
const longestDeviceName = 48

/** No two racks of a site, nodes or peers share a name, and device names stay short enough for host names. */
export function checkNames(intent: Intent, context: CheckContext): void {
  const owners = new Map<string, string>()
  for (const site of intent.sites) {
    for (const { nodes } of checkRacks(site, context)) {
      for (const node of nodes) claim(owners, 'node', node.name, node.path, context)
    }
  }
  for (const peer of intent.peers) claim(owners, 'peer', peer.name, peer.path, context)
}

/** The racks of a site whose names are their own; nodes of the others would only repeat the finding. */
function checkRacks(site: SiteIntent, context: CheckContext): RackIntent[] {
  const owners = new Map<string, RackIntent>()
  for (const rack of site.fabric.pods.flatMap((pod) => pod.racks)) {
    const first = owners.get(rack.name)
    if (first !== undefined) {
      context.report({
        code: 'WEFT_INTENT_NAME_DUPLICATE',
        path: pathOf(rack.path),
        message: `${site.name} has two racks named "${rack.name}": the other is in line ${context.lineOf(first.path)}`,
        hint: 'rack names are unique in a site, also between its pods: rename one of them',
      })
      continue
    }
    owners.set(rack.name, rack)
    const leaf = `${site.name}-${rack.name}-leaf${rack.leaves}`
    const longest = [leaf, ...rack.nodes.map((node) => node.name)].reduce((a, b) =>
      b.length > a.length ? b : a,
    )
    if (longest.length > longestDeviceName) {
      context.report({
        code: 'WEFT_INTENT_NAME_INVALID',
        path: pathOf(rack.path),
        at: 'key',
        message: `the device name "${longest}" would have ${longest.length} characters`,
        expected: `at most ${longestDeviceName} characters for site, rack and number together`,
        hint: 'shorten the name of the site or of the rack',
      })
    }
  }
  return [...owners.values()]
}

function claim(
  owners: Map<string, string>,
  kind: string,
  name: string,
  path: string,
  context: CheckContext,
): void {
  if (reservedNames.includes(name)) {
    context.report({
      code: 'WEFT_INTENT_NAME_RESERVED',
      path: pathOf(path),
      at: 'key',
      message: `a ${kind} cannot be named "${name}": expectations use the word for all of them`,
      hint: 'choose another name',
    })
  }
  const first = owners.get(name)
  if (first === undefined) {
    owners.set(name, path)
    return
  }
  // A rack type that lists its nodes names the same ones in each rack made of it.
  const isSameEntry = first === path
  context.report({
    code: 'WEFT_INTENT_NAME_DUPLICATE',
    path: pathOf(path),
    ...(kind === 'peer' && { at: 'key' as const }),
    message: isSameEntry
      ? `the ${kind} "${name}" would exist once in every rack of its type`
      : `the name "${name}" is taken: it is also in line ${context.lineOf(first)}`,
    hint: isSameEntry
      ? 'a rack type that lists node names is good for one rack: write a number of nodes, or another type'
      : 'device and peer names are unique in the whole file: rename one of them',
  })
}
