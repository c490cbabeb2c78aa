import type { Intent, SiteIntent } from '../model.ts'
import { findNearest } from '../nearest.ts'
import { type Path, pathOf } from '../problem.ts'
import type { CheckContext } from './context.ts'

/** Names that refer to something else in the file: sites of peers and clusters, nodes, parts of selectors. */
export function checkReferences(intent: Intent, context: CheckContext): void {
  for (const peer of intent.peers) checkSite(intent, peer.site, [...pathOf(peer.path), 'site'], context)
  checkClusters(intent, context)
  checkSelectors(intent, context)
}

function checkSite(intent: Intent, name: string, path: Path, context: CheckContext): SiteIntent | null {
  const site = intent.sites.find((candidate) => candidate.name === name)
  if (site !== undefined || context.isWritten(['sites', name])) return site ?? null
  const names = intent.sites.map((candidate) => candidate.name)
  const nearest = findNearest(name, names)
  context.report({
    code: 'WEFT_INTENT_REFERENCE',
    path,
    message: `there is no site "${name}"`,
    found: name,
    expected: `one of ${names.join(', ')}`,
    hint: nearest ? `did you mean "${nearest}"?` : 'name a site that is written below sites:',
  })
  return null
}

function checkClusters(intent: Intent, context: CheckContext): void {
  const owners = new Map<string, string>()
  for (const cluster of intent.clusters) {
    const path = pathOf(cluster.path)
    const site = checkSite(intent, cluster.site, [...path, 'site'], context)
    if (site === null) continue
    const first = owners.get(site.name)
    owners.set(site.name, first ?? cluster.path)
    if (first !== undefined) {
      context.report({
        code: 'WEFT_INTENT_CLUSTER_SITE',
        path: [...path, 'site'],
        message: `the nodes of ${site.name} belong to another cluster already, in line ${context.lineOf(first)}`,
        expected: 'one cluster a site',
        hint: 'give each cluster a site of its own',
      })
    }
    if (!context.isWhole) continue
    const nodes = nodesOf(site)
    for (const [index, name] of cluster.controlPlane.entries()) {
      if (nodes.includes(name)) continue
      const nearest = findNearest(name, nodes)
      context.report({
        code: 'WEFT_INTENT_REFERENCE',
        path: [...path, 'controlPlane', index],
        message: `there is no node "${name}" in ${site.name}`,
        found: name,
        expected: summarise(nodes),
        hint: nearest ? `did you mean "${nearest}"?` : 'name a node of the site of the cluster',
      })
    }
  }
}

function checkSelectors(intent: Intent, context: CheckContext): void {
  for (const { path, select } of intent.overrides) {
    const at = [...pathOf(path), 'select']
    const site = select.site === null ? null : checkSite(intent, select.site, [...at, 'site'], context)
    if (select.rack === null || !context.isWhole || (select.site !== null && site === null)) continue
    const racks = (site ? [site] : intent.sites).flatMap(racksOf).map((rack) => rack.name)
    if (racks.includes(select.rack)) continue
    const nearest = findNearest(select.rack, racks)
    context.report({
      code: 'WEFT_INTENT_SELECTOR_EMPTY',
      path: [...at, 'rack'],
      message: `there is no rack "${select.rack}"${site ? ` in ${site.name}` : ''}`,
      found: select.rack,
      expected: summarise(racks),
      hint: nearest
        ? `did you mean "${nearest}"?`
        : 'racks that are counted are named by type and number: compute1',
    })
  }
}

function racksOf(site: SiteIntent) {
  return site.fabric.pods.flatMap((pod) => pod.racks)
}

function nodesOf(site: SiteIntent): string[] {
  return racksOf(site).flatMap((rack) => rack.nodes.map((node) => node.name))
}

function summarise(names: string[]): string {
  const unique = [...new Set(names)]
  if (unique.length === 0) return 'nothing: there is none'
  return `one of ${unique.slice(0, 6).join(', ')}${unique.length > 6 ? `, … (${unique.length})` : ''}`
}
